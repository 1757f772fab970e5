namespace Convolve.Engine.Operations.Pixels;

/// <summary>The definition of the scaling of bytes in double precision.</summary>
public static class PixelReference
{
    /// <summary>
    /// byte · scale + offset of each value's channel, for pixels [pixels, channels]; channels reversed if the scaling says so.
    /// </summary>
    public static double[] Convert(byte[] pixels, int channels, PixelScaling scaling) =>
    [
        .. pixels.Select((_, i) =>
        {
            var c = i % channels;
            return (double)scaling.ScaleOf(c) * pixels[i - c + scaling.Source(c, channels)] + scaling.OffsetOf(c);
        }),
    ];
}
