using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Pixels;

/// <summary>Converts bytes to floats on the device, so that only a quarter of the bytes cross the bus.</summary>
public static class PixelConversionOperation
{
    /// <summary>Scales every byte of a batch.</summary>
    /// <param name="pixels">The images, [N,H,W,C]; not needed in a dry run.</param>
    /// <param name="target">[N,H,W,C]; receives the values.</param>
    /// <param name="scaling">The scaling of bytes.</param>
    /// <exception cref="ArgumentException">The number of bytes is not the target's length.</exception>
    public static void Apply(StagedPixels pixels, Tensor target, PixelScaling scaling)
    {
        if (pixels.Length != target.Shape.Length && target.Device.Computes)
            throw new ArgumentException($"pixel conversion: {target} needs {target.Shape.Length} bytes, but {pixels.Length} were given");
        var channels = target.Shape[target.Shape.Rank - 1];
        target.Device.Kernels.ForEach(target.Shape.Length / channels,
            new PixelConvert { Pixels = pixels.View, Target = target.View, Channels = channels, Scaling = scaling });
    }
}
