using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>Changes the tones of every image of a batch by its own <see cref="ToneChange"/>.</summary>
public static class ToneOperation
{
    /// <summary>Changes the tones of a batch.</summary>
    /// <param name="values">The images, [N,H,W,C], 0 … 255, channels in the order of the file.</param>
    /// <param name="tones">[N,5]: a <see cref="ToneChange"/> for each image.</param>
    /// <param name="target">[N,H,W,C]; receives the scaled values.</param>
    /// <param name="scaling">The scaling of values of 0 … 255.</param>
    /// <exception cref="ArgumentException">The sizes do not match.</exception>
    public static void Apply(Tensor values, Tensor tones, Tensor target, PixelScaling scaling)
    {
        if (values.Shape.Rank != 4 || target.Shape != values.Shape)
            throw new ArgumentException($"toning: {target} does not take images of {values}");
        if (tones.Shape != new Shape(values.Shape[0], ToneChange.Length))
            throw new ArgumentException($"toning: tones {tones.Shape} must be [{values.Shape[0]},{ToneChange.Length}]");
        var shape = values.Shape;
        target.Device.Kernels.ForEach(shape[0] * shape[1] * shape[2], new ChangeTones
        {
            Values = values.View,
            Tones = tones.View,
            Output = target.View,
            Height = shape[1],
            Width = shape[2],
            Channels = shape[3],
            Scaling = scaling,
        });
    }
}
