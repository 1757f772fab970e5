using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Pixels;

/// <summary>Bytes become floats on the device, so that an image crosses the bus at a quarter of its size.</summary>
public static class PixelConversion
{
    /// <summary>value = byte · scale + offset.</summary>
    /// <param name="target">Takes the values; its shape says how many bytes there must be.</param>
    /// <param name="pixels">The bytes, in the target's order; none are needed where nothing is computed.</param>
    /// <param name="scale">1/255 for Keras' <c>rescale</c>.</param>
    /// <param name="offset">Added after scaling.</param>
    /// <exception cref="ArgumentException">The number of bytes is not the target's length.</exception>
    public static void Upload(Tensor target, ReadOnlySpan<byte> pixels, float scale = 1f / 255f, float offset = 0f)
    {
        if (pixels.Length != target.Shape.Length && target.Device.Computes)
            throw new ArgumentException($"pixel conversion: {target} needs {target.Shape.Length} bytes, but {pixels.Length} were given");
        var device = target.Device;
        var floats = (target.Shape.Length + sizeof(float) - 1) / sizeof(float);
        var buffer = device.Pool.Rent(floats);
        var bytes = buffer.View(floats).Cast<byte>();
        device.CopyToDevice(pixels, bytes);
        device.ForEach(target.Shape.Length, PixelKernels.Convert<SpanPerItem>, PixelKernels.Convert<GridStride>, bytes, target.View, scale, offset);
        buffer.Release();
    }
}

internal static class PixelKernels
{
    public static void Convert<TShape>(ArrayView<byte> pixels, ArrayView<float> target, float scale, float offset) where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(target.IntLength); i += TShape.Step) target[i] = pixels[i] * scale + offset;
    }
}
