using ILGPU;

namespace Convolve.Engine.Kernels;

/// <summary>
/// Which elements of a flat loop one thread visits: <c>for (i = First; i &lt; End(length); i += Step)</c>. The loop around a kernel is
/// written once and compiled in the shape for CPUs and in that for GPUs.
/// </summary>
internal interface IWorkShape
{
    /// <summary>The first element.</summary>
    static abstract int First { get; }

    /// <summary>The distance between this thread's elements.</summary>
    static abstract int Step { get; }

    /// <summary>One past the last element.</summary>
    static abstract int End(int length);

    /// <summary>
    /// Whether a thread takes four neighbours at a time: then <see cref="First"/>, <see cref="Step"/> and <see cref="End"/> count fours,
    /// and what is left over is visited one by one, from <see cref="Rest"/> on.
    /// </summary>
    static abstract bool InFours { get; }

    /// <summary>The first element that this thread visits alone: behind so many fours, where it takes fours.</summary>
    static abstract int Rest(int fours);
}

/// <summary>CPUs: each work item walks through neighbouring elements, so that the compiler's loop vectoriser sees step 1.</summary>
internal readonly struct SpanPerItem : IWorkShape
{
    /// <summary>Elements per work item: 32 KiB of float32, small enough to share out evenly, large enough to hide the launch.</summary>
    public const int Length = 8192;

    public static int First => Grid.IdxX * Length;

    public static int Step => 1;

    public static int End(int length) => First + IntrinsicMath.Min(length - First, Length);

    public static bool InFours => false;

    public static int Rest(int fours) => First;
}

/// <summary>GPUs: neighbouring threads visit neighbouring elements, and the whole grid strides through the array.</summary>
internal readonly struct GridStride : IWorkShape
{
    /// <summary>Threads per group.</summary>
    public const int GroupSize = 256;

    /// <summary>Groups at most: enough to fill the largest GPU several times over.</summary>
    public const int MaximalGroups = 4096;

    public static int First => Grid.IdxX * Group.DimX + Group.IdxX;

    public static int Step => Grid.DimX * Group.DimX;

    public static int End(int length) => length;

    public static bool InFours => true;

    public static int Rest(int fours) => fours * 4 + First;
}

/// <summary>
/// Which (pixel, channel) pairs of an [N,H,W,C] tensor one thread visits: pixels outside, channels inside, so that every read and
/// write runs along memory.
/// </summary>
internal interface IPixelShape
{
    /// <summary>The first pixel.</summary>
    static abstract int FirstPixel { get; }

    /// <summary>One past the last pixel.</summary>
    static abstract int EndPixel(int pixels);

    /// <summary>The first channel.</summary>
    static abstract int FirstChannel { get; }

    /// <summary>The distance between this thread's channels.</summary>
    static abstract int ChannelStep { get; }

    /// <summary>Whether a thread takes four neighbouring channels at a time where their number allows it; channels then count
    /// fours.</summary>
    static abstract bool InFours { get; }
}

/// <summary>CPUs: a work item owns neighbouring pixels with all their channels, which are the vector lanes.</summary>
internal readonly struct PixelSpan : IPixelShape
{
    /// <summary>Pixels per work item.</summary>
    public const int Length = 128;

    public static int FirstPixel => Grid.IdxX * Length;

    public static int EndPixel(int pixels) => IntrinsicMath.Min(pixels, (Grid.IdxX + 1) * Length);

    public static int FirstChannel => 0;

    public static int ChannelStep => 1;

    public static bool InFours => false;
}

/// <summary>
/// GPUs: a group of threads owns a few pixels; neighbouring threads visit neighbouring channels. Eight threads with four channels each
/// read lines of 128 bytes, and no thread is idle from 32 channels on.
/// </summary>
internal readonly struct PixelThreads : IPixelShape
{
    /// <summary>Threads along the channels.</summary>
    public const int Channels = 8;

    /// <summary>Pixels per group.</summary>
    public const int Pixels = 32;

    public static int FirstPixel => Grid.IdxX * Pixels + Group.IdxY;

    public static int EndPixel(int pixels) => IntrinsicMath.Min(pixels, Grid.IdxX * Pixels + Group.IdxY + 1);

    public static int FirstChannel => Group.IdxX;

    public static int ChannelStep => Channels;

    public static bool InFours => true;
}
