namespace Convolve.Engine.Kernels;

/// <summary>Division of whole numbers, on the host and in kernels.</summary>
internal static class Division
{
    /// <summary>A quotient, rounded up: the blocks that a length takes.</summary>
    /// <param name="value">At least 0.</param>
    /// <param name="divisor">At least 1; their sum is at most 2³¹.</param>
    public static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;
}
