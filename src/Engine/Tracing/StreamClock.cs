using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Tracing;

/// <summary>Notes when the work on a device's stream begins and ends, on the device's own clock where it has one.</summary>
/// <remarks>A span has a number, which can be used again once its times have been read.</remarks>
internal abstract class StreamClock : IDisposable
{
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

    /// <summary>Queues the beginning of a span behind all earlier work.</summary>
    public abstract void Begin(int span);

    /// <summary>Queues the end of a span behind all earlier work.</summary>
    public abstract void End(int span);

    /// <summary>The times of a span, waiting until it is over.</summary>
    /// <returns>Nanoseconds of the host's clock.</returns>
    public abstract (long Begin, long End) Read(int span);

    /// <summary>Compares the device's clock with the host's, for they drift; the stream must be idle.</summary>
    public abstract void Align();

    /// <inheritdoc/>
    public abstract void Dispose();
}
