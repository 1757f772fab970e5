using System.Runtime.CompilerServices;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>How an instruction accesses memory.</summary>
internal enum AccessKind
{
    Read,
    Write,

    /// <summary>Reads and writes at once, so that others of its kind may access the same bytes at the same time.</summary>
    Atomic,
}

/// <summary>
/// Records which threads of a launch wrote and read each granule of global memory. Nothing orders the groups of a launch, so no group may
/// access what another one writes, unless both do so atomically; within a group, barriers order accesses as in shared memory.
/// </summary>
/// <remarks>
/// The records are kept by the address on the host, so that two arrays which overlap there, such as an operation's input and output in
/// place, have one history. Only memory that a launch touches has records.
/// </remarks>
internal sealed class GlobalShadow(int granule, Extent grid)
{
    private const int PageBits = 12, NoGroup = -1, ManyGroups = -2;

    private readonly Dictionary<nint, Cell[]> pages = [];
    private nint lastPage = -1;
    private Cell[] lastCells = [];
    private int group = NoGroup, epoch;

    /// <summary>Begins a group.</summary>
    public void BeginGroup(Extent place)
    {
        group = (place.Z * grid.Y + place.Y) * grid.X + place.X;
        epoch++;
    }

    /// <summary>All threads of the group have reached a barrier.</summary>
    public void Barrier() => epoch++;

    /// <summary>A thread accesses memory.</summary>
    /// <param name="kind">How.</param>
    /// <param name="host">The first byte's address on the host.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="thread">The thread's number in its group.</param>
    /// <param name="warpEpoch">How often its warp has synchronized.</param>
    /// <returns>The race; null for none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public string? Access(AccessKind kind, nint host, int length, int thread, int warpEpoch)
    {
        string? race = null;
        for (var at = host - host % granule; at < host + length; at += granule)
        {
            ref var cell = ref CellAt(at);
            race ??= Race(cell, kind, thread, warpEpoch);
            if (kind == AccessKind.Read)
            {
                cell.Read.Add(thread, epoch, warpEpoch);
                cell.ReadBy = cell.ReadBy is NoGroup || cell.ReadBy == group ? group : ManyGroups;
            }
            else
            {
                cell.Written.Set(thread, epoch, warpEpoch);
                cell.WrittenBy = group;
                cell.IsAtomic = kind == AccessKind.Atomic;
            }
        }
        return race;
    }

    private string? Race(in Cell cell, AccessKind kind, int thread, int warpEpoch)
    {
        var verb = kind switch { AccessKind.Read => "reads", AccessKind.Write => "writes", _ => "atomically updates" };
        if (!(cell.IsAtomic && kind == AccessKind.Atomic))
        {
            var how = cell.IsAtomic ? "atomically updates" : "writes";
            if (cell.WrittenBy != NoGroup && cell.WrittenBy != group)
                return $"{verb} bytes that {cell.Written.Threads} of group {grid.PlaceOf(cell.WrittenBy)} {how}; nothing orders groups";
            if (cell.Written.Conflicts(thread, epoch, warpEpoch))
                return $"{verb} bytes that {cell.Written.Threads} {how}, with no barrier in between";
        }
        if (kind == AccessKind.Read) return null;
        if (cell.ReadBy != NoGroup && cell.ReadBy != group)
        {
            var who = cell.ReadBy == ManyGroups ? "other groups read" : $"group {grid.PlaceOf(cell.ReadBy)} reads";
            return $"{verb} bytes that {who}; nothing orders groups";
        }
        return cell.Read.Conflicts(thread, epoch, warpEpoch)
            ? $"{verb} bytes that {cell.Read.Threads} reads, with no barrier in between"
            : null;
    }

    private ref Cell CellAt(nint host)
    {
        var page = host >> PageBits;
        if (page != lastPage)
        {
            if (!pages.TryGetValue(page, out var cells))
            {
                cells = new Cell[(1 << PageBits) / granule];
                Array.Fill(cells, new Cell { WrittenBy = NoGroup, ReadBy = NoGroup });
                pages.Add(page, cells);
            }
            (lastPage, lastCells) = (page, cells);
        }
        return ref lastCells[(int)(host & (1 << PageBits) - 1) / granule];
    }

    private struct Cell
    {
        public AccessRecord Written, Read;

        /// <summary>The number of the group that has written it last.</summary>
        public int WrittenBy;

        /// <summary>The number of the group that has read it, or <see cref="ManyGroups"/>.</summary>
        public int ReadBy;

        /// <summary>Whether the last write was atomic.</summary>
        public bool IsAtomic;
    }
}
