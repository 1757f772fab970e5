using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Pooling;

// x [N,H,W,C], y, winners [N,OH,OW,C]
[Kernel("max-pooling-forward", "pooling")]
[KernelTraits(IsHot = true)]
internal struct MaxPoolingForward : IPixelKernel
{
    public ArrayView<float> Input, Output;
    public ArrayView<byte> Winners;
    public PoolingGeometry Geometry;
    public int Relu, KeepWinners;

    public readonly void Run<T>(int pixel, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var (input, output, winners, g) = (Input, Output, Winners, Geometry);
        var floor = T.Of(Relu != 0 ? 0f : float.NegativeInfinity);
        var corner = g.WindowStart(pixel);
        var target = pixel * g.Channels;
        for (var c = channels.First; c < channels.End; c += channels.Step)
            T.Store(output, target + c, T.Zip<Clip>(T.Load(input, corner + c), floor));
        if (KeepWinners != 0)
            for (var c = channels.First; c < channels.End; c += channels.Step) T.StoreBytes(winners, target + c, 0);
        for (var position = 1; position < g.WindowHeight * g.WindowWidth; position++)
        {
            var h = position / g.WindowWidth;
            var source = corner + (h * g.Width + position - h * g.WindowWidth) * g.Channels;
            if (KeepWinners != 0)
                for (var c = channels.First; c < channels.End; c += channels.Step)
                {
                    var value = T.Zip<Clip>(T.Load(input, source + c), floor);
                    var largest = T.Load(output, target + c);
                    var winner = T.LoadBytes(winners, target + c);
                    T.ZipLabelled<Contest>(ref largest, ref winner, value, position);
                    T.Store(output, target + c, largest);
                    T.StoreBytes(winners, target + c, winner);
                }
            else
                for (var c = channels.First; c < channels.End; c += channels.Step)
                {
                    var value = T.Zip<Clip>(T.Load(input, source + c), floor);
                    T.Store(output, target + c, T.Zip<Larger>(T.Load(output, target + c), value));
                }
        }
        if (Relu != 0 && KeepWinners != 0)
            for (var c = channels.First; c < channels.End; c += channels.Step)
            {
                var largest = T.Load(output, target + c);
                var winner = T.LoadBytes(winners, target + c);
                T.ZipLabelled<Idle>(ref largest, ref winner, largest, MaxPoolingOperation.NoWinner);
                T.StoreBytes(winners, target + c, winner);
            }
    }

    // NaN wins and stays: comparisons with NaN are false, so both sides must be checked.
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

    /// <summary>Another label if the value is not above zero.</summary>
    private readonly struct Idle : IFunctionOfLabelled
    {
        public static void Invoke(ref float largest, ref int winner, float same, int noWinner) => winner = same > 0 ? winner : noWinner;
    }
}

// dy, winners [N,OH,OW,C], dx [N,H,W,C]: for every input, checks in which of its windows it won
[Kernel("max-pooling-input-gradient", "pooling")]
[KernelTraits(IsHot = true)]
internal struct MaxPoolingGradInput : IPixelKernel
{
    public ArrayView<float> Upstream, Gradient;
    public ArrayView<byte> Winners;
    public PoolingGeometry Geometry;
    public int Accumulate;

    public readonly void Run<T>(int pixel, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var (upstream, winners, gradient, g) = (Upstream, Winners, Gradient, Geometry);
        var line = pixel / g.Width;
        var w = pixel - line * g.Width;
        var n = line / g.Height;
        var h = line - n * g.Height;
        var target = pixel * g.Channels;
        var firstRow = g.FirstWindow(h, g.WindowHeight);
        var firstColumn = g.FirstWindow(w, g.WindowWidth);
        var endRow = g.EndWindow(h, g.OutputHeight);
        var endColumn = g.EndWindow(w, g.OutputWidth);
        // The first window's contribution overwrites; only further ones are added.
        var overwrite = Accumulate == 0;
        if (overwrite & (firstRow >= endRow | firstColumn >= endColumn))
            for (var c = channels.First; c < channels.End; c += channels.Step) T.Store(gradient, target + c, default);
        for (var oh = firstRow; oh < endRow; oh++)
            for (var ow = firstColumn; ow < endColumn; ow++)
            {
                var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels;
                var position = (h - oh * g.Stride) * g.WindowWidth + w - ow * g.Stride;
                if (overwrite)
                    for (var c = channels.First; c < channels.End; c += channels.Step)
                        T.Store(gradient, target + c, Winner.Share<T>(upstream, winners, source + c, position));
                else
                    for (var c = channels.First; c < channels.End; c += channels.Step)
                        T.Store(gradient, target + c,
                            T.Load(gradient, target + c) + Winner.Share<T>(upstream, winners, source + c, position));
                overwrite = false;
            }
    }
}

// dy, winners [N,OH,OW,C], dx [N,H,W,C]: for windows that do not overlap, each passes its gradient to its own cell of Stride x Stride
// inputs; a cell's inputs outside its window, and cells at the edge that have no window, get nothing
[Kernel("max-pooling-input-gradient-apart", "pooling")]
[KernelTraits(IsHot = true)]
internal struct MaxPoolingGradInputApart : IPixelKernel
{
    public ArrayView<float> Upstream, Gradient;
    public ArrayView<byte> Winners;
    public PoolingGeometry Geometry;
    public int Accumulate;

    public readonly void Run<T>(int cell, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var (upstream, winners, gradient, g) = (Upstream, Winners, Gradient, Geometry);
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
                    if (Accumulate == 0)
                        for (var c = channels.First; c < channels.End; c += channels.Step)
                            T.Store(gradient, target + c, Winner.Share<T>(upstream, winners, source + c, position));
                    else
                        for (var c = channels.First; c < channels.End; c += channels.Step)
                            T.Store(gradient, target + c,
                                T.Load(gradient, target + c) + Winner.Share<T>(upstream, winners, source + c, position));
                }
                else if (Accumulate == 0)
                    for (var c = channels.First; c < channels.End; c += channels.Step) T.Store(gradient, target + c, default);
            }
    }
}

/// <summary>The winner of a window gets its whole gradient.</summary>
internal static class Winner
{
    /// <summary>The upstream gradient of those windows that a position won, zero for the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Share<T>(ArrayView<float> upstream, ArrayView<byte> winners, int index, int position) where T : struct, ILanes<T>
    {
        var value = T.Load(upstream, index);
        var winner = T.LoadBytes(winners, index);
        T.ZipLabelled<OnlyOf>(ref value, ref winner, value, position);
        return value;
    }

    /// <summary>Zero if the label differs.</summary>
    private readonly struct OnlyOf : IFunctionOfLabelled
    {
        public static void Invoke(ref float value, ref int winner, float same, int position) => value = winner == position ? same : 0f;
    }
}
