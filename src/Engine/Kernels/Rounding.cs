namespace Convolve.Engine.Kernels;

/// <summary>Rounding of sizes to whole units, upwards, on the host and in kernels.</summary>
internal static class Rounding
{
    /// <summary>Ceiling division: how many units hold a size.</summary>
    /// <param name="size">At least 0.</param>
    /// <param name="unit">At least 1; their sum is at most 2³¹.</param>
    public static int CeilDiv(int size, int unit) => (size + unit - 1) / unit;

    /// <inheritdoc cref="CeilDiv(int, int)"/>
    public static long CeilDiv(long size, long unit) => (size + unit - 1) / unit;

    /// <summary>The smallest multiple of a unit that is not below a size.</summary>
    /// <param name="size">At least 0.</param>
    /// <param name="unit">At least 1; their sum is at most 2³¹.</param>
    public static int RoundUp(int size, int unit) => CeilDiv(size, unit) * unit;
}
