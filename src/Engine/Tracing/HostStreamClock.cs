using ILGPU.Runtime;

namespace Convolve.Engine.Tracing;

/// <summary>For accelerators that run a launch before the call returns: its time is that of the call, on the host's clock.</summary>
internal sealed class HostStreamClock(AcceleratorStream stream, int spans) : StreamClock(spans)
{
    private readonly (long Begin, long End)[] times = new (long, long)[spans];

    /// <inheritdoc/>
    public override AcceleratorStream Stream => stream;

    /// <inheritdoc/>
    public override string Source => "the host's clock, for this device has none: a launch lasts as long as its call";

    /// <inheritdoc/>
    public override void Align()
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    /// <inheritdoc/>
    protected override void MarkBegin(int span) => times[span].Begin = HostClock.Nanoseconds;

    /// <inheritdoc/>
    protected override void MarkEnd(int span) => times[span].End = HostClock.Nanoseconds;

    /// <inheritdoc/>
    protected override bool IsOver(int span) => true;

    /// <inheritdoc/>
    protected override long BeginOf(int span) => times[span].Begin;

    /// <inheritdoc/>
    protected override (long End, long After) EndOf(int span) => (times[span].End, times[span].End);
}
