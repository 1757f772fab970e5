using System.Runtime.CompilerServices;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Flatten;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Pooling;

/// <summary>Average pooling: the mean of each window, channel by channel.</summary>
public static class AveragePooling
{
    /// <summary>input [N,H,W,C] → [N,OH,OW,C].</summary>
    /// <exception cref="ArgumentException">The window does not fit into the input.</exception>
    public static Tensor Apply(Tape tape, Tensor input, int windowHeight, int windowWidth, int stride)
    {
        var geometry = PoolingGeometry.Create(input.Shape, windowHeight, windowWidth, stride);
        var output = tape.NewTensor(geometry.Output);
        output.Device.ForEachPixel(geometry.OutputPixels, AveragePoolingKernels.Forward<PixelSpan>, AveragePoolingKernels.Forward<PixelThreads>,
            input.View, output.View, geometry);
        if (tape.Records(input))
            tape.Record("average pooling", output, [], upstream =>
            {
                var gradient = tape.GradientOf(input, out var accumulate);
                gradient.Device.ForEachPixel(geometry.InputPixels,
                    AveragePoolingKernels.GradInput<PixelSpan>, AveragePoolingKernels.GradInput<PixelThreads>,
                    upstream.View, gradient.View, geometry, accumulate ? 1 : 0);
            });
        return output;
    }

    /// <summary>The mean over all positions: input [N,H,W,C] → [N,C].</summary>
    /// <exception cref="ArgumentException">The input is no image batch.</exception>
    public static Tensor ApplyGlobal(Tape tape, Tensor input)
    {
        if (input.Shape.Rank != 4) throw new ArgumentException($"global average pooling: input {input.Shape} must be [N,H,W,C]");
        return Flattening.Apply(tape, Apply(tape, input, input.Shape[1], input.Shape[2], 1));
    }
}

internal static class AveragePoolingKernels
{
    // x [N,H,W,C], y [N,OH,OW,C]
    public static void Forward<TShape>(
        ArrayView<float> input, ArrayView<float> output, PoolingGeometry g)
        where TShape : struct, IPixelShape
    {
        if (TShape.InFours && (g.Channels & 3) == 0) Forward<TShape, Float4>(input, output, g);
        else Forward<TShape, Float1>(input, output, g);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward<TShape, T>(
        ArrayView<float> input, ArrayView<float> output, PoolingGeometry g)
        where TShape : struct, IPixelShape
        where T : struct, ILanes<T>
    {
        var scale = 1f / (g.WindowHeight * g.WindowWidth);
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(g.OutputPixels); pixel++)
        {
            var corner = g.WindowStart(pixel);
            var target = pixel * g.Channels;
            for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count) T.Store(output, target + c, default);
            for (var h = 0; h < g.WindowHeight; h++)
                for (var w = 0; w < g.WindowWidth; w++)
                {
                    var source = corner + (h * g.Width + w) * g.Channels;
                    for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                        T.Store(output, target + c, T.Load(output, target + c) + T.Load(input, source + c));
                }
            for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                T.Store(output, target + c, T.Load(output, target + c) * scale);
        }
    }

    // dy [N,OH,OW,C], dx [N,H,W,C]: every input gets its share from each window that contains it
    public static void GradInput<TShape>(
        ArrayView<float> upstream, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
    {
        if (TShape.InFours && (g.Channels & 3) == 0) GradInput<TShape, Float4>(upstream, gradient, g, accumulate);
        else GradInput<TShape, Float1>(upstream, gradient, g, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradInput<TShape, T>(
        ArrayView<float> upstream, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
        where T : struct, ILanes<T>
    {
        var scale = 1f / (g.WindowHeight * g.WindowWidth);
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(g.InputPixels); pixel++)
        {
            var line = pixel / g.Width;
            var w = pixel - line * g.Width;
            var n = line / g.Height;
            var h = line - n * g.Height;
            var target = pixel * g.Channels;
            if (accumulate == 0)
                for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count) T.Store(gradient, target + c, default);
            var firstRow = g.FirstWindow(h, g.WindowHeight);
            var firstColumn = g.FirstWindow(w, g.WindowWidth);
            var endRow = g.EndWindow(h, g.OutputHeight);
            var endColumn = g.EndWindow(w, g.OutputWidth);
            for (var oh = firstRow; oh < endRow; oh++)
                for (var ow = firstColumn; ow < endColumn; ow++)
                {
                    var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels;
                    for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                        T.Store(gradient, target + c, T.Load(gradient, target + c) + T.Load(upstream, source + c) * scale);
                }
        }
    }
}
