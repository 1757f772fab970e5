using System.Runtime.CompilerServices;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;
using Device = Convolve.Engine.Devices.Device;

namespace Convolve.Engine.Operations.Pooling;

/// <summary>
/// Max pooling: the largest value of each window, channel by channel; ties go to the first in row-major order. With ReLU it computes
/// max(0, x) on the way, bit for bit what a ReLU before it would give, and the gradient that it hands back is masked already: a
/// convolution whose output goes through ReLU and pooling need not be kept for the backward pass.
/// </summary>
/// <remarks>
/// All that the gradient needs to know is which of its window's values won, as a number in row-major order: one byte per output.
/// </remarks>
public static class MaxPooling
{
    /// <summary>The winner of a window in which ReLU let nothing through.</summary>
    internal const int NoWinner = 255;

    /// <summary>input [N,H,W,C] → [N,OH,OW,C].</summary>
    /// <exception cref="ArgumentException">The window does not fit into the input, or has more than 255 positions.</exception>
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
        output.Device.ForEachPixel(g.OutputPixels, MaxPoolingKernels.Forward<PixelSpan>, MaxPoolingKernels.Forward<PixelThreads>,
            input.View, output.View, (winners ?? output).View.Cast<byte>(), g, relu ? 1 : 0, winners is null ? 0 : 1);

    internal static void GradInput(PoolingGeometry g, Tensor upstream, Tensor winners, Tensor gradient, bool accumulate)
    {
        var (upstreamView, winnersView) = (upstream.View, winners.View.Cast<byte>());
        if (g.WindowHeight <= g.Stride && g.WindowWidth <= g.Stride)
            gradient.Device.ForEachPixel(g.Cells, MaxPoolingKernels.GradInputApart<PixelSpan>, MaxPoolingKernels.GradInputApart<PixelThreads>,
                upstreamView, winnersView, gradient.View, g, accumulate ? 1 : 0);
        else
            gradient.Device.ForEachPixel(g.InputPixels, MaxPoolingKernels.GradInput<PixelSpan>, MaxPoolingKernels.GradInput<PixelThreads>,
                upstreamView, winnersView, gradient.View, g, accumulate ? 1 : 0);
    }
}

internal static class MaxPoolingKernels
{
    // x [N,H,W,C], y, winners [N,OH,OW,C]
    public static void Forward<TShape>(
        ArrayView<float> input, ArrayView<float> output, ArrayView<byte> winners, PoolingGeometry g, int relu, int keepWinners)
        where TShape : struct, IPixelShape
    {
        if (TShape.InFours && (g.Channels & 3) == 0) Forward<TShape, Float4>(input, output, winners, g, relu, keepWinners);
        else Forward<TShape, Float1>(input, output, winners, g, relu, keepWinners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward<TShape, T>(
        ArrayView<float> input, ArrayView<float> output, ArrayView<byte> winners, PoolingGeometry g, int relu, int keepWinners)
        where TShape : struct, IPixelShape
        where T : struct, ILanes<T>
    {
        var floor = T.Of(relu != 0 ? 0f : float.NegativeInfinity);
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(g.OutputPixels); pixel++)
        {
            var corner = g.WindowStart(pixel);
            var target = pixel * g.Channels;
            for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                T.Store(output, target + c, T.Zip<Clip>(T.Load(input, corner + c), floor));
            if (keepWinners != 0)
                for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count) T.StoreBytes(winners, target + c, 0);
            for (var position = 1; position < g.WindowHeight * g.WindowWidth; position++)
            {
                var h = position / g.WindowWidth;
                var source = corner + (h * g.Width + position - h * g.WindowWidth) * g.Channels;
                if (keepWinners != 0)
                    for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                    {
                        var value = T.Zip<Clip>(T.Load(input, source + c), floor);
                        var largest = T.Load(output, target + c);
                        var winner = T.LoadBytes(winners, target + c);
                        T.ZipLabelled<Contest>(ref largest, ref winner, value, position);
                        T.Store(output, target + c, largest);
                        T.StoreBytes(winners, target + c, winner);
                    }
                else
                    for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                    {
                        var value = T.Zip<Clip>(T.Load(input, source + c), floor);
                        T.Store(output, target + c, T.Zip<Larger>(T.Load(output, target + c), value));
                    }
            }
            if (relu != 0 && keepWinners != 0)
                for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                {
                    var largest = T.Load(output, target + c);
                    var winner = T.LoadBytes(winners, target + c);
                    T.ZipLabelled<Idle>(ref largest, ref winner, largest, MaxPooling.NoWinner);
                    T.StoreBytes(winners, target + c, winner);
                }
        }
    }

    // dy, winners [N,OH,OW,C], dx [N,H,W,C]: every input asks the windows that contain it whether it won there
    public static void GradInput<TShape>(
        ArrayView<float> upstream, ArrayView<byte> winners, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
    {
        if (TShape.InFours && (g.Channels & 3) == 0) GradInput<TShape, Float4>(upstream, winners, gradient, g, accumulate);
        else GradInput<TShape, Float1>(upstream, winners, gradient, g, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradInput<TShape, T>(
        ArrayView<float> upstream, ArrayView<byte> winners, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
        where T : struct, ILanes<T>
    {
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(g.InputPixels); pixel++)
        {
            var line = pixel / g.Width;
            var w = pixel - line * g.Width;
            var n = line / g.Height;
            var h = line - n * g.Height;
            var target = pixel * g.Channels;
            var firstRow = g.FirstWindow(h, g.WindowHeight);
            var firstColumn = g.FirstWindow(w, g.WindowWidth);
            var endRow = g.EndWindow(h, g.OutputHeight);
            var endColumn = g.EndWindow(w, g.OutputWidth);
            // What the first window gives overwrites; only what several windows give has to be added up.
            var overwrite = accumulate == 0;
            if (overwrite & (firstRow >= endRow | firstColumn >= endColumn))
                for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count) T.Store(gradient, target + c, default);
            for (var oh = firstRow; oh < endRow; oh++)
                for (var ow = firstColumn; ow < endColumn; ow++)
                {
                    var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels;
                    var position = (h - oh * g.Stride) * g.WindowWidth + w - ow * g.Stride;
                    if (overwrite)
                        for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                            T.Store(gradient, target + c, Won<T>(upstream, winners, source + c, position));
                    else
                        for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                            T.Store(gradient, target + c, T.Load(gradient, target + c) + Won<T>(upstream, winners, source + c, position));
                    overwrite = false;
                }
        }
    }

    // dy, winners [N,OH,OW,C], dx [N,H,W,C]: where windows lie apart, each hands its gradient to its own cell of Stride x Stride inputs;
    // a cell's inputs outside its window, and cells at the edge that have no window, get nothing
    public static void GradInputApart<TShape>(
        ArrayView<float> upstream, ArrayView<byte> winners, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
    {
        if (TShape.InFours && (g.Channels & 3) == 0) GradInputApart<TShape, Float4>(upstream, winners, gradient, g, accumulate);
        else GradInputApart<TShape, Float1>(upstream, winners, gradient, g, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradInputApart<TShape, T>(
        ArrayView<float> upstream, ArrayView<byte> winners, ArrayView<float> gradient, PoolingGeometry g, int accumulate)
        where TShape : struct, IPixelShape
        where T : struct, ILanes<T>
    {
        for (var cell = TShape.FirstPixel; cell < TShape.EndPixel(g.Cells); cell++)
        {
            var line = cell / g.CellsAcross;
            var ow = cell - line * g.CellsAcross;
            var n = line / g.CellsDown;
            var oh = line - n * g.CellsDown;
            var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels;
            var hasWindow = oh < g.OutputHeight & ow < g.OutputWidth;
            var rows = IntrinsicMath.Min(g.Stride, g.Height - oh * g.Stride);
            var columns = IntrinsicMath.Min(g.Stride, g.Width - ow * g.Stride);
            for (var h = 0; h < rows; h++)
                for (var w = 0; w < columns; w++)
                {
                    var target = ((n * g.Height + oh * g.Stride + h) * g.Width + ow * g.Stride + w) * g.Channels;
                    var position = h * g.WindowWidth + w;
                    if (hasWindow & h < g.WindowHeight & w < g.WindowWidth)
                    {
                        if (accumulate == 0)
                            for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                                T.Store(gradient, target + c, Won<T>(upstream, winners, source + c, position));
                        else
                            for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count)
                                T.Store(gradient, target + c, T.Load(gradient, target + c) + Won<T>(upstream, winners, source + c, position));
                    }
                    else if (accumulate == 0)
                        for (var c = TShape.FirstChannel * T.Count; c < g.Channels; c += TShape.ChannelStep * T.Count) T.Store(gradient, target + c, default);
                }
        }
    }

    /// <summary>The upstream gradient of those windows that a position won, zero for the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Won<T>(ArrayView<float> upstream, ArrayView<byte> winners, int index, int position) where T : struct, ILanes<T>
    {
        var value = T.Load(upstream, index);
        var winner = T.LoadBytes(winners, index);
        T.ZipLabelled<OnlyOf>(ref value, ref winner, value, position);
        return value;
    }

    // A NaN wins and stays: a comparison with one is false, so both sides have to be asked.
    private readonly struct Larger : IFunctionOfTwo
    {
        public static float Invoke(float largest, float value) => value <= largest | XMath.IsNaN(largest) ? largest : value;
    }

    /// <summary>The same, and the label of the larger one.</summary>
    private readonly struct Contest : IFunctionOfLabelled
    {
        public static void Invoke(ref float largest, ref int winner, float value, int position)
        {
            var keep = value <= largest | XMath.IsNaN(largest);
            largest = keep ? largest : value;
            winner = keep ? winner : position;
        }
    }

    /// <summary>Another label where the value is not above zero.</summary>
    private readonly struct Idle : IFunctionOfLabelled
    {
        public static void Invoke(ref float largest, ref int winner, float same, int noWinner) => winner = same > 0 ? winner : noWinner;
    }

    /// <summary>Zero where the label is another.</summary>
    private readonly struct OnlyOf : IFunctionOfLabelled
    {
        public static void Invoke(ref float value, ref int winner, float same, int position) => value = winner == position ? same : 0f;
    }
}
