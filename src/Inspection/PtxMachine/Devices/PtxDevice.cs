using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Sampling;
using ILGPU;
using ILGPU.Runtime.CPU;

namespace Convolve.Inspection.PtxMachine.Devices;

/// <summary>
/// A device on which operations run as on an NVIDIA GPU, without one: they choose sizes and grids themselves, every kernel is compiled to
/// PTX for an architecture, and the machine executes it. What the sanitizer finds is an error of the launch.
/// </summary>
public sealed class PtxDevice : IDisposable
{
    /// <summary>Multiprocessors: few, so that small shapes are split as large ones are on a GPU.</summary>
    private const int Multiprocessors = 2;

    private readonly Context context;
    private readonly Device computing;
    private readonly IDisposable loader;
    private readonly List<RecordedLaunch> recorded = [];

    /// <summary>Opens a device of an architecture, which computes.</summary>
    public PtxDevice(CudaTarget target) : this(target, Multiprocessors)
    {
    }

    /// <summary>Opens a device that computes, with the multiprocessors of the GPU that is meant.</summary>
    /// <param name="target">The architecture.</param>
    /// <param name="multiprocessors">Those for which operations choose their grids.</param>
    /// <param name="withLines">Whether kernels are compiled with the lines of C# that their instructions come from.</param>
    public PtxDevice(CudaTarget target, int multiprocessors, bool withLines = false)
        : this(target, multiprocessors, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, counts: false, withLines)
    {
    }

    private PtxDevice(CudaTarget target, int multiprocessors, long memory, bool counts, bool withLines)
    {
        Target = target;
        // Its memory is that of ILGPU's accelerator for processors, which is ordinary memory.
        context = Context.Create(builder => KernelCompiler.Configure(builder.CPU(new CPUDevice(2, 1, 1))));
        var largest = counts ? memory : int.MaxValue;
        var description = new DeviceDescription(
            $"PTX machine {target}", DeviceKind.Cuda, memory, largest, multiprocessors, $"PTX of ILGPU {DeviceCatalogue.CompilerVersion}");
        computing = new Device(description, context, context.GetCPUDevice(0).CreateCPUAccelerator(context), KernelShape.Gpu);
        Device = counts ? computing.WithoutMemory() : computing;
        var code = withLines ? KernelCode.WithLines() : new KernelCode();
        loader = counts ? new SamplingKernelLoader(this, code, recorded) : new PtxKernelLoader(this, code);
        Device.Kernels.Loader = (IKernelLoader)loader;
    }

    /// <summary>
    /// Opens a device that only counts. Every launch executes a few groups of its grid, without values, and is noted in
    /// <see cref="Recorded"/> with what all groups together would execute. Its tensors have shapes but no values, as those of
    /// <see cref="Device.WithoutMemory"/>: a training step of any size is counted in little memory, what is read from it is zeros, and
    /// <see cref="Device.Computes"/> is false.
    /// </summary>
    /// <param name="target">The architecture.</param>
    /// <param name="multiprocessors">Those of the GPU that is meant, for which operations choose their grids.</param>
    /// <param name="memory">Bytes of its memory.</param>
    /// <param name="withLines">Whether kernels are compiled with the lines of C# that their instructions come from.</param>
    public static PtxDevice Counting(CudaTarget target, int multiprocessors, long memory, bool withLines = false) =>
        new(target, multiprocessors, memory, counts: true, withLines);

    /// <summary>The architecture.</summary>
    public CudaTarget Target { get; }

    /// <summary>The device.</summary>
    public Device Device { get; }

    /// <summary>The launches so far, in their order, of a device that only counts.</summary>
    public IReadOnlyList<RecordedLaunch> Recorded => recorded;

    /// <summary>Forgets <see cref="Recorded"/>.</summary>
    public void ClearRecorded() => recorded.Clear();

    /// <summary>What launches watch, of a device that computes.</summary>
    public LaunchOptions Options { get; set; } = new();

    /// <summary>Changes the PTX of a kernel, of a name in C#, before it is first launched: faults are injected here.</summary>
    public Func<string, string, string>? Rewrite { get; set; }

    /// <summary>Told of every launch: the kernel's name in C#, and what the launch did.</summary>
    public Action<string, LaunchResult>? Launched { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        computing.Dispose();
        loader.Dispose();
        context.Dispose();
    }
}
