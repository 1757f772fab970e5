using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Convolve.Engine.Tracing;

/// <summary>
/// CUDA events on the default stream. CUDA tells only the time between two of them, as a float32, so all times are counted from an event
/// that <see cref="Align"/> records anew.
/// </summary>
internal sealed class CudaStreamClock : StreamClock
{
    private const double NanosecondsPerMillisecond = 1e6;

    private readonly CudaStream stream;
    private readonly nint reference;
    private readonly (nint Begin, nint End)[] events;
    private long referenceTime;

    /// <summary>Takes the events, and compares the clocks.</summary>
    public CudaStreamClock(CudaAccelerator accelerator, int spans) : base(spans)
    {
        stream = (CudaStream)accelerator.DefaultStream;
        events = new (nint, nint)[spans];
        reference = Create();
        for (var i = 0; i < spans; i++) events[i] = (Create(), Create());
        Align();
    }

    /// <inheritdoc/>
    public override AcceleratorStream Stream => stream;

    /// <inheritdoc/>
    public override string Source => "CUDA events";

    /// <inheritdoc/>
    public override void Align()
    {
        var before = HostClock.Nanoseconds;
        Record(reference);
        CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.SynchronizeEvent(reference));
        referenceTime = before + (HostClock.Nanoseconds - before) / 2;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var (begin, end) in events)
        {
            Destroy(begin);
            Destroy(end);
        }
        Destroy(reference);
    }

    /// <inheritdoc/>
    protected override void MarkBegin(int span) => Record(events[span].Begin);

    /// <inheritdoc/>
    protected override void MarkEnd(int span) => Record(events[span].End);

    /// <inheritdoc/>
    protected override bool IsOver(int span)
    {
        var state = CudaAPI.CurrentAPI.QueryEvent(events[span].End);
        if (state == CudaError.CUDA_ERROR_NOT_READY) return false;
        CudaException.ThrowIfFailed(state);
        return true;
    }

    /// <inheritdoc/>
    protected override long BeginOf(int span) => TimeOf(events[span].Begin);

    /// <inheritdoc/>
    protected override (long End, long After) EndOf(int span)
    {
        CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.SynchronizeEvent(events[span].End));
        var end = TimeOf(events[span].End);
        return (end, end);
    }

    private void Record(nint point) => CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.RecordEvent(point, stream.StreamPtr));

    private static nint Create()
    {
        CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.CreateEvent(out var created, CudaEventFlags.CU_EVENT_DEFAULT));
        return created;
    }

    private static void Destroy(nint point) => CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.DestroyEvent(point));

    private long TimeOf(nint point)
    {
        CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.ElapsedTime(out var milliseconds, reference, point));
        return referenceTime + (long)(milliseconds * NanosecondsPerMillisecond);
    }
}
