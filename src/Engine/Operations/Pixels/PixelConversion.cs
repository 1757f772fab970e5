using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Pixels;

/// <summary>Bytes become floats on the device, so that an image crosses the bus at a quarter of its size.</summary>
public static class PixelConversion
{
    /// <summary>Scales every byte of a batch.</summary>
    /// <param name="pixels">The images, [N,H,W,C]; none are needed where nothing is computed.</param>
    /// <param name="target">[N,H,W,C]; takes the values.</param>
    /// <param name="scaling">What becomes of a byte.</param>
    /// <exception cref="ArgumentException">The number of bytes is not the target's length.</exception>
    public static void Apply(StagedPixels pixels, Tensor target, PixelScaling scaling)
    {
        if (pixels.Length != target.Shape.Length && target.Device.Computes)
            throw new ArgumentException($"pixel conversion: {target} needs {target.Shape.Length} bytes, but {pixels.Length} were given");
        var channels = target.Shape[target.Shape.Rank - 1];
        target.Device.ForEach(target.Shape.Length / channels, PixelKernels.Convert<SpanPerItem>, PixelKernels.Convert<GridStride>,
            pixels.View, target.View, channels, scaling);
    }
}

internal static class PixelKernels
{
    // pixels, y [pixels,C]; one thread makes all channels of a pixel
    public static void Convert<TShape>(ArrayView<byte> pixels, ArrayView<float> target, int channels, PixelScaling scaling)
        where TShape : struct, IWorkShape
    {
        for (var pixel = TShape.First; pixel < TShape.End(target.IntLength / channels); pixel += TShape.Step)
        {
            var at = pixel * channels;
            if (channels == 3)
            {
                // Written out, so that each channel's scale and offset are chosen once and not for every pixel: half the time.
                target[at] = scaling.Apply(pixels[at + scaling.Source(0, 3)], 0);
                target[at + 1] = scaling.Apply(pixels[at + scaling.Source(1, 3)], 1);
                target[at + 2] = scaling.Apply(pixels[at + scaling.Source(2, 3)], 2);
            }
            else
                for (var c = 0; c < channels; c++) target[at + c] = scaling.Apply(pixels[at + scaling.Source(c, channels)], c);
        }
    }
}
