using Convolve.Engine.Tensors;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// Every channel of a layer's output as a gray picture, side by side. Each channel has its own scale, from its smallest to its largest
/// value: a weak channel shows as well as a strong one, and one that is the same everywhere is black.
/// </summary>
public static class ActivationGrid
{
    // Smallest width of a tile, and largest width of a row unless a single tile is wider.
    private const int SmallestTile = 32, WidestRow = 1280, Gap = 2;
    private const byte GapColour = 90;

    /// <summary>The grid as a PNG file.</summary>
    /// <param name="values">What the layer gives for one image, row-major.</param>
    /// <param name="shape">[H,W,C], or [units], which become squares.</param>
    /// <param name="channels">The channels to show, in this order.</param>
    public static byte[] Draw(float[] values, Shape shape, IReadOnlyList<int> channels)
    {
        if (shape.Rank != 3) return DrawUnits(values, channels);
        int height = shape[0], width = shape[1], count = shape[2];
        var zoom = Math.Max(1, (SmallestTile + width - 1) / width);
        var picture = Sheet(channels.Count, width * zoom, height * zoom, out var across);
        for (var t = 0; t < channels.Count; t++)
        {
            (var low, var high) = Range(values, channels[t], count);
            int left = Gap + t % across * (width * zoom + Gap), top = Gap + t / across * (height * zoom + Gap);
            for (var y = 0; y < height * zoom; y++)
                for (var x = 0; x < width * zoom; x++)
                {
                    var gray = Gray(values[(y / zoom * width + x / zoom) * count + channels[t]], low, high);
                    picture[left + x, top + y] = (gray, gray, gray);
                }
        }
        return picture.ToPng();
    }

    // One square for each unit, all on one scale.
    private static byte[] DrawUnits(float[] values, IReadOnlyList<int> units)
    {
        const int Side = 14;
        var picture = Sheet(units.Count, Side, Side, out var across);
        for (var t = 0; t < units.Count; t++)
        {
            var gray = Gray(values[units[t]], Math.Min(0, values.Min()), values.Max());
            for (var y = 0; y < Side; y++)
                for (var x = 0; x < Side; x++)
                    picture[Gap + t % across * (Side + Gap) + x, Gap + t / across * (Side + Gap) + y] = (gray, gray, gray);
        }
        return picture.ToPng();
    }

    private static Picture Sheet(int tiles, int width, int height, out int across)
    {
        across = Math.Clamp(WidestRow / (width + Gap), 1, tiles);
        return new Picture(Gap + across * (width + Gap), Gap + (tiles + across - 1) / across * (height + Gap)).Filled(GapColour);
    }

    private static (float Low, float High) Range(float[] values, int channel, int count)
    {
        float low = float.MaxValue, high = float.MinValue;
        for (var i = channel; i < values.Length; i += count) (low, high) = (Math.Min(low, values[i]), Math.Max(high, values[i]));
        return (low, high);
    }

    private static byte Gray(float value, float low, float high) => high > low
        ? (byte)((value - low) / (high - low) * 255 + 0.5f) : (byte)0;
}
