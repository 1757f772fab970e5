using System.Numerics;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Counting;

/// <summary>Counts what a launch executes: instructions by block, and what each access to memory costs.</summary>
internal sealed class LaunchCounters(PtxProgram program, int threadsPerGroup)
{
    private const int Banks = 32, BankBytes = 4, SectorBytes = 32;

    private readonly long[] executions = new long[program.Flow.Blocks.Count];
    private readonly AccessCount[] accesses = [.. program.Accesses.Select(access => new AccessCount(access.Instruction))];

    /// <summary>A warp executes a block.</summary>
    public void CountBlock(BasicBlock block) => executions[block.Index]++;

    /// <summary>
    /// A warp moves shared memory. It has 32 banks of four bytes, and a wavefront brings one word of each, to however many lanes want it; accesses of
    /// 16 bytes a lane are served a half of the warp at a time.
    /// </summary>
    /// <remarks>CUDA C++ Programming Guide, "Shared Memory" of compute capability 5.x and later.</remarks>
    public void CountShared(Warp warp, MemoryAccess access)
    {
        var half = access.Bytes >= 16 ? Row.Lanes / 2 : Row.Lanes;
        var wavefronts = 0;
        for (var first = 0; first < Row.Lanes; first += half)
            wavefronts += Wavefronts(warp, access, first, first + half, access.Bytes);
        Add(warp, access, wavefronts, sectors: 0, BitOperations.PopCount(warp.Mask) * access.Bytes);
    }

    /// <summary>ldmatrix: eight rows of 16 bytes of each matrix, one wavefront where they lie in different banks.</summary>
    public void CountMatrices(Warp warp, MemoryAccess access)
    {
        var wavefronts = 0;
        for (var matrix = 0; matrix < access.Rows.Count; matrix++) wavefronts += Wavefronts(warp, access, matrix * 8, matrix * 8 + 8, 16);
        Add(warp, access, wavefronts, sectors: 0, access.Rows.Count * 8 * 16);
    }

    /// <summary>A warp moves global memory: in sectors of 32 bytes, each once for all lanes that want a part of it.</summary>
    public void CountGlobal(Warp warp, MemoryAccess access)
    {
        var sectors = new HashSet<ulong>();
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var address = MemoryInstructions.Address(warp, access, BitOperations.TrailingZeroCount(mask));
            for (var sector = address / SectorBytes; sector <= (address + (ulong)access.Bytes - 1) / SectorBytes; sector++) sectors.Add(sector);
        }
        Add(warp, access, wavefronts: 0, sectors.Count, BitOperations.PopCount(warp.Mask) * access.Bytes);
    }

    /// <summary>What has been counted.</summary>
    public LaunchCounts Counts() => new(program.Kernel, threadsPerGroup, InstructionClasses.Counts(program, executions), InstructionClasses.MultiplyAdds(program, executions),
        [.. accesses.Where(access => access.Requests > 0)]);

    private static int Wavefronts(Warp warp, MemoryAccess access, int firstLane, int endLane, int bytes)
    {
        var words = new HashSet<ulong>();
        Span<int> banks = stackalloc int[Banks];
        banks.Clear();
        for (var lane = firstLane; lane < endLane; lane++)
        {
            if ((warp.Mask >> lane & 1) == 0) continue;
            var address = MemoryInstructions.Address(warp, access, lane);
            for (var word = address / BankBytes; word <= (address + (ulong)bytes - 1) / BankBytes; word++)
                if (words.Add(word)) banks[(int)(word % Banks)]++;
        }
        var most = 0;
        foreach (var bank in banks) most = Math.Max(most, bank);
        return most;
    }

    private void Add(Warp warp, MemoryAccess access, int wavefronts, int sectors, int bytes)
    {
        var count = accesses[access.Number];
        count.Requests++;
        count.Lanes += BitOperations.PopCount(warp.Mask);
        count.Wavefronts += wavefronts;
        count.Sectors += sectors;
        count.Bytes += bytes;
    }
}

/// <summary>What an access to memory has cost.</summary>
public sealed class AccessCount(PtxInstruction instruction)
{
    /// <summary>The instruction.</summary>
    public PtxInstruction Instruction { get; } = instruction;

    /// <summary>How often a warp executed it.</summary>
    public long Requests { get; internal set; }

    /// <summary>Lanes that took part, of all requests.</summary>
    public long Lanes { get; internal set; }

    /// <summary>Passes through shared memory: more than it takes without conflicts, where lanes want different words of one bank.</summary>
    public long Wavefronts { get; internal set; }

    /// <summary>Sectors of 32 bytes of global memory.</summary>
    public long Sectors { get; internal set; }

    /// <summary>Bytes that the lanes moved.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Sectors of a request; four are enough for 32 neighbouring floats.</summary>
    public double SectorsPerRequest => (double)Sectors / Requests;

    /// <summary>Wavefronts of a request.</summary>
    public double WavefrontsPerRequest => (double)Wavefronts / Requests;
}
