using System.Runtime.CompilerServices;

namespace Convolve.Engine.Kernels;

/// <summary>
/// A kernel over the pixels of an [N,H,W,C] tensor that loops over a pixel's channels itself:
/// <c>for (var c = channels.First; c &lt; channels.End; c += channels.Step)</c>, <c>T.Count</c> neighbouring channels at a time.
/// </summary>
internal interface IPixelKernel
{
    /// <summary>Computes one pixel, counted through the whole batch, in the channels that belong to this thread.</summary>
    void Run<T>(int pixel, ChannelSpan channels) where T : struct, ILanes<T>;
}

/// <summary>The channels of a pixel that one thread visits.</summary>
internal readonly struct ChannelSpan(int first, int step, int end)
{
    public int First { get; } = first;

    public int Step { get; } = step;

    public int End { get; } = end;
}

/// <summary>The loop over the pixels of an <see cref="IPixelKernel"/>.</summary>
internal struct Pixels<TShape, TKernel> : IGroupKernel
    where TShape : struct, IPixelShape
    where TKernel : struct, IPixelKernel
{
    public int Count, Channels;
    public TKernel Kernel;

    public void Run()
    {
        if (TShape.InFours && (Channels & 3) == 0) Run<Float4>();
        else Run<Float1>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Run<T>() where T : struct, ILanes<T>
    {
        var channels = new ChannelSpan(TShape.FirstChannel * T.Count, TShape.ChannelStep * T.Count, Channels);
        for (var pixel = TShape.FirstPixel; pixel < TShape.EndPixel(Count); pixel++) Kernel.Run<T>(pixel, channels);
    }
}
