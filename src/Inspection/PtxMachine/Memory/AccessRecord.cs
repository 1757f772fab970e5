using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>
/// The latest accesses of one kind to a granule of memory: which thread made them, and when. A group's barriers count epochs; a
/// <c>bar.warp.sync</c> counts those of a warp. Accesses of different epochs are ordered, and so are those of one thread.
/// </summary>
internal struct AccessRecord
{
    private const int Many = int.MinValue;

    /// <summary>The thread in its group, <see cref="OfWarp"/> for several threads of a warp, or <see cref="Many"/>.</summary>
    private int thread;

    private int warpEpoch;

    /// <summary>The epoch of the accesses; 0 before the first.</summary>
    public int Epoch { get; private set; }

    /// <summary>In words: the thread, or several.</summary>
    public readonly string Threads => thread >= 0 ? $"thread {thread}" : "another thread";

    /// <summary>Records an access of one thread, which replaces the earlier ones.</summary>
    public void Set(int by, int at, int warpAt) => (thread, Epoch, warpEpoch) = (by, at, warpAt);

    /// <summary>Records an access beside others of the same epoch.</summary>
    public void Add(int by, int at, int warpAt)
    {
        if (Epoch != at) thread = by;
        else if (thread != by) thread = WarpOf(thread) == by / Row.Lanes ? OfWarp(by) : Many;
        (Epoch, warpEpoch) = (at, warpAt);
    }

    /// <summary>Whether another access of the same group conflicts with these: other threads made them, and nothing orders the
    /// two.</summary>
    public readonly bool Conflicts(int by, int at, int warpAt) =>
        Epoch == at && thread != by && (WarpOf(thread) != by / Row.Lanes || warpEpoch == warpAt);

    /// <summary>Stands for several threads of a thread's warp.</summary>
    private static int OfWarp(int thread) => -2 - thread / Row.Lanes;

    /// <summary>The warp of a thread or of several threads of one warp; −1 for threads of several warps.</summary>
    private static int WarpOf(int thread) => thread >= 0 ? thread / Row.Lanes : thread == Many ? -1 : -2 - thread;
}
