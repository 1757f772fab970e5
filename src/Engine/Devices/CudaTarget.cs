using ILGPU.Runtime.Cuda;

namespace Convolve.Engine.Devices;

/// <summary>An NVIDIA GPU architecture that kernels are compiled for, and the limits of its multiprocessors.</summary>
/// <param name="Name">As NVIDIA's compilers write it, e.g. <c>sm_80</c>.</param>
/// <param name="Generation">Its name in words.</param>
/// <param name="Number">80 for <c>sm_80</c>.</param>
/// <param name="ThreadsPerMultiprocessor">The most threads resident at once.</param>
/// <param name="GroupsPerMultiprocessor">The most groups resident at once.</param>
/// <param name="SharedBytesPerMultiprocessor">Shared memory for all resident groups; from sm_80 on, the system takes 1 KiB per
/// group.</param>
/// <remarks>CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".</remarks>
public sealed record CudaTarget(
    string Name, string Generation, int Number, int ThreadsPerMultiprocessor, int GroupsPerMultiprocessor, int SharedBytesPerMultiprocessor)
{
    /// <summary>32-bit registers of a multiprocessor; the same on all of <see cref="All"/>.</summary>
    public const int RegistersPerMultiprocessor = 65536;

    /// <summary>Most registers of one thread.</summary>
    public const int RegistersPerThread = 255;

    /// <summary>Most shared memory of one group.</summary>
    public const int DeclaredSharedBytes = 48 * 1024;

    /// <summary>Turing to Hopper, oldest first.</summary>
    public static IReadOnlyList<CudaTarget> All { get; } =
    [
        new("sm_75", "Turing", 75, 1024, 16, 64 * 1024),
        new("sm_80", "Ampere", 80, 2048, 32, 164 * 1024),
        new("sm_86", "Ampere", 86, 1536, 16, 100 * 1024),
        new("sm_89", "Ada", 89, 1536, 24, 100 * 1024),
        new("sm_90", "Hopper", 90, 2048, 32, 228 * 1024),
    ];

    /// <summary>The oldest.</summary>
    public static CudaTarget Oldest => All[0];

    /// <summary>The first with tensor cores for TF32.</summary>
    public static CudaTarget WithTf32 => All[1];

    internal CudaArchitecture Architecture => new(Number / 10, Number % 10);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
