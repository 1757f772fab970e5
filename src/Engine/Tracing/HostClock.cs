using System.Diagnostics;

namespace Convolve.Engine.Tracing;

/// <summary>The host's clock, to which all times of a trace refer.</summary>
internal static class HostClock
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds since an arbitrary time; never goes back.</summary>
    public static long Nanoseconds => Stopwatch.Frequency == NanosecondsPerSecond
        ? Stopwatch.GetTimestamp()
        : (long)(Stopwatch.GetTimestamp() * ((double)NanosecondsPerSecond / Stopwatch.Frequency));
}
