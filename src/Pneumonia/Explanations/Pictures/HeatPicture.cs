using System.Globalization;

namespace Convolve.Pneumonia.Explanations;

/// <summary>Draws maps over X-rays.</summary>
public static class HeatPicture
{
    /// <summary>A map over the image it belongs to, one pixel for each of its own.</summary>
    /// <param name="image">[H,W,channels] bytes, channels equal or 1.</param>
    /// <param name="map">A map of the image's size.</param>
    /// <param name="scale">The colours.</param>
    public static Picture Over(ReadOnlySpan<byte> image, HeatMap map, HeatScale scale)
    {
        var channels = image.Length / map.Values.Length;
        var picture = new Picture(map.Width, map.Height);
        for (var y = 0; y < map.Height; y++)
            for (var x = 0; x < map.Width; x++)
            {
                var at = y * map.Width + x;
                var sum = 0;
                for (var c = 0; c < channels; c++) sum += image[at * channels + c];
                picture[x, y] = scale.Over((byte)(sum / channels), map.Values[at]);
            }
        return picture;
    }

    /// <summary>A map over the image it belongs to, each pixel a square, with the scale beside it: the largest value at the top.</summary>
    /// <param name="image">[H,W,channels] bytes, channels equal or 1.</param>
    /// <param name="map">A map of the image's size.</param>
    /// <param name="scale">The colours.</param>
    /// <param name="zoom">Pixels of the picture for one of the image.</param>
    public static Picture WithScale(ReadOnlySpan<byte> image, HeatMap map, HeatScale scale, int zoom)
    {
        // Dark as an X-ray's air: it stands on a light page as well as on a dark one.
        const byte Margin = 24;
        const int Gap = 8, Bar = 14, Digit = 3, Room = 8 * SmallDigits.Advance * Digit;
        var over = Over(image, map, scale);
        int height = map.Height * zoom, width = map.Width * zoom;
        var picture = new Picture(width + 2 * Gap + Bar + Room, height).Filled(Margin);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++) picture[x, y] = over[x / zoom, y / zoom];
        for (var y = 0; y < height; y++)
        {
            var value = scale.Highest + (scale.Lowest - scale.Highest) * y / Math.Max(1, height - 1);
            // Over middle gray, as most of an X-ray is.
            for (var x = 0; x < Bar; x++) picture[width + Gap + x, y] = scale.Over(128, value);
        }
        const int Last = SmallDigits.Height * Digit;
        foreach ((var value, var top) in new[] { (scale.Highest, 0), ((scale.Highest + scale.Lowest) / 2, (height - Last) / 2),
            (scale.Lowest, height - Last) })
            SmallDigits.Write(picture, width + 2 * Gap + Bar - 2, top, value.ToString("G3", CultureInfo.InvariantCulture), Digit);
        return picture;
    }
}
