using System.Numerics;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>
/// The copies from global to shared memory that the lanes of a warp have started and not waited for. Their bytes are read at once and
/// written as late as PTX allows: when the lane waits for their group. An earlier read therefore sees the old bytes.
/// </summary>
/// <remarks>PTX ISA, 9.7.9.25 "Asynchronous copy": cp.async, cp.async.commit_group, cp.async.wait_group.</remarks>
internal sealed unsafe class AsyncCopies(Warp warp)
{
    private const int LongestCopy = 16;

    private readonly List<Copy> copies = [];
    private readonly int[] groups = new int[Row.Lanes];

    /// <summary>Forgets all copies.</summary>
    public void Clear()
    {
        copies.Clear();
        Array.Clear(groups);
    }

    /// <summary>cp.async: begins a copy of each lane. The operand src-size says how many bytes to read; the rest are zeros.</summary>
    public static void Begin(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        var from = access.From!;
        warp.Group.Launch.Counters?.CountShared(warp, access);
        warp.Group.Launch.Counters?.CountGlobal(warp, from);
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            var place = MemoryInstructions.SharedPlace(warp, access, lane, access.Bytes);
            var bytes = access.Others.Count == 0 ? access.Bytes : (int)Row.Get<uint>(warp.Rows + access.Others[0], lane);
            if (bytes > access.Bytes)
                throw warp.Group.Launch.Fault(FindingKind.OutOfBounds, warp, access.Instruction, lane, "",
                    $"src-size {bytes} is more than the {access.Bytes} bytes of the copy");
            var copy = new Copy { Lane = lane, Place = place, Length = access.Bytes, Group = warp.Copies.groups[lane] };
            if (bytes > 0) new ReadOnlySpan<byte>(MemoryInstructions.Global(warp, from, lane, bytes, access.Bytes, AccessKind.Read), bytes)
                .CopyTo(new Span<byte>(copy.Data, LongestCopy));
            if (warp.Group.Launch.Options.Sanitize
                && warp.Group.Shadow.BeginCopy(place, access.Bytes, warp.FirstThread + lane, warp.Epoch) is { } finding)
                warp.Group.Launch.Report(finding.Kind, warp, access.Instruction, lane,
                    warp.Group.Launch.Program.Shared.Describe(MemoryInstructions.Address(warp, access, lane)), finding.Detail);
            warp.Copies.copies.Add(copy);
        }
    }

    /// <summary>cp.async.commit_group: what each lane has begun since the last one is a group.</summary>
    public static void Commit(Warp warp)
    {
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1) warp.Copies.groups[BitOperations.TrailingZeroCount(mask)]++;
    }

    /// <summary>cp.async.wait_group: waits until at most the latest <paramref name="pending"/> groups of a lane are under way.</summary>
    public static void Wait(Warp warp, int pending) => warp.Copies.Complete(lane => warp.Copies.groups[lane] - pending);

    /// <summary>cp.async.wait_all: waits for all copies, also those of no group.</summary>
    public static void WaitAll(Warp warp) => warp.Copies.Complete(_ => int.MaxValue);

    private void Complete(Func<int, int> firstPending)
    {
        var left = 0;
        fixed (byte* shared = warp.Group.Shared)
            for (var i = 0; i < copies.Count; i++)
            {
                var copy = copies[i];
                if ((warp.Mask >> copy.Lane & 1) == 0 || copy.Group >= firstPending(copy.Lane))
                {
                    copies[left++] = copy;
                    continue;
                }
                new ReadOnlySpan<byte>(copy.Data, copy.Length).CopyTo(new Span<byte>(shared + copy.Place, copy.Length));
                warp.Group.Shadow.EndCopy(copy.Place, copy.Length, warp.FirstThread + copy.Lane, warp.Epoch);
            }
        copies.RemoveRange(left, copies.Count - left);
    }

    private struct Copy
    {
        public int Lane, Place, Length, Group;

        public fixed byte Data[LongestCopy];
    }
}
