using System.Reflection;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Devices;

/// <summary>
/// An opened device: compiles kernels once, launches them in order on one stream, and owns the pool of its memory. Threads take turns:
/// each launch, each copy and each change to the memory's books is made under the device's lock, so any thread may use it at any time.
/// </summary>
/// <remarks>
/// The lock keeps the device whole, not a computation: what one thread writes and another reads has to be put in order by their owner. A
/// network may answer many threads at once; it is trained by one.
/// </remarks>
public sealed class Device : IDisposable
{
    private readonly Context? context;
    private readonly Accelerator? accelerator;
    private readonly AcceleratorStream? stream;
    // Uploads run on a stream of their own, made when the first one asks for it, so that they need not queue behind kernels.
    private AcceleratorStream? uploads;
    private readonly Dictionary<Delegate, Delegate> launchers = [];
    private readonly List<Kernel> kernels = [];
    private readonly MemoryBuffer1D<int, Stride1D.Dense>? queueCounter;
    private int queueEnd;
    private bool queueIsInStep = true;
    private bool disposed;

    internal Device(DeviceDescription description, Context context, Accelerator accelerator, KernelShape shape)
    {
        Description = description;
        Shape = shape;
        this.context = context;
        this.accelerator = accelerator;
        stream = accelerator.DefaultStream;
        Pool = new BufferPool(Gate, accelerator, description);
        Nothing = Pool.Rent(1);
        queueCounter = accelerator.Allocate1D<int>(1);
        queueCounter.MemSetToZero(stream);
        VectorLanes = AcceleratorTraits.VectorLanes(accelerator);
        Workers = description.ComputeUnits;
        ConvolutionTuning = new ConvolutionTuning(this);
    }

    private Device(Device like, DeviceDescription description)
    {
        Description = description;
        Shape = like.Shape;
        Pool = new BufferPool(Gate, null, description, like.Pool.StandIn ?? like.Nothing.Memory);
        Nothing = Pool.Rent(1);
        VectorLanes = like.VectorLanes;
        Workers = like.Workers;
        UsesTf32 = like.UsesTf32;
        ConvolutionTuning = like.ConvolutionTuning;
    }

    /// <summary>
    /// A device like this one that takes no memory and computes nothing: tensors have shapes but no values, launches are counted and
    /// left out, and its pool's figures are those that the same work has here. Work is rehearsed on it to know them beforehand.
    /// </summary>
    /// <param name="description">Other limits than those of this device.</param>
    public Device WithoutMemory(DeviceDescription? description = null) => new(this, description ?? Description);

    /// <summary>Whether work is done; false for a device <see cref="WithoutMemory"/>, whose tensors have no values.</summary>
    public bool Computes => accelerator is not null;

    /// <summary>What was opened.</summary>
    public DeviceDescription Description { get; }

    /// <summary>The shape in which hot kernels run.</summary>
    public KernelShape Shape { get; }

    /// <summary>The memory of this device.</summary>
    public BufferPool Pool { get; }

    /// <summary>Measured choices of convolution algorithms on this device, remembered on disk.</summary>
    public ConvolutionTuning ConvolutionTuning { get; }

    /// <summary>Whether products of matrices and convolutions round their factors to TF32 and run on tensor cores: see <see cref="UseTf32"/>.</summary>
    public bool UsesTf32 { get; private set; }

    /// <summary>
    /// From now on matrix products and convolutions round their factors to TF32 (ten bits of fraction instead of 23) and run on the
    /// tensor cores, with sums in float32.
    /// </summary>
    /// <exception cref="DeviceException">The device has no tensor cores for TF32.</exception>
    public void UseTf32()
    {
        if (!AcceleratorTraits.HasTf32(accelerator) || Shape != KernelShape.Gpu)
            throw new DeviceException($"TF32 needs an NVIDIA GPU of the architecture {CudaTarget.WithTf32} or newer, not {Description}");
        UsesTf32 = true;
    }

    /// <summary>Kernels launched so far: a step's count shows in a test what a change to it costs.</summary>
    public long Launches { get; private set; }

    /// <summary>Held by whoever uses the device; the same thread may take it again.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>
    /// Workers that share the items of a <see cref="WorkQueue"/>: one per core. Each may have scratch memory of its own. A test sets them to
    /// compute as other machines do.
    /// </summary>
    internal int Workers { get; set; }

    /// <summary>The methods of the kernels launched so far.</summary>
    internal IEnumerable<MethodInfo> LaunchedKernels => launchers.Keys.Select(kernel => kernel.Method);

    /// <summary>How many work-items the device needs to share a job out evenly. Results must not depend on it: see <see cref="SumParts"/>.</summary>
    internal int ParallelItems => Shape == KernelShape.Cpu ? Workers * 4 : Workers * 8;

    /// <summary>
    /// Into how many parts a long sum is cut where there are too few sums to go round. The parts decide how a sum is rounded, so on a
    /// processor their number is not that of the cores: see <see cref="DeviceDescription.SumParts"/>.
    /// </summary>
    internal int SumParts => Shape == KernelShape.Cpu ? Description.SumParts : ParallelItems;

    /// <summary>
    /// float32 lanes of the processor's vectors as OpenCL reports them, 1 where that means nothing. They choose the register tile;
    /// a test sets them to run the tiles of other processors.
    /// </summary>
    internal int VectorLanes { get; set; }

    /// <summary>Whether a processor has AVX-512's 32 registers of sixteen lanes rather than AVX2's 16 of eight.</summary>
    internal bool HasWideVectors => VectorLanes >= 16;

    /// <summary>A buffer of one element, to be passed where a kernel takes a view that it will not read.</summary>
    internal DeviceBuffer Nothing { get; }

    /// <summary>Waits until everything launched so far is done.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public void Synchronize()
    {
        using var turn = Begin();
        try
        {
            stream?.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("waiting for kernels", Description, e);
        }
    }

    /// <summary>Runs a kernel of one's own for the items 0 … <paramref name="items"/> − 1, behind everything launched before; does not wait.</summary>
    /// <param name="items">How many; none is allowed.</param>
    /// <param name="kernel">Its fields are the arguments.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than none.</exception>
    /// <exception cref="ArgumentException">Values of the kernel lie on another device.</exception>
    /// <exception cref="ObjectDisposedException">The device, or memory that the kernel uses, was disposed.</exception>
    /// <exception cref="DeviceException">The driver cannot compile or launch the kernel.</exception>
    public void Launch<TKernel>(int items, TKernel kernel) where TKernel : struct, IKernel
    {
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        ForEach(items, KernelLoop.Run<SpanPerItem, TKernel>, KernelLoop.Run<GridStride, TKernel>, kernel, items);
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
                // Whoever waits for a result hears of it; here all that is left is to give everything back.
            }
            disposed = true;
            Nothing.Release();
            Pool.Dispose();
            queueCounter?.Dispose();
            foreach (var kernel in kernels) kernel.Dispose();
            uploads?.Dispose();
            accelerator?.Dispose();
        }
    }

    internal void CopyToDevice<T>(ReadOnlySpan<T> source, ArrayView<T> target) where T : unmanaged
    {
        using var turn = Begin();
        if (stream is null) return;
        try
        {
            if (source.Length > 0) target.SubView(0, source.Length).CopyFromCPU(stream, source);
            // The driver may read the source until the copy is done, and a span does not stay put for longer than this call.
            stream.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("copying to the device", Description, e);
        }
    }

    /// <summary>Copies without waiting for kernels: none that reads or writes the target may be running.</summary>
    internal void CopyBeside(ReadOnlySpan<byte> source, ArrayView<byte> target)
    {
        using var turn = Begin();
        if (accelerator is null) return;
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
        try
        {
            source.SubView(0, target.Length).CopyToCPU(stream, target);
            stream.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of("copying from the device", Description, e);
        }
    }

    /// <summary>Begins an operation: until the result is disposed, no other thread uses the device.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    private Lock.Scope Begin()
    {
        var turn = Gate.EnterScope();
        if (disposed)
        {
            turn.Dispose();
            throw new ObjectDisposedException(nameof(Device), $"device {Description} was disposed; open it again");
        }
        // CUDA's calls go to the device that the thread has chosen.
        accelerator?.Bind();
        return turn;
    }

    /// <summary>What launches a kernel; null on a device that computes nothing.</summary>
    private TLauncher? Launcher<TLauncher>(Delegate kernel) where TLauncher : Delegate
    {
        if (accelerator is null) return null;
        if (launchers.TryGetValue(kernel, out var known)) return (TLauncher)known;
        var compiled = KernelCompiler.Compile(context!, accelerator, Description, kernel.Method);
        kernels.Add(compiled);
        var launcher = compiled.CreateLauncherDelegate<TLauncher>();
        launchers.Add(kernel, launcher);
        return launcher;
    }

    /// <summary>The groups and group size of a flat loop over <paramref name="length"/> elements (see <see cref="IWorkShape"/>).</summary>
    private KernelConfig FlatGrid(int length) => Shape == KernelShape.Cpu
        ? new KernelConfig((length + SpanPerItem.Length - 1) / SpanPerItem.Length, 1)
        : new KernelConfig(Math.Min((length + GridStride.GroupSize - 1) / GridStride.GroupSize, GridStride.MaximalGroups), GridStride.GroupSize);

    /// <summary>The groups and group size of a loop over pixels and channels (see <see cref="IPixelShape"/>).</summary>
    private KernelConfig PixelGrid(int pixels) => Shape == KernelShape.Cpu
        ? new KernelConfig((pixels + PixelSpan.Length - 1) / PixelSpan.Length, 1)
        : new KernelConfig(new Index2D((pixels + PixelThreads.Pixels - 1) / PixelThreads.Pixels, 1), new Index2D(PixelThreads.Channels, PixelThreads.Pixels));

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
                throw DeviceException.Of("setting the work queue back", Description, e);
            }
            queueEnd = 0;
        }
        queueIsInStep = false;
        var queue = new WorkQueue(queueCounter.View, queueEnd, items);
        queueEnd += items + workers;
        return queue;
    }

    /// <summary>
    /// Launches a kernel in the shape for processors, whose workers take items from a queue, its last parameter. Tickets are counted in the
    /// order of the launches.
    /// </summary>
    internal void LaunchItems<T1, T2>(Action<T1, T2, WorkQueue> kernel, int items, T1 a1, T2 a2)
        where T1 : struct
        where T2 : struct
    {
        using var turn = Begin();
        var workers = Math.Min(Workers, items);
        var queue = NextQueue(items, workers);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, queue);
        queueIsInStep = true;
    }

    internal void LaunchItems<T1, T2, T3, T4>(Action<T1, T2, T3, T4, WorkQueue> kernel, int items, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        using var turn = Begin();
        var workers = Math.Min(Workers, items);
        var queue = NextQueue(items, workers);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, a3, a4, queue);
        queueIsInStep = true;
    }

    internal void LaunchItems<T1, T2, T3, T4, T5>(
        Action<T1, T2, T3, T4, T5, WorkQueue> kernel, int items, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        using var turn = Begin();
        var workers = Math.Min(Workers, items);
        var queue = NextQueue(items, workers);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, a3, a4, a5, queue);
        queueIsInStep = true;
    }

    internal void LaunchItems<T1, T2, T3, T4, T5, T6>(
        Action<T1, T2, T3, T4, T5, T6, WorkQueue> kernel, int items, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        using var turn = Begin();
        var workers = Math.Min(Workers, items);
        var queue = NextQueue(items, workers);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, a3, a4, a5, a6, queue);
        queueIsInStep = true;
    }

    /// <summary>Makes sure that a kernel's argument names memory that the kernel can use: see <see cref="ArgumentViews{T}"/>.</summary>
    private void Check<T>(Delegate kernel, T argument) where T : struct
    {
        // A constant of each instantiation: what has no view costs nothing.
        if (ArgumentViews<T>.Check is { } check) check(this, kernel, argument);
    }

    /// <summary>Makes sure that a kernel can use a view of its arguments.</summary>
    /// <param name="kernel">The kernel, for messages.</param>
    /// <param name="view">The view.</param>
    /// <param name="inFours">Whether the kernel may move four of its elements at once.</param>
    /// <exception cref="ArgumentException">
    /// The view lies on another device, or the device runs kernels in the shape for GPUs and it begins where they cannot move four at once.
    /// </exception>
    /// <exception cref="ObjectDisposedException">Its memory was given back to the driver.</exception>
    internal void CheckView<T>(Delegate kernel, ArrayView<T> view, bool inFours) where T : unmanaged
    {
        if (accelerator is null || view.Length == 0) return;
        var buffer = BufferOf(view);
        if (buffer.Accelerator != accelerator)
            throw new ArgumentException($"{kernel.Method.Name}: a tensor lies on another device than {Description}; copy it there with {nameof(Tensor.ToArray)} and {nameof(Tensor.FromValues)}");
        if (buffer.IsDisposed) throw new ObjectDisposedException(nameof(Tensor), $"{kernel.Method.Name}: a tensor's memory was given back to {Description}");
        var begin = BeginInBytes(view);
        if (begin + view.LengthInBytes > buffer.LengthInBytes)
            throw new ArgumentException($"{kernel.Method.Name}: a tensor belongs to a device without memory, which only rehearses work");
        var four = Float4.Count * Interop.SizeOf<T>();
        if (inFours && Shape == KernelShape.Gpu && begin % four != 0)
            throw new ArgumentException(
                $"{kernel.Method.Name}: a tensor begins at {NameOf<T>()} {begin / Interop.SizeOf<T>()} of its memory; "
                + "GPUs move four of them at a time, so a slice must begin at a multiple of 4");
    }

    // ILGPU tells it through interfaces only; generic, so that nothing is boxed.
    private static long BeginInBytes<TView>(TView view) where TView : struct, IContiguousArrayView => view.IndexInBytes;

    private static MemoryBuffer BufferOf<TView>(TView view) where TView : struct, IContiguousArrayView => view.Buffer;

    private static string NameOf<T>() => typeof(T) == typeof(float) ? "float" : typeof(T).Name.ToLowerInvariant();

    /// <summary>Launches a kernel over a grid of groups.</summary>
    internal void Launch<T1>(Action<T1> kernel, KernelConfig grid, T1 a1)
        where T1 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1>>(kernel)?.Invoke(stream!, grid, a1);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    internal void Launch<T1, T2>(Action<T1, T2> kernel, KernelConfig grid, T1 a1, T2 a2)
        where T1 : struct
        where T2 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1); Check(kernel, a2);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2>>(kernel)?.Invoke(stream!, grid, a1, a2);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    internal void Launch<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1); Check(kernel, a2); Check(kernel, a3);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3>>(kernel)?.Invoke(stream!, grid, a1, a2, a3);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    internal void Launch<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1); Check(kernel, a2); Check(kernel, a3); Check(kernel, a4);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1); Check(kernel, a2); Check(kernel, a3); Check(kernel, a4); Check(kernel, a5);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4, a5);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1); Check(kernel, a2); Check(kernel, a3); Check(kernel, a4); Check(kernel, a5); Check(kernel, a6);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4, a5, a6);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        using var turn = Begin();
        Launches++;
        Check(kernel, a1); Check(kernel, a2); Check(kernel, a3); Check(kernel, a4); Check(kernel, a5); Check(kernel, a6); Check(kernel, a7);
        try
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4, a5, a6, a7);
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Of($"launching {kernel.Method.Name}", Description, e);
        }
    }

    /// <summary>Launches a flat loop over <paramref name="length"/> elements in this device's shape.</summary>
    internal void ForEach<T1, T2>(int length, Action<T1, T2> cpu, Action<T1, T2> gpu, T1 a1, T2 a2)
        where T1 : struct
        where T2 : struct
    {
        if (length > 0) Launch(Shape == KernelShape.Cpu ? cpu : gpu, FlatGrid(length), a1, a2);
    }

    internal void ForEach<T1, T2, T3>(int length, Action<T1, T2, T3> cpu, Action<T1, T2, T3> gpu, T1 a1, T2 a2, T3 a3)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        if (length > 0) Launch(Shape == KernelShape.Cpu ? cpu : gpu, FlatGrid(length), a1, a2, a3);
    }

    internal void ForEach<T1, T2, T3, T4>(int length, Action<T1, T2, T3, T4> cpu, Action<T1, T2, T3, T4> gpu, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        if (length > 0) Launch(Shape == KernelShape.Cpu ? cpu : gpu, FlatGrid(length), a1, a2, a3, a4);
    }

    internal void ForEach<T1, T2, T3, T4, T5>(int length, Action<T1, T2, T3, T4, T5> cpu, Action<T1, T2, T3, T4, T5> gpu, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        if (length > 0) Launch(Shape == KernelShape.Cpu ? cpu : gpu, FlatGrid(length), a1, a2, a3, a4, a5);
    }

    internal void ForEach<T1, T2, T3, T4, T5, T6>(int length, Action<T1, T2, T3, T4, T5, T6> cpu, Action<T1, T2, T3, T4, T5, T6> gpu, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        if (length > 0) Launch(Shape == KernelShape.Cpu ? cpu : gpu, FlatGrid(length), a1, a2, a3, a4, a5, a6);
    }

    internal void ForEach<T1, T2, T3, T4, T5, T6, T7>(int length, Action<T1, T2, T3, T4, T5, T6, T7> cpu, Action<T1, T2, T3, T4, T5, T6, T7> gpu, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        if (length > 0) Launch(Shape == KernelShape.Cpu ? cpu : gpu, FlatGrid(length), a1, a2, a3, a4, a5, a6, a7);
    }

    /// <summary>Launches a loop over pixels and their channels in this device's shape.</summary>
    internal void ForEachPixel<T1, T2, T3>(int pixels, Action<T1, T2, T3> cpu, Action<T1, T2, T3> gpu, T1 a1, T2 a2, T3 a3)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        Launch(Shape == KernelShape.Cpu ? cpu : gpu, PixelGrid(pixels), a1, a2, a3);
    }

    internal void ForEachPixel<T1, T2, T3, T4>(int pixels, Action<T1, T2, T3, T4> cpu, Action<T1, T2, T3, T4> gpu, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        Launch(Shape == KernelShape.Cpu ? cpu : gpu, PixelGrid(pixels), a1, a2, a3, a4);
    }

    internal void ForEachPixel<T1, T2, T3, T4, T5>(int pixels, Action<T1, T2, T3, T4, T5> cpu, Action<T1, T2, T3, T4, T5> gpu, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        Launch(Shape == KernelShape.Cpu ? cpu : gpu, PixelGrid(pixels), a1, a2, a3, a4, a5);
    }

    internal void ForEachPixel<T1, T2, T3, T4, T5, T6>(int pixels, Action<T1, T2, T3, T4, T5, T6> cpu, Action<T1, T2, T3, T4, T5, T6> gpu, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        Launch(Shape == KernelShape.Cpu ? cpu : gpu, PixelGrid(pixels), a1, a2, a3, a4, a5, a6);
    }
}
