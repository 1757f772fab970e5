using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// The kernels of the first convolution, side by side: what each of its channels looks for. Zero is middle gray, one scale for all;
/// kernels on colour images show in colour.
/// </summary>
public static class FilterSheet
{
    private const int Zoom = 14, Gap = 4, Across = 16;

    /// <summary>The sheet as a PNG file; null for a network that does not begin with a convolution.</summary>
    public static byte[]? Draw(Sequential network)
    {
        if (network.Stages()[0] is not { Layer: Conv2D { Geometry: var g } } stage || g.InputChannels is not (1 or 3)) return null;
        var kernel = stage.Weights()!.Value.Kernel;
        var largest = Math.Max(float.Epsilon, kernel.Max(Math.Abs));
        int across = Math.Min(Across, g.OutputChannels), width = g.KernelWidth * Zoom, height = g.KernelHeight * Zoom;
        var picture = new Picture(Gap + across * (width + Gap), Gap + (g.OutputChannels + across - 1) / across * (height + Gap))
            .Filled(255);
        for (var k = 0; k < g.OutputChannels; k++)
            for (var y = 0; y < height; y++)
                for (var x = 0; x < width; x++)
                {
                    byte Colour(int channel) => (byte)(127.5
                        + 127.5 * kernel[((y / Zoom * g.KernelWidth + x / Zoom) * g.InputChannels + channel) * g.OutputChannels
                            + k] / largest);
                    int left = Gap + k % across * (width + Gap), top = Gap + k / across * (height + Gap);
                    picture[left + x, top + y] = g.InputChannels == 3 ? (Colour(0), Colour(1), Colour(2))
                        : (Colour(0), Colour(0), Colour(0));
                }
        return picture.ToPng();
    }
}
