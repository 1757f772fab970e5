using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Execution;
using ILGPU;
using ILGPU.Runtime.CPU;

namespace Convolve.Inspection.PtxMachine.Devices;

/// <summary>
/// A device on which operations run as on an NVIDIA GPU, without one: they choose sizes and grids themselves, every kernel is compiled to PTX for an
/// architecture, and the machine executes it. What the sanitizer finds is an error of the launch.
/// </summary>
public sealed class PtxDevice : IDisposable
{
    /// <summary>Multiprocessors: few, so that small shapes are split as large ones are on a GPU.</summary>
    private const int Multiprocessors = 2;

    private readonly Context context;

    private readonly PtxKernelLoader loader;

    /// <summary>Opens a device of an architecture.</summary>
    public PtxDevice(CudaTarget target)
    {
        Target = target;
        // Its memory is that of ILGPU's accelerator for processors, which is ordinary memory.
        context = Context.Create(builder => KernelCompiler.Configure(builder.CPU(new CPUDevice(2, 1, 1))));
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var description = new DeviceDescription($"PTX machine {target}", DeviceKind.Cuda, memory, int.MaxValue, Multiprocessors, $"PTX of ILGPU {DeviceCatalogue.CompilerVersion}");
        Device = new Device(description, context, context.GetCPUDevice(0).CreateCPUAccelerator(context), KernelShape.Gpu);
        Device.Kernels.Loader = loader = new PtxKernelLoader(this);
    }

    /// <summary>The architecture.</summary>
    public CudaTarget Target { get; }

    /// <summary>The device.</summary>
    public Device Device { get; }

    /// <summary>What launches watch.</summary>
    public LaunchOptions Options { get; set; } = new();

    /// <summary>Changes the PTX of a kernel, of a name in C#, before it is first launched: faults are injected here.</summary>
    public Func<string, string, string>? Rewrite { get; set; }

    /// <summary>Told of every launch: the kernel's name in C#, and what the launch did.</summary>
    public Action<string, LaunchResult>? Launched { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        loader.Dispose();
        context.Dispose();
    }
}
