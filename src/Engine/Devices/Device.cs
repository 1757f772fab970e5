using System.Runtime.InteropServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tracing;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Devices;

/// <summary>
/// An opened device: launches kernels in order on one stream, and owns the pool of its memory. Threads take turns: each launch, each copy
/// and each allocation is made under the device's lock, so any thread may use it at any time.
/// </summary>
/// <remarks>
/// The lock protects the device, not a computation: the caller must order the writes and reads of different threads. A
/// network may predict on many threads at once, but is trained on one.
/// </remarks>
public sealed class Device : IDisposable
{
    private readonly Accelerator? accelerator;
    private AcceleratorStream? stream;
    private StreamRecorder? recorder;
    // Uploads run on their own stream, created for the first one, so that they do not queue behind kernels.
    private AcceleratorStream? uploads;
    private bool disposed;

    internal Device(DeviceDescription description, Context context, Accelerator accelerator, KernelShape shape)
    {
        Description = description;
        Shape = shape;
        this.accelerator = accelerator;
        stream = accelerator.DefaultStream;
        Pool = new BufferPool(Gate, accelerator, description);
        Nothing = Pool.Rent(1);
        Kernels = new KernelLauncher(this, context, accelerator);
        VectorLanes = AcceleratorTraits.VectorLanes(accelerator);
        Workers = description.ComputeUnits;
    }

    private Device(Device like, DeviceDescription description)
    {
        Description = description;
        Shape = like.Shape;
        Pool = new BufferPool(Gate, null, description, like.Pool.StandIn ?? like.Nothing.Memory);
        Nothing = Pool.Rent(1);
        Kernels = new KernelLauncher(this);
        VectorLanes = like.VectorLanes;
        Workers = like.Workers;
        UsesTf32 = like.UsesTf32;
        Computing = like.Computing;
    }

    /// <summary>
    /// A device for dry runs: tensors have shapes but no values, launches are counted and
    /// skipped, and its pool reports the memory that the same work takes here.
    /// </summary>
    /// <param name="description">Other limits than this device's.</param>
    public Device WithoutMemory(DeviceDescription? description = null) => new(this, description ?? Description);

    /// <summary>Whether it computes; false for a device <see cref="WithoutMemory"/>, whose tensors have no values.</summary>
    public bool Computes => accelerator is not null;

    /// <summary>The device that this one is like (see <see cref="WithoutMemory"/>); itself if it computes.</summary>
    internal Device Computing
    {
        get => field ?? this;
        private init;
    }

    /// <summary>The opened device.</summary>
    public DeviceDescription Description { get; }

    /// <summary>The variant of hot kernels.</summary>
    public KernelShape Shape { get; }

    /// <summary>The memory of this device.</summary>
    public BufferPool Pool { get; }

    /// <summary>Whether products of matrices and convolutions round their factors to TF32 and run on tensor cores: see
    /// <see cref="UseTf32"/>.</summary>
    public bool UsesTf32 { get; private set; }

    /// <summary>
    /// From now on, matrix products and convolutions round their factors to TF32 (ten bits of fraction instead of 23) and run on the
    /// tensor cores, with sums in float32.
    /// </summary>
    /// <exception cref="DeviceException">The device has no tensor cores for TF32.</exception>
    public void UseTf32()
    {
        if (!(Kernels.Loader?.HasTf32 ?? AcceleratorTraits.HasTf32(accelerator)) || Shape != KernelShape.Gpu)
            throw new DeviceException($"TF32 needs an NVIDIA GPU of the architecture {CudaTarget.WithTf32} or newer, not {Description}");
        UsesTf32 = true;
    }

    /// <summary>Kernels launched so far, for tests of a step's launches.</summary>
    public long Launches => Kernels.Launches;

    /// <summary>Where launches, copies and waits are recorded; null for nowhere.</summary>
    public ExecutionTrace? Trace { get; private set; }

    /// <summary>Records every launch, copy and wait from now on, and the memory in use, until the result is disposed.</summary>
    /// <param name="trace">Where to record them.</param>
    /// <returns>Ends the recording; disposing the device does so, too.</returns>
    /// <exception cref="InvalidOperationException">The device records already, or it is one <see cref="WithoutMemory"/>.</exception>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public IDisposable StartTrace(ExecutionTrace trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        using var turn = Begin();
        if (accelerator is null) throw new InvalidOperationException("trace: a device without memory computes nothing");
        if (recorder is not null) throw new InvalidOperationException("trace: the device records already; end that recording first");
        try
        {
            // The recording has a stream of its own.
            accelerator.Synchronize();
            recorder = new StreamRecorder(trace, accelerator, Description.ToString());
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("beginning a trace", Description, e);
        }
        (Trace, stream) = (trace, recorder.Stream);
        Kernels.RecordTo(recorder);
        Pool.RecordTo(trace);
        return new Recording(this, recorder);
    }

    private void StopTrace(StreamRecorder stopped)
    {
        lock (Gate)
        {
            if (recorder != stopped) return;
            try
            {
                Synchronize();
            }
            catch (DeviceException)
            {
                // Callers that wait for a result get the error; the trace keeps what was recorded before.
            }
            (Trace, stream, recorder) = (null, accelerator!.DefaultStream, null);
            Kernels.RecordTo(null);
            Pool.RecordTo(null);
            stopped.Dispose();
        }
    }

    /// <summary>Launches this device's kernels.</summary>
    internal KernelLauncher Kernels { get; }

    /// <summary>The device's lock; reentrant.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>
    /// Workers that share the items of a <see cref="WorkQueue"/>: one per core, each with its own scratch memory. A test sets them to
    /// compute as other machines do.
    /// </summary>
    internal int Workers { get; set; }

    /// <summary>Work items needed to load the device evenly. Results must not depend on it: see <see cref="SumParts"/>.</summary>
    internal int ParallelItems => Shape == KernelShape.Cpu ? Workers * 4 : Workers * 8;

    /// <summary>
    /// Number of parts of a long sum if there are too few sums for all cores. It affects rounding, so on a
    /// CPU it is not the number of cores: see <see cref="DeviceDescription.SumParts"/>.
    /// </summary>
    internal int SumParts => Shape == KernelShape.Cpu ? Description.SumParts : ParallelItems;

    /// <summary>
    /// float32 lanes of the CPU's vectors as OpenCL reports them, otherwise 1. They determine the register tile;
    /// a test sets them to run the tiles of other CPUs.
    /// </summary>
    internal int VectorLanes { get; set; }

    /// <summary>Whether a CPU has AVX-512's 32 registers of sixteen lanes rather than AVX2's 16 of eight.</summary>
    internal bool HasWideVectors => VectorLanes >= 16;

    /// <summary>A buffer of one element for kernel arguments that will not be read.</summary>
    internal DeviceBuffer Nothing { get; }

    /// <summary>Waits for all launches so far.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public void Synchronize()
    {
        using var turn = Begin();
        using var wait = Trace?.Wait("wait for kernels");
        try
        {
            Finish();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("waiting for kernels", Description, e);
        }
    }

    /// <summary>Runs a user's kernel for the items 0 … <paramref name="items"/> − 1, after everything launched before; does not
    /// wait.</summary>
    /// <param name="items">Number of items; may be 0.</param>
    /// <param name="kernel">Its fields are the arguments.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="ArgumentException">Values of the kernel are on another device.</exception>
    /// <exception cref="ObjectDisposedException">The device, or memory that the kernel uses, was disposed.</exception>
    /// <exception cref="DeviceException">The driver cannot compile or launch the kernel.</exception>
    public void Launch<TKernel>(int items, TKernel kernel) where TKernel : struct, IKernel
    {
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        Kernels.ForEach(items, kernel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Gate)
        {
            if (disposed) return;
            try
            {
                Synchronize();
            }
            catch (DeviceException)
            {
                // Callers that wait for a result get the error; here, only release everything.
            }
            if (recorder is not null) StopTrace(recorder);
            disposed = true;
            Nothing.Release();
            Pool.Dispose();
            Kernels.Dispose();
            uploads?.Dispose();
            accelerator?.Dispose();
        }
    }

    internal void CopyToDevice<T>(ReadOnlySpan<T> source, ArrayView<T> target) where T : unmanaged
    {
        using var turn = Begin();
        if (stream is null) return;
        using var wait = Trace?.Wait("wait for copy to device");
        try
        {
            recorder?.Begin();
            if (source.Length > 0) target.SubView(0, source.Length).CopyFromCPU(stream, source);
            recorder?.End(TraceKind.Copy, "copy to device", MemoryMarshal.AsBytes(source).Length);
            // The driver may read the source until the copy is done, and a span is only valid during this call.
            Finish();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("copying to the device", Description, e);
        }
    }

    /// <summary>Copies without waiting for kernels; none that reads or writes the target may be running.</summary>
    internal void CopyBeside(ReadOnlySpan<byte> source, ArrayView<byte> target)
    {
        using var turn = Begin();
        if (accelerator is null) return;
        using var span = Trace?.Copy("upload beside kernels", source.Length);
        try
        {
            uploads ??= accelerator.CreateStream();
            if (source.Length > 0) target.SubView(0, source.Length).CopyFromCPU(uploads, source);
            uploads.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("copying to the device", Description, e);
        }
    }

    internal void CopyToHost(ArrayView<float> source, Span<float> target)
    {
        using var turn = Begin();
        if (stream is null)
        {
            target.Clear();
            return;
        }
        using var wait = Trace?.Wait("wait for copy to host");
        try
        {
            recorder?.Begin();
            source.SubView(0, target.Length).CopyToCPU(stream, target);
            recorder?.End(TraceKind.Copy, "copy to host", MemoryMarshal.AsBytes(target).Length);
            Finish();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("copying from the device", Description, e);
        }
    }

    /// <summary>Waits for everything on the stream.</summary>
    private void Finish()
    {
        stream?.Synchronize();
        recorder?.Read();
    }

    /// <summary>Locks the device for an operation until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    internal Lock.Scope Begin()
    {
        var turn = Gate.EnterScope();
        if (disposed)
        {
            turn.Dispose();
            throw new ObjectDisposedException(nameof(Device), $"device {Description} was disposed; open it again");
        }
        // CUDA calls go to the current device of the thread.
        accelerator?.Bind();
        return turn;
    }

    private sealed class Recording(Device device, StreamRecorder recorder) : IDisposable
    {
        public void Dispose() => device.StopTrace(recorder);
    }
}
