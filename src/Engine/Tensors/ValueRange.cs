namespace Convolve.Engine.Tensors;

/// <summary>
/// The range of values that the host uploaded, kept so that labels can be checked without reading them back from the device.
/// </summary>
/// <param name="Lowest">The least value; NaN if one of them is NaN.</param>
/// <param name="LowestAt">Its index.</param>
/// <param name="Highest">The largest value; NaN if one of them is NaN.</param>
/// <param name="HighestAt">Its index.</param>
/// <param name="Broken">A value with a fraction.</param>
/// <param name="BrokenAt">Its index; −1 if all values are whole numbers.</param>
internal readonly record struct ValueRange(float Lowest, int LowestAt, float Highest, int HighestAt, float Broken, int BrokenAt)
{
    /// <summary>The range of at least one value.</summary>
    public static ValueRange Of(ReadOnlySpan<float> values)
    {
        var (lowest, highest, broken) = (0, 0, -1);
        for (var i = 0; i < values.Length; i++)
        {
            if (float.IsNaN(values[i])) return new(float.NaN, i, float.NaN, i, float.NaN, i);
            if (values[i] < values[lowest]) lowest = i;
            if (values[i] > values[highest]) highest = i;
            if (broken < 0 && values[i] != MathF.Floor(values[i])) broken = i;
        }
        return new(values[lowest], lowest, values[highest], highest, broken < 0 ? 0 : values[broken], broken);
    }
}
