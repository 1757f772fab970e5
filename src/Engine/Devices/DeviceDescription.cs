using System.Numerics;
using Convolve.Engine.Kernels;

namespace Convolve.Engine.Devices;

/// <summary>The kind of a device, in order of preference.</summary>
public enum DeviceKind
{
    /// <summary>An NVIDIA GPU through CUDA.</summary>
    Cuda,

    /// <summary>A GPU through OpenCL.</summary>
    OpenClGpu,

    /// <summary>The CPU through OpenCL (PoCL, Intel, AMD): vectorized and multi-threaded.</summary>
    OpenClCpu,

    /// <summary>ILGPU's own CPU accelerator: a debugger, some hundred times slower than OpenCL on the same cores.</summary>
    IlgpuCpu,
}

/// <summary>The variant of a hot kernel: see docs/performance.md.</summary>
public enum KernelShape
{
    /// <summary>One work item per output tile, groups of one, no barriers; the compiler vectorizes loops.</summary>
    Cpu,

    /// <summary>Many threads per group, shared memory, a register tile per thread.</summary>
    Gpu,
}

/// <summary>A device that was found on this machine.</summary>
/// <param name="Name">
/// The driver's name for it, e.g. <c>pthread-haswell-AMD EPYC</c>; for a CPU with more than four cores also the number of parts into which
/// long sums are split, which affects rounding.
/// </param>
/// <param name="Kind">How it is reached.</param>
/// <param name="MemoryBytes">Total memory for kernels.</param>
/// <param name="LargestAllocationBytes">The largest single buffer.</param>
/// <param name="ComputeUnits">Cores or multiprocessors.</param>
/// <param name="Driver">Platform and driver version, for a bug report.</param>
public sealed record DeviceDescription(
    string Name, DeviceKind Kind, long MemoryBytes, long LargestAllocationBytes, int ComputeUnits, string Driver)
{
    /// <summary>The value of <c>--device</c> for this kind.</summary>
    public string KindName => Kind switch
    {
        DeviceKind.Cuda => "cuda",
        DeviceKind.OpenClGpu or DeviceKind.OpenClCpu => "opencl",
        _ => "cpu",
    };

    /// <summary>The number of parts of long sums on CPUs with few cores, and the largest such number of cores.</summary>
    internal const int FewSumParts = 8, FewCores = 4;

    /// <summary>
    /// Number of parts of a long sum on a CPU if there are too few sums for all cores. It affects rounding. Up to four
    /// cores there are always eight, so that results do not depend on the cores of a machine or container. Beyond that, eight
    /// parts would leave cores idle, so there are four per core of the next power of two, and <see cref="Name"/> includes the number:
    /// devices with the same name compute the same bits.
    /// </summary>
    internal int SumParts => SumPartsOf(ComputeUnits);

    /// <summary>The same for a number of cores.</summary>
    internal static int SumPartsOf(int cores) => cores <= FewCores ? FewSumParts : 4 * (int)BitOperations.RoundUpToPowerOf2((uint)cores);

    /// <summary>The name of a CPU, with the parts of its sums if it has more than a few cores.</summary>
    internal static string NameOfProcessor(string name, int cores) => cores <= FewCores ? name
        : $"{name}, sums in {SumPartsOf(cores)} parts";

    /// <summary>The kernel variant for this device.</summary>
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
