using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Pooling;

/// <summary>
/// Max pooling: the largest value of each window, channel by channel; ties go to the first in row-major order. With ReLU it computes
/// max(0, x) as well, bit for bit as with a ReLU before it, and its gradient is already masked: a
/// convolution whose output goes through ReLU and pooling need not be kept for the backward pass.
/// </summary>
/// <remarks>
/// The gradient only needs the position of each window's largest value, in row-major order: one byte per output.
/// </remarks>
public static class MaxPoolingOperation
{
    /// <summary>The winner of a window without a positive value.</summary>
    internal const int NoWinner = 255;

    /// <summary>input [N,H,W,C] → [N,OH,OW,C].</summary>
    /// <exception cref="ArgumentException">The window is larger than the input, or has more than 255 positions.</exception>
    public static Tensor Apply(Tape tape, Tensor input, int windowHeight, int windowWidth, int stride, bool relu = false)
    {
        var geometry = PoolingGeometry.Create(input.Shape, windowHeight, windowWidth, stride);
        if (windowHeight * windowWidth > NoWinner)
            throw new ArgumentException(
                $"max pooling: window {windowHeight}x{windowWidth} has more than {NoWinner} positions; pool twice with smaller windows");
        var output = tape.NewTensor(geometry.Output);
        if (!tape.Records(input))
        {
            Forward(geometry, input, output, null, relu);
            return output;
        }
        var winners = Winners(tape.Device, geometry);
        Forward(geometry, input, output, winners, relu);
        tape.Record("max pooling", output, [winners], upstream =>
            GradInput(geometry, upstream, winners, tape.GradientOf(input, out var accumulate), accumulate));
        winners.Dispose();
        return output;
    }

    /// <summary>Memory for one byte per output, four to a float.</summary>
    internal static Tensor Winners(Device device, PoolingGeometry g) => Tensor.Uninitialized(device, new Shape((g.Output.Length + 3) / 4));

    internal static void Forward(PoolingGeometry g, Tensor input, Tensor output, Tensor? winners, bool relu = false) =>
        output.Device.Kernels.ForEachPixel(g.OutputPixels, g.Channels, new MaxPoolingForward
        {
            Input = input.View,
            Output = output.View,
            Winners = (winners ?? output).View.Cast<byte>(),
            Geometry = g,
            Relu = relu ? 1 : 0,
            KeepWinners = winners is null ? 0 : 1,
        });

    internal static void GradInput(PoolingGeometry g, Tensor upstream, Tensor winners, Tensor gradient, bool accumulate)
    {
        var (upstreamView, winnersView) = (upstream.View, winners.View.Cast<byte>());
        if (g.WindowHeight <= g.Stride && g.WindowWidth <= g.Stride)
            gradient.Device.Kernels.ForEachPixel(g.Cells, g.Channels, new MaxPoolingGradInputApart
            {
                Upstream = upstreamView,
                Winners = winnersView,
                Gradient = gradient.View,
                Geometry = g,
                Accumulate = accumulate ? 1 : 0,
            });
        else
            gradient.Device.Kernels.ForEachPixel(g.InputPixels, g.Channels, new MaxPoolingGradInput
            {
                Upstream = upstreamView,
                Winners = winnersView,
                Gradient = gradient.View,
                Geometry = g,
                Accumulate = accumulate ? 1 : 0,
            });
    }
}
