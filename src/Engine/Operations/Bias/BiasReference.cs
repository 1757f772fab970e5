namespace Convolve.Engine.Operations.Bias;

/// <summary>The gradients of y = max(0, s + b), or of y = s + b, in double precision.</summary>
public static class BiasReference
{
    /// <summary>∂L/∂s: the upstream gradient where y is positive, else 0.</summary>
    public static double[] Mask(double[] upstream, double[] activated) => [.. upstream.Zip(activated, (u, y) => y > 0 ? u : 0)];

    /// <summary>∂L/∂b [columns]: ∂L/∂s [rows, columns], summed over the rows.</summary>
    public static double[] GradBias(double[] upstream, int columns)
    {
        var gradient = new double[columns];
        for (var i = 0; i < upstream.Length; i++) gradient[i % columns] += upstream[i];
        return gradient;
    }
}
