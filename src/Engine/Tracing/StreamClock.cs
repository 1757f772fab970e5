using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Tracing;

/// <summary>
/// Notes when the work on a device's stream begins and ends, on the device's clock where it has one. A mark on the stream is work, too;
/// so a span that is queued while the one before it still runs gets no mark of its own: it begins where that one ends.
/// </summary>
/// <remarks>Spans are numbered from 0 in the order in which they are queued. All are read, in that order, before 0 is used again.</remarks>
/// <param name="spans">The most spans between two readings.</param>
internal abstract class StreamClock(int spans) : IDisposable
{
    private readonly bool[] follows = new bool[spans];
    private long afterLast;

    /// <summary>The clock of an accelerator.</summary>
    /// <param name="accelerator">The accelerator, whose streams must be idle.</param>
    /// <param name="spans">The most spans between two readings.</param>
    public static StreamClock For(Accelerator accelerator, int spans) => accelerator switch
    {
        CLAccelerator opencl => new OpenClStreamClock(opencl, spans),
        CudaAccelerator cuda => new CudaStreamClock(cuda, spans),
        _ => new HostStreamClock(accelerator.DefaultStream, spans),
    };

    /// <summary>The stream on which all work must be queued.</summary>
    public abstract AcceleratorStream Stream { get; }

    /// <summary>Where the times come from, in words.</summary>
    public abstract string Source { get; }

    /// <summary>Compares the device's clock with the host's, for they drift; the stream must be idle.</summary>
    public abstract void Align();

    /// <summary>Before the work of a span is queued.</summary>
    public void Begin(int span)
    {
        follows[span] = span > 0 && !IsOver(span - 1);
        if (!follows[span]) MarkBegin(span);
    }

    /// <summary>After the work of a span was queued.</summary>
    public void End(int span) => MarkEnd(span);

    /// <summary>The times of a span, waiting until it is over.</summary>
    /// <returns>Nanoseconds of the host's clock.</returns>
    public (long Begin, long End) Read(int span)
    {
        var (end, after) = EndOf(span);
        var begin = follows[span] ? afterLast : BeginOf(span);
        afterLast = after;
        return (begin, end);
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Marks the beginning of a span on the stream.</summary>
    protected abstract void MarkBegin(int span);

    /// <summary>Marks the end of a span on the stream.</summary>
    protected abstract void MarkEnd(int span);

    /// <summary>Whether the device has reached the end of a span.</summary>
    protected abstract bool IsOver(int span);

    /// <summary>When the device reached the beginning of a span that has a mark there and is over.</summary>
    protected abstract long BeginOf(int span);

    /// <summary>When the device reached the mark at the end of a span, waiting for it, and when it was done with the mark.</summary>
    protected abstract (long End, long After) EndOf(int span);
}
