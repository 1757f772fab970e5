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
        int channels = image.Length / map.Values.Length;
        var picture = new Picture(map.Width, map.Height);
        for (int y = 0; y < map.Height; y++)
            for (int x = 0; x < map.Width; x++)
            {
                int at = y * map.Width + x;
                int sum = 0;
                for (int c = 0; c < channels; c++) sum += image[at * channels + c];
                picture[x, y] = scale.Over((byte)(sum / channels), map.Values[at]);
            }
        return picture;
    }
}
