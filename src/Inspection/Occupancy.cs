using Convolve.Engine.Devices;
using static Convolve.Engine.Kernels.Rounding;

namespace Convolve.Inspection;

/// <summary>The groups of a kernel that can be resident on a multiprocessor, whose number hides the latency of memory.</summary>
/// <param name="Groups">Groups resident at once.</param>
/// <param name="Threads">Their threads.</param>
/// <param name="Share">As a fraction of the most threads that the multiprocessor can hold.</param>
/// <param name="LimitedBy">What runs out first: registers, shared memory, threads, or groups.</param>
/// <remarks>CUDA C++ Programming Guide, "Multiprocessor Level"; registers are allocated per warp, in units of 256.</remarks>
public sealed record Occupancy(int Groups, int Threads, double Share, string LimitedBy)
{
    private const int WarpSize = 32, RegisterUnit = 256, SharedUnit = 256;

    /// <summary>Computes the occupancy from the needs of a group.</summary>
    /// <param name="target">The architecture.</param>
    /// <param name="threads">Threads of a group.</param>
    /// <param name="registers">Registers of a thread.</param>
    /// <param name="sharedBytes">Shared memory of a group.</param>
    public static Occupancy Of(CudaTarget target, int threads, int registers, int sharedBytes)
    {
        var warps = CeilDiv(threads, WarpSize);
        var registersOfGroup = warps * RoundUp(registers * WarpSize, RegisterUnit);
        // From sm_80 on the system reserves 1 KiB in every group.
        var sharedOfGroup = RoundUp(sharedBytes, SharedUnit) + (target.Number >= 80 ? 1024 : 0);
        var limits = new (int Groups, string Name)[]
        {
            (registers > CudaTarget.RegistersPerThread ? 0 : CudaTarget.RegistersPerMultiprocessor / registersOfGroup, "registers"),
            (sharedBytes > CudaTarget.DeclaredSharedBytes ? 0 : sharedOfGroup == 0 ? int.MaxValue
                : target.SharedBytesPerMultiprocessor / sharedOfGroup, "shared memory"),
            (target.ThreadsPerMultiprocessor / threads, "threads"),
            (target.GroupsPerMultiprocessor, "groups"),
        };
        var (groups, name) = limits.MinBy(limit => limit.Groups);
        return new Occupancy(groups, groups * threads, (double)groups * threads / target.ThreadsPerMultiprocessor, name);
    }
}
