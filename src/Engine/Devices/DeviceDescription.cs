using System.Numerics;
using Convolve.Engine.Kernels;

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
/// <param name="Name">
/// The driver's name of it, e.g. <c>pthread-haswell-AMD EPYC</c>; of a processor with more than four cores also the number of parts into which
/// long sums are cut, on which their rounding depends.
/// </param>
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

    /// <summary>The parts into which processors of a few cores cut long sums, and the number of cores up to which they do.</summary>
    internal const int FewSumParts = 8, FewCores = 4;

    /// <summary>
    /// Into how many parts a processor cuts a long sum where there are too few sums to go round. The parts decide how a sum is rounded. Up to four
    /// cores there are always eight, so that results do not depend on how many cores a machine or a container has; beyond, eight
    /// parts would leave cores idle, there are four for each core of the next power of two, and <see cref="Name"/> tells their number: devices
    /// of one name compute the same bits.
    /// </summary>
    internal int SumParts => SumPartsOf(ComputeUnits);

    /// <summary>The same of a number of cores.</summary>
    internal static int SumPartsOf(int cores) => cores <= FewCores ? FewSumParts : 4 * (int)BitOperations.RoundUpToPowerOf2((uint)cores);

    /// <summary>The name of a processor, with the parts of its sums where they are not those of a few cores.</summary>
    internal static string NameOfProcessor(string name, int cores) => cores <= FewCores ? name : $"{name}, sums in {SumPartsOf(cores)} parts";

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
