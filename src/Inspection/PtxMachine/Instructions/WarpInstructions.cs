using System.Numerics;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>Instructions that synchronize, or exchange values between, the lanes of a warp or the warps of a group.</summary>
/// <remarks>PTX ISA, 9.7.9 "shfl.sync", 9.7.13 "Parallel Synchronization and Communication Instructions".</remarks>
internal static unsafe class WarpInstructions
{
    /// <summary>bar.sync: the warp waits for all others. All its threads have to be here.</summary>
    public static void Barrier(Warp warp, int instruction)
    {
        var statement = warp.Group.Launch.Program.Kernel.Instructions[instruction];
        if (warp.Mask != warp.Threads)
            throw warp.Group.Launch.Fault(FindingKind.DivergentBarrier, warp, statement, BitOperations.TrailingZeroCount(warp.Mask), "",
                $"reaches a barrier that {Lanes(warp.Threads & ~warp.Mask)} of its warp {Do(warp.Threads & ~warp.Mask)} not reach");
        warp.Barrier = statement;
    }

    /// <summary>bar.warp.sync: orders what the lanes do with memory.</summary>
    public static void Synchronize(Warp warp, int instruction, int members)
    {
        RequireMembers(warp, instruction, members);
        warp.Epoch++;
    }

    /// <summary>shfl.sync: each lane takes the value of another.</summary>
    /// <param name="warp">The warp.</param>
    /// <param name="instruction">The instruction's number.</param>
    /// <param name="mode">0 up, 1 down, 2 butterfly, 3 by index.</param>
    /// <param name="result">The row of results.</param>
    /// <param name="predicate">That of whether the other lane was inside the segment; −1 for none.</param>
    /// <param name="value">That of values.</param>
    /// <param name="distance">That of distances or indices.</param>
    /// <param name="clamp">That of segments and clamps.</param>
    /// <param name="members">That of the lanes that take part.</param>
    public static void Shuffle(Warp warp, int instruction, int mode, int result, int predicate, int value, int distance, int clamp,
        int members)
    {
        RequireMembers(warp, instruction, members);
        var values = new ReadOnlySpan<uint>(warp.Rows + value, Row.Lanes).ToArray();
        var inside = 0u;
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            var b = (int)(Row.Get<uint>(warp.Rows + distance, lane) & 31);
            var c = (int)Row.Get<uint>(warp.Rows + clamp, lane);
            int segment = c >> 8 & 31, bound = c & 31;
            var last = (lane & segment) | (bound & ~segment);
            var first = lane & segment;
            var (other, isInside) = mode switch
            {
                0 => (lane - b, lane - b >= last),
                1 => (lane + b, lane + b <= last),
                2 => (lane ^ b, (lane ^ b) <= last),
                _ => (first | (b & ~segment), (first | (b & ~segment)) <= last),
            };
            if (!isInside) other = lane;
            else inside |= 1u << lane;
            if ((warp.Mask >> other & 1) == 0)
                throw warp.Group.Launch.Fault(FindingKind.DivergentWarp, warp,
                    warp.Group.Launch.Program.Kernel.Instructions[instruction], lane, "",
                    $"reads the value of lane {other}, which does not participate");
            Row.Set(warp.Rows + result, lane, values[other]);
        }
        if (predicate >= 0) Instructions.Lanes.SetPredicate(warp, predicate, inside);
    }

    /// <summary>vote.sync: all (0), any (1) or unanimous (2) predicates of the lanes that take part.</summary>
    public static void Vote(Warp warp, int instruction, int mode, int result, int predicate, int negated, int members)
    {
        RequireMembers(warp, instruction, members);
        var lanes = warp.Mask;
        var holds = Holds(warp, predicate, negated) & lanes;
        var answer = mode switch { 0 => holds == lanes, 1 => holds != 0, _ => holds == lanes || holds == 0 };
        Instructions.Lanes.SetPredicate(warp, result, answer ? Row.AllLanes : 0);
    }

    /// <summary>vote.sync.ballot: a bit for each lane whose predicate holds.</summary>
    public static void Ballot(Warp warp, int instruction, int result, int predicate, int negated, int members)
    {
        RequireMembers(warp, instruction, members);
        var holds = Holds(warp, predicate, negated) & warp.Mask;
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1) Row.Set(warp.Rows + result, BitOperations.TrailingZeroCount(mask), holds);
    }

    /// <summary>activemask: the lanes that are here.</summary>
    public static void ActiveMask(Warp warp, int result)
    {
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            Row.Set(warp.Rows + result, BitOperations.TrailingZeroCount(mask), warp.Mask);
    }

    /// <summary>Makes sure that all lanes of a warp execute an instruction that needs them all.</summary>
    public static void RequireAll(Warp warp, PtxInstruction instruction)
    {
        if (warp.Mask != Row.AllLanes)
            throw warp.Group.Launch.Fault(FindingKind.DivergentWarp, warp, instruction, BitOperations.TrailingZeroCount(warp.Mask), "",
                $"executes a warp-wide instruction that {Lanes(~warp.Mask)} of its warp {Do(~warp.Mask)} not reach");
    }

    private static void RequireMembers(Warp warp, int instruction, int members)
    {
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            var wanted = Row.Get<uint>(warp.Rows + members, lane) & warp.Threads;
            if (wanted != warp.Mask)
                throw warp.Group.Launch.Fault(FindingKind.DivergentWarp, warp,
                    warp.Group.Launch.Program.Kernel.Instructions[instruction], lane, "",
                    $"names the lanes 0x{wanted:x8} as participants, but the lanes 0x{warp.Mask:x8} execute it");
        }
    }

    private static uint Holds(Warp warp, int predicate, int negated) => negated != 0 ? ~*(uint*)(warp.Rows + predicate)
        : *(uint*)(warp.Rows + predicate);

    private static string Do(uint lanes) => BitOperations.PopCount(lanes) == 1 ? "does" : "do";

    private static string Lanes(uint lanes) => BitOperations.PopCount(lanes) == 1 ? $"lane {BitOperations.TrailingZeroCount(lanes)}"
        : $"{BitOperations.PopCount(lanes)} lanes";
}
