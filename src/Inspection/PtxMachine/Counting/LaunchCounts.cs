using Convolve.Engine.Devices;
using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Counting;

/// <summary>What a launch has executed. Instructions are those of the PTX: NVIDIA's assembler makes one of a product and a sum, and spares
/// copies.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="ThreadsPerGroup">Threads of a group.</param>
/// <param name="Instructions">Instructions of warps by class.</param>
/// <param name="MultiplyAdds">Multiply-adds of threads: fma, products whose sum is the next thing done with them, and those of tensor
/// cores.</param>
/// <param name="Accesses">Accesses to memory, in the order of the text.</param>
public sealed record LaunchCounts(
    PtxKernel Kernel, int ThreadsPerGroup, IReadOnlyDictionary<InstructionClass, long> Instructions, long MultiplyAdds,
    IReadOnlyList<AccessCount> Accesses)
{
    /// <summary>How often a warp executed each instruction of the kernel, whether its guard held or not.</summary>
    public IReadOnlyList<long> Executions { get; init; } = [];

    /// <summary>The same for the warp of each group that executed it most often, added up over the groups.</summary>
    public IReadOnlyList<long> ExecutionsOfLongestWarp { get; init; } = [];

    /// <summary>All instructions of warps.</summary>
    public long WarpInstructions => Instructions.Values.Sum();

    /// <summary>Instructions of a thread for each multiply-add; infinite where there are none.</summary>
    public double InstructionsPerMultiplyAdd => WarpInstructions * 32.0 / MultiplyAdds;

    /// <summary>Passes through shared memory.</summary>
    public long SharedWavefronts => Accesses.Sum(access => access.Wavefronts);

    /// <summary>Sectors of 32 bytes moved from and to global memory.</summary>
    public long GlobalSectors => Accesses.Sum(access => access.Sectors);

    /// <summary>
    /// How many groups a multiprocessor holds at once, by an estimate of the registers that the assembler gives to a thread.
    /// </summary>
    public Occupancy OccupancyOn(CudaTarget target) =>
        Occupancy.Of(target, ThreadsPerGroup, RegisterEstimate.Of(Kernel).Count, Kernel.SharedBytes);
}
