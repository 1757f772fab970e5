using System.Numerics;
using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Counting;

/// <summary>Counts what a launch executes: instructions by block, and what each access to memory costs.</summary>
internal sealed unsafe class LaunchCounters(PtxProgram program, int threadsPerGroup, IReadOnlyList<GlobalArray> arrays)
{
    private const int Banks = 32, BankBytes = 4, SectorBytes = 32;

    private readonly long[] executions = new long[program.Flow.Blocks.Count];
    private readonly AccessCount[] accesses = [.. program.Accesses.Select(access => new AccessCount(access.Instruction))];

    private readonly long[] loaded = new long[arrays.Count], stored = new long[arrays.Count];

    private readonly long[] ofLongestWarp = new long[program.Flow.Blocks.Count];
    private readonly long[,] ofWarp = new long[Rounding.CeilDiv(threadsPerGroup, Row.Lanes), program.Flow.Blocks.Count];

    /// <summary>A warp executes a block.</summary>
    public void CountBlock(Warp warp, BasicBlock block)
    {
        executions[block.Index]++;
        ofWarp[warp.Index, block.Index]++;
    }

    /// <summary>A group has ended.</summary>
    public void EndGroup()
    {
        for (var block = 0; block < executions.Length; block++)
        {
            var most = 0L;
            for (var warp = 0; warp < ofWarp.GetLength(0); warp++) most = Math.Max(most, ofWarp[warp, block]);
            ofLongestWarp[block] += most;
        }
        Array.Clear(ofWarp);
    }

    /// <summary>
    /// A warp accesses shared memory. It has 32 banks of four bytes, and a wavefront moves one word of each, for any number of lanes.
    /// Accesses of 16 bytes a lane are served half a warp at a time.
    /// </summary>
    /// <remarks>CUDA C++ Programming Guide, "Shared Memory" of compute capability 5.x and later.</remarks>
    public void CountShared(Warp warp, MemoryAccess access)
    {
        var half = access.Bytes >= 16 ? Row.Lanes / 2 : Row.Lanes;
        var (wavefronts, minimum) = (0, 0);
        for (var first = 0; first < Row.Lanes; first += half)
            Wavefronts(warp, access, first, first + half, access.Bytes, ref wavefronts, ref minimum);
        AddShared(warp, access, wavefronts, minimum, BitOperations.PopCount(warp.Mask) * access.Bytes);
    }

    /// <summary>ldmatrix: eight rows of 16 bytes of each matrix, one wavefront if they lie in different banks.</summary>
    public void CountMatrices(Warp warp, MemoryAccess access)
    {
        var (wavefronts, minimum) = (0, 0);
        for (var matrix = 0; matrix < access.Rows.Count; matrix++)
            Wavefronts(warp, access, matrix * 8, matrix * 8 + 8, 16, ref wavefronts, ref minimum);
        AddShared(warp, access, wavefronts, minimum, access.Rows.Count * 8 * 16);
    }

    /// <summary>A warp accesses global memory: in sectors of 32 bytes, each once for all lanes that access a part of it.</summary>
    [SkipLocalsInit]
    public void CountGlobal(Warp warp, MemoryAccess access)
    {
        // A lane touches two sectors at most, and neighbours mostly the same.
        var sectors = stackalloc ulong[2 * Row.Lanes];
        var addresses = stackalloc ulong[Row.Lanes];
        var (count, distinct) = (0, 0);
        var moved = access.Instruction.Operation is "st" or "red" ? stored : loaded;
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var address = MemoryInstructions.Address(warp, access, BitOperations.TrailingZeroCount(mask));
            // Accesses are aligned, so those of two lanes are the same or apart.
            if (!Contains(addresses, distinct, address)) addresses[distinct++] = address;
            var last = (address + (ulong)access.Bytes - 1) / SectorBytes;
            for (var sector = address / SectorBytes; sector <= last; sector++)
            {
                if (Contains(sectors, count, sector)) continue;
                sectors[count++] = sector;
                if (GlobalMemory.IndexOf(address) is var array && array < (ulong)moved.Length) moved[array]++;
            }
        }
        var counted = Add(warp, access, BitOperations.PopCount(warp.Mask) * access.Bytes);
        counted.Sectors += count;
        counted.MinimalSectors += Rounding.CeilDiv(distinct * access.Bytes, SectorBytes);
    }

    /// <summary>Adds what another launch of the kernel, or a group that stands for several, has counted.</summary>
    public void Add(LaunchCounters other, long times)
    {
        for (var i = 0; i < executions.Length; i++)
        {
            executions[i] += times * other.executions[i];
            ofLongestWarp[i] += times * other.ofLongestWarp[i];
        }
        for (var i = 0; i < loaded.Length; i++)
        {
            loaded[i] += times * other.loaded[i];
            stored[i] += times * other.stored[i];
        }
        for (var i = 0; i < accesses.Length; i++) accesses[i].Add(other.accesses[i], times);
    }

    /// <summary>Whether both have counted the same.</summary>
    public override bool Equals(object? obj) => obj is LaunchCounters other && executions.AsSpan().SequenceEqual(other.executions)
        && loaded.AsSpan().SequenceEqual(other.loaded) && stored.AsSpan().SequenceEqual(other.stored)
        && accesses.Zip(other.accesses).All(pair => pair.First.HasSameCounts(pair.Second));

    /// <inheritdoc/>
    public override int GetHashCode() => executions.Aggregate(0, HashCode.Combine);

    /// <summary>What has been counted.</summary>
    public LaunchCounts Counts() => new(program.Kernel, threadsPerGroup, InstructionClasses.Counts(program, executions),
        InstructionClasses.MultiplyAdds(program, executions),
        [.. accesses.Where(access => access.Requests > 0)])
    {
        Executions = OfInstructions(executions),
        ExecutionsOfLongestWarp = OfInstructions(ofLongestWarp),
    };

    private long[] OfInstructions(long[] ofBlocks) =>
        [.. program.Flow.Blocks.SelectMany(block => Enumerable.Repeat(ofBlocks[block.Index], block.End - block.First))];

    /// <summary>What has been moved from and to each array.</summary>
    public IReadOnlyList<ArrayTraffic> Traffic() =>
        [.. arrays.Select((array, i) => new ArrayTraffic(array.Name, array.Bytes, loaded[i], stored[i]))];

    /// <summary>Adds the wavefronts of some lanes, and those that as many words need without conflicts.</summary>
    [SkipLocalsInit]
    private static void Wavefronts(Warp warp, MemoryAccess access, int firstLane, int endLane, int bytes, ref int wavefronts,
        ref int minimum)
    {
        // The distinct words of each bank.
        var words = stackalloc ulong[Banks * Row.Lanes];
        var counts = stackalloc int[Banks];
        new Span<int>(counts, Banks).Clear();
        var (most, distinct) = (0, 0);
        for (var lane = firstLane; lane < endLane; lane++)
        {
            if ((warp.Mask >> lane & 1) == 0) continue;
            var address = MemoryInstructions.Address(warp, access, lane);
            var last = (address + (ulong)bytes - 1) / BankBytes;
            for (var word = address / BankBytes; word <= last; word++)
            {
                var bank = (int)(word % Banks);
                if (Contains(words + bank * Row.Lanes, counts[bank], word)) continue;
                words[bank * Row.Lanes + counts[bank]] = word;
                most = Math.Max(most, ++counts[bank]);
                distinct++;
            }
        }
        wavefronts += most;
        minimum += Rounding.CeilDiv(distinct, Banks);
    }

    private static bool Contains(ulong* values, int count, ulong value)
    {
        // The latest is the likeliest.
        for (var i = count - 1; i >= 0; i--)
            if (values[i] == value) return true;
        return false;
    }

    private void AddShared(Warp warp, MemoryAccess access, int wavefronts, int minimum, int bytes)
    {
        var count = Add(warp, access, bytes);
        count.Wavefronts += wavefronts;
        count.MinimalWavefronts += minimum;
    }

    private AccessCount Add(Warp warp, MemoryAccess access, int bytes)
    {
        var count = accesses[access.Number];
        count.Requests++;
        count.Lanes += BitOperations.PopCount(warp.Mask);
        count.Bytes += bytes;
        return count;
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

    /// <summary>Wavefronts: passes through shared memory. Lanes that access different words of one bank add some (a bank
    /// conflict).</summary>
    public long Wavefronts { get; internal set; }

    /// <summary>Wavefronts that as many words would need without bank conflicts.</summary>
    public long MinimalWavefronts { get; internal set; }

    /// <summary>Sectors of 32 bytes of global memory.</summary>
    public long Sectors { get; internal set; }

    /// <summary>Sectors that as many bytes would need if they lay together.</summary>
    public long MinimalSectors { get; internal set; }

    /// <summary>Bytes that the lanes moved.</summary>
    public long Bytes { get; internal set; }

    internal void Add(AccessCount other, long times)
    {
        Requests += times * other.Requests;
        Lanes += times * other.Lanes;
        Wavefronts += times * other.Wavefronts;
        MinimalWavefronts += times * other.MinimalWavefronts;
        Sectors += times * other.Sectors;
        MinimalSectors += times * other.MinimalSectors;
        Bytes += times * other.Bytes;
    }

    internal bool HasSameCounts(AccessCount other) =>
        (Requests, Lanes, Wavefronts, MinimalWavefronts, Sectors, MinimalSectors, Bytes)
            == (other.Requests, other.Lanes, other.Wavefronts, other.MinimalWavefronts, other.Sectors, other.MinimalSectors, other.Bytes);

    /// <summary>Sectors of a request; four are enough for 32 neighbouring floats.</summary>
    public double SectorsPerRequest => (double)Sectors / Requests;

    /// <summary>Wavefronts of a request.</summary>
    public double WavefrontsPerRequest => (double)Wavefronts / Requests;
}
