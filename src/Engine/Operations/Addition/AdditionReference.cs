namespace Convolve.Engine.Operations.Addition;

/// <summary>The definition of addition in double precision. Both terms receive the upstream gradient as it is.</summary>
public static class AdditionReference
{
    /// <summary>left + right, element by element; both of one length.</summary>
    public static double[] Forward(double[] left, double[] right) => [.. left.Zip(right, (l, r) => l + r)];
}
