using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Pooling;

/// <summary>Max pooling: the largest value of each window, channel by channel; ties go to the first in row-major order.</summary>
public static class MaxPooling
{
    /// <summary>input [N,H,W,C] → [N,OH,OW,C].</summary>
    /// <exception cref="ArgumentException">The window does not fit into the input.</exception>
    public static Tensor Apply(Tape tape, Tensor input, int windowHeight, int windowWidth, int stride)
    {
        var geometry = PoolingGeometry.Create(input.Shape, windowHeight, windowWidth, stride);
        var output = tape.NewTensor(geometry.Output);
        if (!tape.Records(input))
        {
            Forward(geometry, input, output, null);
            return output;
        }
        // Which of its window's values won, as a number in row-major order: all that the gradient needs to know.
        var winners = Tensor.Uninitialized(tape.Device, geometry.Output);
        Forward(geometry, input, output, winners);
        tape.Record("max pooling", output, [winners], upstream =>
            GradInput(geometry, upstream, winners, tape.GradientOf(input, out var accumulate), accumulate));
        winners.Dispose();
        return output;
    }

    internal static void Forward(PoolingGeometry g, Tensor input, Tensor output, Tensor? winners) =>
        output.Device.ForEachPixel(g.OutputPixels, MaxPoolingKernels.Forward<PixelSpan>, MaxPoolingKernels.Forward<PixelThreads>,
            input.View, output.View, (winners ?? output).View, g, winners is null ? 0 : 1);

    internal static void GradInput(PoolingGeometry g, Tensor upstream, Tensor winners, Tensor gradient, bool accumulate) =>
        gradient.Device.ForEachPixel(g.InputPixels, MaxPoolingKernels.GradInput<PixelSpan>, MaxPoolingKernels.GradInput<PixelThreads>,
            upstream.View, winners.View, gradient.View, g, accumulate ? 1 : 0);
}

internal static class MaxPoolingKernels
{
    // x [N,H,W,C], y, winners [N,OH,OW,C]
    public static void Forward<TShape>(
        ArrayView<float> input, ArrayView<float> output, ArrayView<float> winners, PoolingGeometry g, int keepWinners)
        where TShape : struct, IPixelShape
    {
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(g.OutputPixels); pixel++)
        {
            var corner = g.WindowStart(pixel);
            var target = pixel * g.Channels;
            for (var c = TShape.FirstChannel; c < g.Channels; c += TShape.ChannelStep) output[target + c] = input[corner + c];
            if (keepWinners != 0)
                for (var c = TShape.FirstChannel; c < g.Channels; c += TShape.ChannelStep) winners[target + c] = 0;
            for (var position = 1; position < g.WindowHeight * g.WindowWidth; position++)
            {
                var h = position / g.WindowWidth;
                var source = corner + (h * g.Width + position - h * g.WindowWidth) * g.Channels;
                // A NaN wins and stays: a comparison with one is false, so both sides have to be asked.
                if (keepWinners != 0)
                    for (var c = TShape.FirstChannel; c < g.Channels; c += TShape.ChannelStep)
                    {
                        var value = input[source + c];
                        var largest = output[target + c];
                        var winner = winners[target + c];
                        var keep = value <= largest | XMath.IsNaN(largest);
                        output[target + c] = keep ? largest : value;
                        winners[target + c] = keep ? winner : position;
                    }
                else
                    for (var c = TShape.FirstChannel; c < g.Channels; c += TShape.ChannelStep)
                    {
                        var value = input[source + c];
                        var largest = output[target + c];
                        output[target + c] = value <= largest | XMath.IsNaN(largest) ? largest : value;
                    }
            }
        }
    }

    // dy, winners [N,OH,OW,C], dx [N,H,W,C]: every input asks the windows that contain it whether it won there
    public static void GradInput<TShape>(
        ArrayView<float> upstream, ArrayView<float> winners, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
    {
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(g.InputPixels); pixel++)
        {
            var line = pixel / g.Width;
            var w = pixel - line * g.Width;
            var n = line / g.Height;
            var h = line - n * g.Height;
            var target = pixel * g.Channels;
            if (accumulate == 0)
                for (var c = TShape.FirstChannel; c < g.Channels; c += TShape.ChannelStep) gradient[target + c] = 0;
            var firstRow = g.FirstWindow(h, g.WindowHeight);
            var firstColumn = g.FirstWindow(w, g.WindowWidth);
            var endRow = g.EndWindow(h, g.OutputHeight);
            var endColumn = g.EndWindow(w, g.OutputWidth);
            for (var oh = firstRow; oh < endRow; oh++)
                for (var ow = firstColumn; ow < endColumn; ow++)
                {
                    var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels;
                    var position = (float)((h - oh * g.Stride) * g.WindowWidth + w - ow * g.Stride);
                    for (var c = TShape.FirstChannel; c < g.Channels; c += TShape.ChannelStep)
                        gradient[target + c] += winners[source + c] == position ? upstream[source + c] : 0f;
                }
        }
    }
}
