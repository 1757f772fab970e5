using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Flatten;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Pooling;

/// <summary>Average pooling: the mean of each window, channel by channel.</summary>
public static class AveragePoolingOperation
{
    /// <summary>input [N,H,W,C] → [N,OH,OW,C].</summary>
    /// <exception cref="ArgumentException">The window is larger than the input.</exception>
    public static Tensor Apply(Tape tape, Tensor input, int windowHeight, int windowWidth, int stride)
    {
        var geometry = PoolingGeometry.Create(input.Shape, windowHeight, windowWidth, stride);
        var output = tape.NewTensor(geometry.Output);
        output.Device.Kernels.ForEachPixel(geometry.OutputPixels, geometry.Channels,
            new AveragePoolingForward { Input = input.View, Output = output.View, Geometry = geometry });
        if (tape.Records(input))
            tape.Record("average pooling", output, [], upstream =>
            {
                var gradient = tape.GradientOf(input, out var accumulate);
                gradient.Device.Kernels.ForEachPixel(geometry.InputPixels, geometry.Channels, new AveragePoolingGradInput
                {
                    Upstream = upstream.View,
                    Gradient = gradient.View,
                    Geometry = geometry,
                    Accumulate = accumulate ? 1 : 0,
                });
            });
        return output;
    }

    /// <summary>The mean over all positions: input [N,H,W,C] → [N,C].</summary>
    /// <exception cref="ArgumentException">The input is not a batch of images.</exception>
    public static Tensor ApplyGlobal(Tape tape, Tensor input)
    {
        if (input.Shape.Rank != 4) throw new ArgumentException($"global average pooling: input {input.Shape} must be [N,H,W,C]");
        return FlattenOperation.Apply(tape, Apply(tape, input, input.Shape[1], input.Shape[2], 1));
    }
}
