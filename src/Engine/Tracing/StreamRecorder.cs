using ILGPU.Runtime;

namespace Convolve.Engine.Tracing;

/// <summary>Records launches and copies on a device's stream into a trace. Their times are read when the host waits anyway.</summary>
/// <remarks>Used under the device's lock.</remarks>
internal sealed class StreamRecorder : IDisposable
{
    /// <summary>Many times the launches of a step: only that many without a wait between them make one necessary.</summary>
    private const int MostPending = 2048;

    private const long NanosecondsBetweenAlignments = 1_000_000_000;

    private readonly StreamClock clock;
    private readonly Pending[] pending = new Pending[MostPending];
    private int count;
    private long lastEnd, aligned;

    /// <summary>Begins to record; the accelerator's streams must be idle.</summary>
    public StreamRecorder(ExecutionTrace trace, Accelerator accelerator, string device)
    {
        Trace = trace;
        clock = StreamClock.For(accelerator, MostPending);
        aligned = HostClock.Nanoseconds;
        trace.From(device, clock.Source);
    }

    /// <summary>The trace.</summary>
    public ExecutionTrace Trace { get; }

    /// <summary>The stream on which all work must be queued from now on.</summary>
    public AcceleratorStream Stream => clock.Stream;

    /// <summary>Before a launch or copy is queued.</summary>
    public void Begin()
    {
        if (count == MostPending) Read();
        clock.Begin(count);
    }

    /// <summary>After it was queued.</summary>
    /// <param name="kind">A launch or a copy.</param>
    /// <param name="name">Its name, the same object every time.</param>
    /// <param name="bytes">Bytes that it is given or moves.</param>
    public void End(TraceKind kind, string name, long bytes)
    {
        clock.End(count);
        pending[count++] = new Pending(kind, name, ExecutionTrace.Current, bytes);
    }

    /// <summary>Reads the times of everything so far, waiting until it is over, and moves them into the trace.</summary>
    public void Read()
    {
        for (var i = 0; i < count; i++)
        {
            var (begin, end) = clock.Read(i);
            // Spans on one stream never overlap; the comparison of the clocks is not exact.
            begin = Math.Max(begin - Trace.Origin, lastEnd);
            lastEnd = Math.Max(end - Trace.Origin, begin);
            var (kind, name, layer, bytes) = pending[i];
            Trace.Add(new TraceEvent(kind, TraceEvent.DeviceTrack, name, layer.Name, layer.IsBackward, begin, lastEnd, bytes, 0));
        }
        count = 0;
        if (HostClock.Nanoseconds - aligned < NanosecondsBetweenAlignments) return;
        // Everything queued is over, so the stream is idle.
        clock.Align();
        aligned = HostClock.Nanoseconds;
    }

    /// <inheritdoc/>
    public void Dispose() => clock.Dispose();

    private readonly record struct Pending(TraceKind Kind, string Name, LayerPass Layer, long Bytes);
}
