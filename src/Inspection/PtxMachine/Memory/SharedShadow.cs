using System.Runtime.CompilerServices;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>
/// Remembers for the shared memory of a group who wrote and who read each piece of it since the last barrier, and which of it a <c>cp.async</c> has
/// still to write. Two threads of one warp count as ordered when <c>bar.warp.sync</c> lies between, all others when a barrier of the group does.
/// </summary>
/// <remarks>PTX ISA, chapter 8 "Memory Consistency Model": conflicting accesses that are not ordered are a race, of which nothing is promised.</remarks>
internal sealed class SharedShadow(int bytes, int granule)
{
    private const int Nobody = -1, Many = int.MinValue;

    private readonly Cell[] cells = new Cell[(bytes + granule - 1) / granule];
    private int epoch, firstEpoch = 1;

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (FindingKind Kind, string Detail)? Read(int place, int length, int thread, int warpEpoch)
    {
        (FindingKind, string)? finding = null;
        for (var i = place / granule; i < (place + length + granule - 1) / granule; i++)
        {
            ref var cell = ref cells[i];
            if (cell.Copying != Nobody) return (FindingKind.CopyNotAwaited, $"reads what a cp.async of thread {cell.Copying} has not brought yet, for nobody has waited for it");
            if (cell.WriteEpoch < firstEpoch) finding = (FindingKind.UninitializedRead, "reads shared memory that nobody in the group has written");
            else if (Conflicts(cell.Writer, cell.WriteEpoch, cell.WriteWarpEpoch, thread, warpEpoch))
                finding = (FindingKind.Race, $"reads what thread {cell.Writer} wrote, without a barrier between");
            if (cell.ReadEpoch != epoch) cell.Reader = thread;
            else if (cell.Reader != thread) cell.Reader = WarpOf(cell.Reader) == thread / Execution.Row.Lanes ? OfWarp(thread) : Many;
            cell.ReadEpoch = epoch;
            cell.ReadWarpEpoch = warpEpoch;
        }
        return finding;
    }

    /// <summary>A thread writes; the parameters are those of <see cref="Read"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (FindingKind Kind, string Detail)? Write(int place, int length, int thread, int warpEpoch)
    {
        for (var i = place / granule; i < (place + length + granule - 1) / granule; i++)
        {
            ref var cell = ref cells[i];
            if (cell.Copying != Nobody) return (FindingKind.CopyNotAwaited, $"writes where a cp.async of thread {cell.Copying} still writes, for nobody has waited for it");
            if (Check(cell, thread, warpEpoch) is { } finding) return finding;
            MarkWritten(ref cell, thread, warpEpoch);
        }
        return null;
    }

    /// <summary>A thread begins to copy to shared memory with <c>cp.async</c>.</summary>
    public (FindingKind Kind, string Detail)? BeginCopy(int place, int length, int thread, int warpEpoch)
    {
        for (var i = place / granule; i < (place + length + granule - 1) / granule; i++)
        {
            ref var cell = ref cells[i];
            if (cell.Copying != Nobody) return (FindingKind.CopyNotAwaited, $"copies to where a cp.async of thread {cell.Copying} still writes, for nobody has waited for it");
            if (Check(cell, thread, warpEpoch) is { } finding) return finding;
            cell.Copying = thread;
        }
        return null;
    }

    /// <summary>A thread has waited for a copy: from now on it is as if it had just written it.</summary>
    public void EndCopy(int place, int length, int thread, int warpEpoch)
    {
        for (var i = place / granule; i < (place + length + granule - 1) / granule; i++)
        {
            cells[i].Copying = Nobody;
            MarkWritten(ref cells[i], thread, warpEpoch);
        }
    }

    private (FindingKind Kind, string Detail)? Check(in Cell cell, int thread, int warpEpoch)
    {
        if (Conflicts(cell.Writer, cell.WriteEpoch, cell.WriteWarpEpoch, thread, warpEpoch))
            return (FindingKind.Race, $"writes what thread {cell.Writer} wrote, too, without a barrier between");
        if (Conflicts(cell.Reader, cell.ReadEpoch, cell.ReadWarpEpoch, thread, warpEpoch))
            return (FindingKind.Race, $"writes what {(cell.Reader >= 0 ? $"thread {cell.Reader} has" : "other threads have")} read, without a barrier between");
        return null;
    }

    private bool Conflicts(int other, int otherEpoch, int otherWarpEpoch, int thread, int warpEpoch) =>
        otherEpoch == epoch && other != thread && (WarpOf(other) != thread / Execution.Row.Lanes || otherWarpEpoch == warpEpoch);

    private void MarkWritten(ref Cell cell, int thread, int warpEpoch)
    {
        cell.Writer = thread;
        cell.WriteEpoch = epoch;
        cell.WriteWarpEpoch = warpEpoch;
    }

    /// <summary>Stands for several threads of a thread's warp.</summary>
    private static int OfWarp(int thread) => -2 - thread / Execution.Row.Lanes;

    /// <summary>The warp of a thread or of several of one warp; −1 for threads of several warps.</summary>
    private static int WarpOf(int reader) => reader >= 0 ? reader / Execution.Row.Lanes : reader == Many ? -1 : -2 - reader;

    private struct Cell
    {
        public int Writer, WriteEpoch, WriteWarpEpoch, Reader, ReadEpoch, ReadWarpEpoch, Copying;
    }
}
