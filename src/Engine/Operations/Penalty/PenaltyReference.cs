namespace Convolve.Engine.Operations.Penalty;

/// <summary>The definition of the weight penalties in double precision.</summary>
public static class PenaltyReference
{
    /// <summary>λ₁·Σ|w| + λ₂·Σw².</summary>
    public static double Value(double[] weights, double l1, double l2) => weights.Sum(w => l1 * Math.Abs(w) + l2 * w * w);

    /// <summary>Its gradient with respect to each weight: λ₁·sign(w) + 2λ₂·w, with sign(0) = 0.</summary>
    public static double[] Gradient(double[] weights, double l1, double l2) =>
        [.. weights.Select(w => l1 * Math.Sign(w) + 2 * l2 * w)];
}
