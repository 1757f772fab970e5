using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tracing;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Kernels;

/// <summary>
/// The one way to launch a kernel on a device: closes the loop around it in the device's shape, compiles it once, checks every view among
/// its fields, and queues it behind everything launched before.
/// </summary>
/// <remarks>A launch neither allocates nor boxes. It takes the device's lock, so any thread may launch at any time.</remarks>
internal sealed class KernelLauncher : IDisposable
{
    private readonly Devices.Device device;
    private readonly Context? context;
    private readonly Accelerator? accelerator;
    private AcceleratorStream? stream;
    private StreamRecorder? recorder;
    private readonly Dictionary<Type, Delegate> loaded = [];
    private readonly List<Kernel> kernels = [];
    private readonly MemoryBuffer1D<int, Stride1D.Dense>? queueCounter;
    private int queueEnd;
    private bool queueIsInStep = true;

    /// <summary>Launches on an accelerator; without one, and without a <see cref="Loader"/>, launches are counted and left out.</summary>
    public KernelLauncher(Devices.Device device, Context? context = null, Accelerator? accelerator = null)
    {
        this.device = device;
        this.context = context;
        this.accelerator = accelerator;
        if (accelerator is null) return;
        stream = accelerator.DefaultStream;
        queueCounter = accelerator.Allocate1D<int>(1);
        queueCounter.MemSetToZero(stream);
    }

    /// <summary>Kernels launched so far.</summary>
    public long Launches { get; private set; }

    /// <summary>The kernels launched so far, each in its loop.</summary>
    public IEnumerable<Type> Launched => loaded.Keys;

    /// <summary>Runs kernels in place of the device's driver; set before the first launch. The PTX machine is one.</summary>
    public IKernelLoader? Loader { get; set; }

    /// <summary>Records launches from now on, which then run on the recorder's stream; null for no longer.</summary>
    internal void RecordTo(StreamRecorder? next)
    {
        recorder = next;
        stream = next?.Stream ?? accelerator!.DefaultStream;
    }

    /// <summary>Runs a kernel for the items 0 … <paramref name="items"/> − 1.</summary>
    public void ForEach<TKernel>(int items, TKernel kernel) where TKernel : struct, IKernel
    {
        if (items == 0) return;
        if (device.Shape == KernelShape.Cpu) Launch(FlatGrid(items), new Items<SpanPerItem, TKernel> { Kernel = kernel, Count = items });
        else Launch(FlatGrid(items), new Items<GridStride, TKernel> { Kernel = kernel, Count = items });
    }

    /// <summary>Runs a kernel for the elements 0 … <paramref name="length"/> − 1.</summary>
    /// <param name="length">Elements.</param>
    /// <param name="kernel">The kernel.</param>
    /// <param name="inFours">False where four neighbours do not always belong together, as in rows that are no multiple of four
    /// long.</param>
    public void ForEachElement<TKernel>(int length, TKernel kernel, bool inFours = true) where TKernel : struct, IElementKernel
    {
        if (length == 0) return;
        var fours = inFours ? length / Float4.Count : 0;
        if (device.Shape == KernelShape.Cpu)
            Launch(FlatGrid(length), new Elements<SpanPerItem, TKernel> { Kernel = kernel, Length = length, Fours = fours });
        else Launch(FlatGrid(length), new Elements<GridStride, TKernel> { Kernel = kernel, Length = length, Fours = fours });
    }

    /// <summary>Runs a kernel for the pixels 0 … <paramref name="pixels"/> − 1, each with so many channels.</summary>
    public void ForEachPixel<TKernel>(int pixels, int channels, TKernel kernel) where TKernel : struct, IPixelKernel
    {
        if (device.Shape == KernelShape.Cpu)
            Launch(new KernelConfig(Rounding.CeilDiv(pixels, PixelSpan.Length), 1),
                new Pixels<PixelSpan, TKernel> { Kernel = kernel, Count = pixels, Channels = channels });
        else
            Launch(new KernelConfig(new Index2D(Rounding.CeilDiv(pixels, PixelThreads.Pixels), 1),
                new Index2D(PixelThreads.Channels, PixelThreads.Pixels)),
                new Pixels<PixelThreads, TKernel> { Kernel = kernel, Count = pixels, Channels = channels });
    }

    /// <summary>Runs a kernel whose workers take <paramref name="items"/> items from a queue, in the shape for CPUs.</summary>
    public void ForEachQueued<TKernel>(int items, TKernel kernel) where TKernel : struct, IWorkerKernel
    {
        // Tickets are counted in the order of the launches.
        using var turn = device.Begin();
        var workers = Math.Min(device.Workers, items);
        var queue = NextQueue(items, workers);
        Launch(new KernelConfig(workers, 1), new Workers<TKernel> { Kernel = kernel, Queue = queue });
        queueIsInStep = true;
    }

    /// <summary>Runs a kernel for every thread of a grid of groups.</summary>
    public void ForEachGroup<TKernel>(GroupGrid grid, TKernel kernel) where TKernel : struct, IGroupKernel =>
        Launch(new KernelConfig(new Index3D(grid.X, grid.Y, grid.Z), new Index3D(grid.Threads, grid.ThreadsY, 1)), kernel);

    /// <summary>What the driver calls: every launch is one of these.</summary>
    internal static void Entry<TKernel>(TKernel kernel) where TKernel : struct, IGroupKernel => kernel.Run();

    /// <summary>Makes sure that a kernel can use a view among its fields.</summary>
    /// <param name="kernel">The kernel, for messages.</param>
    /// <param name="view">The view.</param>
    /// <param name="inFours">Whether the kernel may move four of its elements at once.</param>
    /// <exception cref="ArgumentException">
    /// The view lies on another device, or the device runs kernels in the shape for GPUs and it begins where they cannot move four at once.
    /// </exception>
    /// <exception cref="ObjectDisposedException">Its memory was given back to the driver.</exception>
    internal void CheckView<T>(Type kernel, ArrayView<T> view, bool inFours) where T : unmanaged
    {
        if (accelerator is null || view.Length == 0) return;
        var buffer = BufferOf(view);
        if (buffer.Accelerator != accelerator)
            throw new ArgumentException(
                $"{KernelForm.NameOf(kernel)}: a tensor lies on another device than {device.Description}; "
                + $"copy it there with {nameof(Tensor.ToArray)} and {nameof(Tensor.FromValues)}");
        if (buffer.IsDisposed)
            throw new ObjectDisposedException(nameof(Tensor),
                $"{KernelForm.NameOf(kernel)}: a tensor's memory was given back to {device.Description}");
        var begin = BeginInBytes(view);
        if (begin + view.LengthInBytes > buffer.LengthInBytes)
            throw new ArgumentException(
                $"{KernelForm.NameOf(kernel)}: a tensor belongs to a device without memory, which only rehearses work");
        var four = Float4.Count * Interop.SizeOf<T>();
        if (inFours && device.Shape == KernelShape.Gpu && begin % four != 0)
            throw new ArgumentException(
                $"{KernelForm.NameOf(kernel)}: a tensor begins at {NameOf<T>()} {begin / Interop.SizeOf<T>()} of its memory; "
                + "GPUs move four of them at a time, so a slice must begin at a multiple of 4");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        queueCounter?.Dispose();
        foreach (var kernel in kernels) kernel.Dispose();
    }

    private void Launch<TKernel>(KernelConfig grid, TKernel kernel) where TKernel : struct, IGroupKernel
    {
        using var turn = device.Begin();
        Launches++;
        if (accelerator is null && Loader is null) return;
        // A constant of each kernel: one without views costs nothing.
        KernelViews<TKernel>.Check?.Invoke(this, kernel);
        try
        {
            if (recorder is null) Loaded<TKernel>()(stream!, grid, kernel);
            else LaunchRecorded(recorder, grid, kernel);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {KernelForm.NameOf(typeof(TKernel))}", device.Description, e);
        }
    }

    private void LaunchRecorded<TKernel>(StreamRecorder recorder, KernelConfig grid, TKernel kernel) where TKernel : struct, IGroupKernel
    {
        var launch = Loaded<TKernel>();
        recorder.Begin();
        launch(stream!, grid, kernel);
        recorder.End(TraceKind.Launch, RecordedKernel<TKernel>.Name, RecordedKernel<TKernel>.BytesOf(kernel));
    }

    private Action<AcceleratorStream, KernelConfig, TKernel> Loaded<TKernel>() where TKernel : struct, IGroupKernel
    {
        if (loaded.TryGetValue(typeof(TKernel), out var known)) return (Action<AcceleratorStream, KernelConfig, TKernel>)known;
        var launch = Load<TKernel>();
        loaded.Add(typeof(TKernel), launch);
        return launch;
    }

    private Action<AcceleratorStream, KernelConfig, TKernel> Load<TKernel>() where TKernel : struct, IGroupKernel
    {
        using var span = recorder?.Trace.Phase("compile kernel");
        return Loader?.Load<TKernel>() ?? Compile<TKernel>();
    }

    private Action<AcceleratorStream, KernelConfig, TKernel> Compile<TKernel>() where TKernel : struct, IGroupKernel
    {
        var compiled = KernelCompiler.Compile(context!, accelerator!, device.Description, KernelForm.Entry(typeof(TKernel)));
        // Kept, since ILGPU's own cache holds weak references.
        kernels.Add(compiled);
        return compiled.CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TKernel>>();
    }

    /// <summary>The groups and group size of a flat loop over <paramref name="length"/> elements (see <see cref="IWorkShape"/>).</summary>
    private KernelConfig FlatGrid(int length) => device.Shape == KernelShape.Cpu
        ? new KernelConfig(Rounding.CeilDiv(length, SpanPerItem.Length), 1)
        : new KernelConfig(Math.Min(Rounding.CeilDiv(length, GridStride.GroupSize), GridStride.MaximalGroups), GridStride.GroupSize);

    /// <summary>
    /// Takes the next <paramref name="items"/> tickets for the workers of one launch. Tickets of a launch that failed were never drawn: the
    /// counter is behind, and the next launch would begin at negative items. So it counts as out of step until a launch has gone well.
    /// </summary>
    private WorkQueue NextQueue(int items, int workers)
    {
        if (queueCounter is null) return new WorkQueue(default, 0, items);
        if (queueEnd > int.MaxValue / 2 || !queueIsInStep)
        {
            try
            {
                queueCounter.MemSetToZero(stream!);
            }
            catch (AcceleratorException e)
            {
                throw DeviceException.Of("setting the work queue back", device.Description, e);
            }
            queueEnd = 0;
        }
        queueIsInStep = false;
        var queue = new WorkQueue(queueCounter.View, queueEnd, items);
        queueEnd += items + workers;
        return queue;
    }

    // ILGPU tells it through interfaces only; generic, so that nothing is boxed.
    private static long BeginInBytes<TView>(TView view) where TView : struct, IContiguousArrayView => view.IndexInBytes;

    private static MemoryBuffer BufferOf<TView>(TView view) where TView : struct, IContiguousArrayView => view.Buffer;

    private static string NameOf<T>() => typeof(T) == typeof(float) ? "float" : typeof(T).Name.ToLowerInvariant();
}

/// <summary>Makes kernels ready to be launched on something that is not the device's driver.</summary>
internal interface IKernelLoader
{
    /// <summary>Whether its kernels can multiply TF32 numbers on tensor cores.</summary>
    bool HasTf32 { get; }

    /// <summary>
    /// What runs a kernel; asked for once for each kernel. The views among its fields lie in the memory of the device's accelerator, which
    /// may be ILGPU's own for CPUs, where they are ordinary memory of this process.
    /// </summary>
    Action<AcceleratorStream, KernelConfig, TKernel> Load<TKernel>() where TKernel : struct, IGroupKernel;
}
