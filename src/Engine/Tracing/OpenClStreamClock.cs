using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Tracing;

/// <summary>
/// Markers on a command queue with profiling. ILGPU's own markers wait until they are reached, and its launches take no event; so the
/// queue, which ILGPU accepts as a stream, and the markers are OpenCL's.
/// </summary>
internal sealed class OpenClStreamClock : StreamClock
{
    private const string Library = "OpenCL";

    /// <summary>CL_PROFILING_COMMAND_START and CL_PROFILING_COMMAND_END.</summary>
    private const uint CommandStart = 0x1282, CommandEnd = 0x1283;

    /// <summary>CL_EVENT_COMMAND_EXECUTION_STATUS and CL_COMPLETE; errors are below it.</summary>
    private const int ExecutionStatus = 0x11D3, Complete = 0;

    private const int Comparisons = 5;

    private readonly CLStream stream;
    private readonly (nint Begin, nint End)[] events;
    private nint reference;
    // What to add to a time of the device.
    private long offset;

    /// <summary>Makes the queue, and compares the clocks.</summary>
    public OpenClStreamClock(CLAccelerator accelerator, int spans) : base(spans)
    {
        events = new (nint, nint)[spans];
        CLException.ThrowIfFailed(CLAPI.CurrentAPI.CreateCommandQueue(accelerator.PlatformVersion, accelerator.DeviceId,
            accelerator.NativePtr, CLCommandQueueProperties.CL_QUEUE_PROFILING_ENABLE, out var queue));
        stream = accelerator.CreateStream(queue, responsible: true);
        Align();
    }

    /// <inheritdoc/>
    public override AcceleratorStream Stream => stream;

    /// <inheritdoc/>
    public override string Source => "OpenCL events";

    /// <inheritdoc/>
    public override void Align()
    {
        var least = long.MaxValue;
        for (var i = 0; i < Comparisons; i++)
        {
            var before = HostClock.Nanoseconds;
            Mark(ref reference);
            stream.Synchronize();
            var between = HostClock.Nanoseconds - before;
            // The quickest answer says best when the device gave it.
            if (between >= least) continue;
            least = between;
            offset += before + between / 2 - Time(reference, CommandEnd);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        for (var i = 0; i < events.Length; i++)
        {
            Release(ref events[i].Begin);
            Release(ref events[i].End);
        }
        Release(ref reference);
        stream.Dispose();
    }

    /// <inheritdoc/>
    protected override void MarkBegin(int span) => Mark(ref events[span].Begin);

    /// <inheritdoc/>
    protected override void MarkEnd(int span) => Mark(ref events[span].End);

    /// <inheritdoc/>
    protected override bool IsOver(int span)
    {
        Check(GetEventInfo(events[span].End, ExecutionStatus, sizeof(int), out var status, 0));
        return status <= Complete;
    }

    /// <inheritdoc/>
    protected override long BeginOf(int span) => Time(events[span].Begin, CommandEnd);

    /// <inheritdoc/>
    protected override (long End, long After) EndOf(int span)
    {
        var marker = events[span].End;
        Check(WaitForEvents(1, marker));
        return (Time(marker, CommandStart), Time(marker, CommandEnd));
    }

    private void Mark(ref nint marker)
    {
        // That of an earlier span with this number.
        Release(ref marker);
        Check(EnqueueMarker(stream.CommandQueue, 0, 0, out marker));
    }

    private long Time(nint marker, uint which)
    {
        Check(GetProfilingInfo(marker, which, sizeof(ulong), out var nanoseconds, 0));
        return (long)nanoseconds + offset;
    }

    private static void Release(ref nint marker)
    {
        if (marker == 0) return;
        Check(ReleaseEvent(marker));
        marker = 0;
    }

    private static void Check(int error) => CLException.ThrowIfFailed((CLError)error);

    [DllImport(Library, EntryPoint = "clEnqueueMarkerWithWaitList")]
    private static extern int EnqueueMarker(nint queue, uint count, nint waitFor, out nint marker);

    [DllImport(Library, EntryPoint = "clWaitForEvents")]
    private static extern int WaitForEvents(uint count, in nint events);

    [DllImport(Library, EntryPoint = "clGetEventInfo")]
    private static extern int GetEventInfo(nint marker, uint which, nuint size, out int value, nint sizeReturned);

    [DllImport(Library, EntryPoint = "clGetEventProfilingInfo")]
    private static extern int GetProfilingInfo(nint marker, uint which, nuint size, out ulong nanoseconds, nint sizeReturned);

    [DllImport(Library, EntryPoint = "clReleaseEvent")]
    private static extern int ReleaseEvent(nint marker);
}
