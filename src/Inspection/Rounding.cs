namespace Convolve.Inspection;

/// <summary>Division and rounding of sizes to whole units, upwards.</summary>
internal static class Rounding
{
    /// <summary>How many units hold a size: ⌈size / unit⌉.</summary>
    public static int CeilDiv(int size, int unit) => (size + unit - 1) / unit;

    /// <summary>The smallest multiple of a unit that is not below a size.</summary>
    public static int RoundUp(int size, int unit) => CeilDiv(size, unit) * unit;
}
