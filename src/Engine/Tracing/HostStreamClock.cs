using ILGPU.Runtime;

namespace Convolve.Engine.Tracing;

/// <summary>For accelerators that run a launch before the call returns: its time is that of the call, on the host's clock.</summary>
internal sealed class HostStreamClock(AcceleratorStream stream, int spans) : StreamClock
{
    private readonly (long Begin, long End)[] times = new (long, long)[spans];

    /// <inheritdoc/>
    public override AcceleratorStream Stream => stream;

    /// <inheritdoc/>
    public override string Source => "the host's clock, for this device has none: a launch lasts as long as its call";

    /// <inheritdoc/>
    public override void Begin(int span) => times[span].Begin = HostClock.Nanoseconds;

    /// <inheritdoc/>
    public override void End(int span) => times[span].End = HostClock.Nanoseconds;

    /// <inheritdoc/>
    public override (long Begin, long End) Read(int span) => times[span];

    /// <inheritdoc/>
    public override void Align()
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
