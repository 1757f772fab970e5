using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>
/// Records which threads wrote and read each granule of a group's shared memory since the last barrier, and which granules a
/// <c>cp.async</c> still has to write. Accesses of two threads of one warp are ordered by a <c>bar.warp.sync</c> between them, all others
/// by a barrier of the group.
/// </summary>
/// <remarks>PTX ISA, chapter 8 "Memory Consistency Model": unordered conflicting accesses are a race, whose result is undefined.</remarks>
internal sealed class SharedShadow(int bytes, int granule)
{
    private const int Nobody = -1;

    private readonly Cell[] cells = new Cell[Rounding.CeilDiv(bytes, granule)];
    private int epoch, firstEpoch = 1;

    /// <summary>What a thread does with a granule.</summary>
    private interface IUse
    {
        /// <summary>Checks the use and records it.</summary>
        /// <returns>What is wrong; null for nothing.</returns>
        static abstract (FindingKind Kind, string Detail)? Of(SharedShadow shadow, ref Cell cell, int thread, int warpEpoch);
    }

    /// <summary>Begins a new group, which has written nothing.</summary>
    public void BeginGroup()
    {
        firstEpoch = ++epoch;
        for (var i = 0; i < cells.Length; i++) cells[i].Copying = Nobody;
    }

    /// <summary>All threads have reached a barrier.</summary>
    public void Barrier() => epoch++;

    /// <summary>A thread reads.</summary>
    /// <param name="place">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="thread">The thread's number in its group.</param>
    /// <param name="warpEpoch">How often its warp has synchronized.</param>
    /// <returns>What is wrong; null for nothing.</returns>
    public (FindingKind Kind, string Detail)? Read(int place, int length, int thread, int warpEpoch) =>
        Walk<Reading>(place, length, thread, warpEpoch);

    /// <summary>A thread writes; the parameters are those of <see cref="Read"/>.</summary>
    public (FindingKind Kind, string Detail)? Write(int place, int length, int thread, int warpEpoch) =>
        Walk<Writing>(place, length, thread, warpEpoch);

    /// <summary>A thread starts a copy to shared memory with <c>cp.async</c>.</summary>
    public (FindingKind Kind, string Detail)? BeginCopy(int place, int length, int thread, int warpEpoch) =>
        Walk<Copying>(place, length, thread, warpEpoch);

    /// <summary>A thread has waited for a copy, which counts as a write at this point.</summary>
    public void EndCopy(int place, int length, int thread, int warpEpoch) => Walk<Copied>(place, length, thread, warpEpoch);

    /// <summary>Visits every granule of an access; the first problem is reported.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (FindingKind Kind, string Detail)? Walk<TUse>(int place, int length, int thread, int warpEpoch) where TUse : struct, IUse
    {
        (FindingKind, string)? first = null;
        var end = Rounding.CeilDiv(place + length, granule);
        for (var i = place / granule; i < end; i++)
            if (TUse.Of(this, ref cells[i], thread, warpEpoch) is { } finding) first ??= finding;
        return first;
    }

    private (FindingKind Kind, string Detail)? CheckWrite(in Cell cell, int thread, int warpEpoch) =>
        cell.Written.Conflicts(thread, epoch, warpEpoch)
            ? (FindingKind.Race, $"writes bytes that {cell.Written.Threads} also writes, with no barrier in between")
        : cell.Read.Conflicts(thread, epoch, warpEpoch)
            ? (FindingKind.Race, $"writes bytes that {cell.Read.Threads} reads, with no barrier in between")
        : null;

    private static (FindingKind Kind, string Detail)? Pending(in Cell cell, string what) => cell.Copying == Nobody
        ? null
        : (FindingKind.CopyNotAwaited, $"{what} the destination of a cp.async of thread {cell.Copying} that has not been waited for");

    private struct Cell
    {
        public AccessRecord Written, Read;

        /// <summary>The thread whose copy is under way.</summary>
        public int Copying;
    }

    private readonly struct Reading : IUse
    {
        public static (FindingKind Kind, string Detail)? Of(SharedShadow shadow, ref Cell cell, int thread, int warpEpoch)
        {
            if (Pending(cell, "reads") is { } pending) return pending;
            (FindingKind, string)? finding = null;
            if (cell.Written.Epoch < shadow.firstEpoch)
                finding = (FindingKind.UninitializedRead, "reads shared memory that no thread of the group has written");
            else if (cell.Written.Conflicts(thread, shadow.epoch, warpEpoch))
                finding = (FindingKind.Race, $"reads bytes that {cell.Written.Threads} writes, with no barrier in between");
            cell.Read.Add(thread, shadow.epoch, warpEpoch);
            return finding;
        }
    }

    private readonly struct Writing : IUse
    {
        public static (FindingKind Kind, string Detail)? Of(SharedShadow shadow, ref Cell cell, int thread, int warpEpoch)
        {
            if ((Pending(cell, "writes to") ?? shadow.CheckWrite(cell, thread, warpEpoch)) is { } finding) return finding;
            cell.Written.Set(thread, shadow.epoch, warpEpoch);
            return null;
        }
    }

    private readonly struct Copying : IUse
    {
        public static (FindingKind Kind, string Detail)? Of(SharedShadow shadow, ref Cell cell, int thread, int warpEpoch)
        {
            if ((Pending(cell, "copies to") ?? shadow.CheckWrite(cell, thread, warpEpoch)) is { } finding) return finding;
            cell.Copying = thread;
            return null;
        }
    }

    private readonly struct Copied : IUse
    {
        public static (FindingKind Kind, string Detail)? Of(SharedShadow shadow, ref Cell cell, int thread, int warpEpoch)
        {
            cell.Copying = Nobody;
            cell.Written.Set(thread, shadow.epoch, warpEpoch);
            return null;
        }
    }
}
