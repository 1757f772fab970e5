namespace Convolve.Engine.Devices;

/// <summary>What a device is, in the order in which a user expects one to be chosen.</summary>
public enum DeviceKind
{
    /// <summary>An NVIDIA GPU through CUDA.</summary>
    Cuda,

    /// <summary>A GPU through OpenCL.</summary>
    OpenClGpu,

    /// <summary>The processor through OpenCL (PoCL, Intel, AMD): vectorised and multi-threaded.</summary>
    OpenClCpu,

    /// <summary>ILGPU's own CPU accelerator: a debugger, some hundred times slower than OpenCL on the same cores.</summary>
    IlgpuCpu,
}

/// <summary>Which of its two shapes a hot kernel runs in: see docs/performance.md.</summary>
public enum KernelShape
{
    /// <summary>One work-item per output tile, groups of one, no barriers; vector lanes come from the compiler's loops.</summary>
    Cpu,

    /// <summary>Many threads per group, shared memory, a register tile per thread.</summary>
    Gpu,
}

/// <summary>A device that was found on this machine.</summary>
/// <param name="Name">The driver's name of it, e.g. <c>pthread-haswell-AMD EPYC</c>.</param>
/// <param name="Kind">How it is reached.</param>
/// <param name="MemoryBytes">Memory that kernels may use in all.</param>
/// <param name="LargestAllocationBytes">The largest single buffer.</param>
/// <param name="ComputeUnits">Cores or multiprocessors.</param>
/// <param name="Driver">Platform and driver version, for a bug report.</param>
public sealed record DeviceDescription(
    string Name, DeviceKind Kind, long MemoryBytes, long LargestAllocationBytes, int ComputeUnits, string Driver)
{
    /// <summary>The word that <c>--device</c> takes for this kind.</summary>
    public string KindName => Kind switch
    {
        DeviceKind.Cuda => "cuda",
        DeviceKind.OpenClGpu or DeviceKind.OpenClCpu => "opencl",
        _ => "cpu",
    };

    /// <summary>The shape of kernel that suits this device.</summary>
    public KernelShape Shape => Kind is DeviceKind.Cuda or DeviceKind.OpenClGpu ? KernelShape.Gpu : KernelShape.Cpu;

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        DeviceKind.Cuda => $"{Name} (CUDA)",
        DeviceKind.OpenClGpu => $"{Name} (OpenCL GPU)",
        DeviceKind.OpenClCpu => $"{Name} (OpenCL on the CPU)",
        _ => $"{Name} (ILGPU CPU accelerator, slow)",
    };
}
