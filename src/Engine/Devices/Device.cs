using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Devices;

/// <summary>
/// An opened device: compiles kernels once, launches them in order on one stream, and owns the pool of its memory. Not thread-safe:
/// one thread drives a device.
/// </summary>
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

    internal Device(DeviceDescription description, Context context, Accelerator accelerator, KernelShape shape)
    {
        Description = description;
        Shape = shape;
        this.context = context;
        this.accelerator = accelerator;
        stream = accelerator.DefaultStream;
        Pool = new BufferPool(accelerator, description);
        Nothing = Pool.Rent(1);
        queueCounter = accelerator.Allocate1D<int>(1);
        queueCounter.MemSetToZero(stream);
        VectorLanes = DeviceCatalogue.VectorLanes(accelerator);
        ConvolutionTuning = new ConvolutionTuning(this, ConvolutionTuning.DefaultFolder);
    }

    private Device(Device like, DeviceDescription description)
    {
        Description = description;
        Shape = like.Shape;
        Pool = new BufferPool(null, description, like.Pool.StandIn ?? like.Nothing.Memory);
        Nothing = Pool.Rent(1);
        VectorLanes = like.VectorLanes;
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
        if (!DeviceCatalogue.HasTf32(accelerator) || Shape != KernelShape.Gpu)
            throw new DeviceException($"TF32 needs an NVIDIA GPU of the architecture {CudaTarget.WithTf32} or newer, not {Description}");
        UsesTf32 = true;
    }

    /// <summary>Kernels launched so far: a step's count shows in a test what a change to it costs.</summary>
    public long Launches { get; private set; }

    /// <summary>Workers that share the items of a <see cref="WorkQueue"/>: one per core. Each may have scratch memory of its own.</summary>
    internal int Workers => Description.ComputeUnits;

    /// <summary>The methods of the kernels launched so far.</summary>
    internal IEnumerable<MethodInfo> LaunchedKernels => launchers.Keys.Select(kernel => kernel.Method);

    /// <summary>How many work-items a processor needs to share a job out evenly.</summary>
    internal int ParallelItems => Shape == KernelShape.Cpu ? Description.ComputeUnits * 4 : Description.ComputeUnits * 8;

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
    public void Synchronize() => stream?.Synchronize();

    /// <summary>Runs a kernel of one's own for the items 0 … <paramref name="items"/> − 1, behind everything launched before; does not wait.</summary>
    /// <param name="items">How many; none is allowed.</param>
    /// <param name="kernel">Its fields are the arguments.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than none.</exception>
    public void Launch<TKernel>(int items, TKernel kernel) where TKernel : struct, IKernel
    {
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        ForEach(items, KernelLoop.Run<SpanPerItem, TKernel>, KernelLoop.Run<GridStride, TKernel>, kernel, items);
    }

    /// <summary>The fastest of several runs, after one that compiles the kernels, in milliseconds; each waits until its work is done.</summary>
    /// <param name="run">Launches the work.</param>
    /// <param name="runs">How often, at least once.</param>
    public double Milliseconds(Action run, int runs = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        var best = double.PositiveInfinity;
        for (var i = 0; i <= runs; i++)
        {
            var watch = Stopwatch.StartNew();
            run();
            Synchronize();
            if (i > 0) best = Math.Min(best, watch.Elapsed.TotalMilliseconds);
        }
        return best;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Synchronize();
        Nothing.Release();
        Pool.Dispose();
        queueCounter?.Dispose();
        foreach (var kernel in kernels) kernel.Dispose();
        uploads?.Dispose();
        accelerator?.Dispose();
    }

    internal void CopyToDevice<T>(ReadOnlySpan<T> source, ArrayView<T> target) where T : unmanaged
    {
        if (stream is null) return;
        if (source.Length > 0) target.SubView(0, source.Length).CopyFromCPU(stream, source);
        // The driver may read the source until the copy is done, and a span does not stay put for longer than this call.
        stream.Synchronize();
    }

    /// <summary>Copies without waiting for kernels: none that reads or writes the target may be running.</summary>
    internal void CopyBeside(ReadOnlySpan<byte> source, ArrayView<byte> target)
    {
        if (accelerator is null) return;
        uploads ??= accelerator.CreateStream();
        if (source.Length > 0) target.SubView(0, source.Length).CopyFromCPU(uploads, source);
        uploads.Synchronize();
    }

    internal void CopyToHost(ArrayView<float> source, Span<float> target)
    {
        if (stream is null)
        {
            target.Clear();
            return;
        }
        source.SubView(0, target.Length).CopyToCPU(stream, target);
        stream.Synchronize();
    }

    /// <summary>What launches a kernel; null on a device that computes nothing.</summary>
    private TLauncher? Launcher<TLauncher>(Delegate kernel) where TLauncher : Delegate
    {
        if (accelerator is null) return null;
        if (launchers.TryGetValue(kernel, out var known)) return (TLauncher)known;
        var compiled = KernelCompiler.Compile(context!, accelerator, kernel.Method);
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

    /// <summary>Takes the next <paramref name="items"/> tickets for the workers of one launch.</summary>
    private WorkQueue NextQueue(int items, int workers)
    {
        if (queueEnd > int.MaxValue / 2)
        {
            queueCounter?.MemSetToZero(stream!);
            queueEnd = 0;
        }
        var queue = new WorkQueue(queueCounter is null ? default : queueCounter.View, queueEnd, items);
        queueEnd += items + workers;
        return queue;
    }

    /// <summary>Launches a kernel in the shape for processors, whose workers take items from a queue, its last parameter.</summary>
    internal void LaunchItems<T1, T2>(Action<T1, T2, WorkQueue> kernel, int items, T1 a1, T2 a2)
        where T1 : struct
        where T2 : struct
    {
        var workers = Math.Min(Workers, items);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, NextQueue(items, workers));
    }

    internal void LaunchItems<T1, T2, T3, T4>(Action<T1, T2, T3, T4, WorkQueue> kernel, int items, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        var workers = Math.Min(Workers, items);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, a3, a4, NextQueue(items, workers));
    }

    internal void LaunchItems<T1, T2, T3, T4, T5>(
        Action<T1, T2, T3, T4, T5, WorkQueue> kernel, int items, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        var workers = Math.Min(Workers, items);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, a3, a4, a5, NextQueue(items, workers));
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
        var workers = Math.Min(Workers, items);
        Launch(kernel, new KernelConfig(workers, 1), a1, a2, a3, a4, a5, a6, NextQueue(items, workers));
    }

    /// <summary>Makes sure that a kernel's argument, if it is a view of floats, begins where a GPU can move four of them at once.</summary>
    /// <exception cref="ArgumentException">It does not, and the device runs kernels in the shape for GPUs.</exception>
    internal void RequireFours<T>(Delegate kernel, T argument) where T : struct
    {
        // A constant of each instantiation: what is no view costs nothing.
        if (typeof(T) != typeof(ArrayView<float>) || Shape == KernelShape.Cpu) return;
        var begin = BeginInBytes(Unsafe.As<T, ArrayView<float>>(ref argument)) / sizeof(float);
        if (begin % Float4.Count != 0)
            throw new ArgumentException(
                $"{kernel.Method.Name}: a tensor begins at float {begin} of its memory; "
                + "GPUs move four floats at a time, so a slice must begin at a multiple of 4");
    }

    // ILGPU tells it through an interface only; generic, so that nothing is boxed.
    private static long BeginInBytes<TView>(TView view) where TView : struct, IContiguousArrayView => view.IndexInBytes;

    /// <summary>Launches a kernel over a grid of groups.</summary>
    internal void Launch<T1>(Action<T1> kernel, KernelConfig grid, T1 a1)
        where T1 : struct
    {
        Launches++;
        RequireFours(kernel, a1);
        Launcher<Action<AcceleratorStream, KernelConfig, T1>>(kernel)?.Invoke(stream!, grid, a1);
    }

    internal void Launch<T1, T2>(Action<T1, T2> kernel, KernelConfig grid, T1 a1, T2 a2)
        where T1 : struct
        where T2 : struct
    {
        Launches++;
        RequireFours(kernel, a1); RequireFours(kernel, a2);
        Launcher<Action<AcceleratorStream, KernelConfig, T1, T2>>(kernel)?.Invoke(stream!, grid, a1, a2);
    }

    internal void Launch<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        Launches++;
        RequireFours(kernel, a1); RequireFours(kernel, a2); RequireFours(kernel, a3);
        Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3>>(kernel)?.Invoke(stream!, grid, a1, a2, a3);
    }

    internal void Launch<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        Launches++;
        RequireFours(kernel, a1); RequireFours(kernel, a2); RequireFours(kernel, a3); RequireFours(kernel, a4);
        Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4);
    }

    internal void Launch<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        Launches++;
        RequireFours(kernel, a1); RequireFours(kernel, a2); RequireFours(kernel, a3); RequireFours(kernel, a4); RequireFours(kernel, a5);
        Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4, a5);
    }

    internal void Launch<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig grid, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        Launches++;
        RequireFours(kernel, a1); RequireFours(kernel, a2); RequireFours(kernel, a3); RequireFours(kernel, a4); RequireFours(kernel, a5); RequireFours(kernel, a6);
        Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4, a5, a6);
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
        Launches++;
        RequireFours(kernel, a1); RequireFours(kernel, a2); RequireFours(kernel, a3); RequireFours(kernel, a4); RequireFours(kernel, a5); RequireFours(kernel, a6); RequireFours(kernel, a7);
        Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(kernel)?.Invoke(stream!, grid, a1, a2, a3, a4, a5, a6, a7);
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
