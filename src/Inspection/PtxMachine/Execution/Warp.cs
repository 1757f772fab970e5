using System.Numerics;
using System.Runtime.InteropServices;
using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>
/// The 32 threads that execute an instruction together. Lanes that diverge at a branch execute one side after the other and reconverge
/// where all paths meet (<see cref="BasicBlock.Meeting"/>).
/// </summary>
internal sealed unsafe class Warp : IDisposable
{
    private readonly List<Path> paths = [];

    public Warp(ThreadGroup group, int index, int registerBytes, int localBytes)
    {
        Group = group;
        Index = index;
        Rows = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(registerBytes, 64), 64);
        var lanes = Math.Min(Row.Lanes, group.Threads - FirstThread);
        Local = new byte[localBytes * lanes];
        LocalWritten = new bool[localBytes * lanes];
        Copies = new AsyncCopies(this);
        Assigned = new uint[group.Launch.Program.WatchedRegisters];
    }

    public ThreadGroup Group { get; }

    /// <summary>Its number in the group.</summary>
    public int Index { get; }

    /// <summary>The memory of its registers.</summary>
    public byte* Rows { get; private set; }

    /// <summary>The lanes that the current instruction has an effect on.</summary>
    public uint Mask;

    /// <summary>The lanes that are at the current place, whatever an instruction's guard says.</summary>
    public uint Active { get; private set; }

    /// <summary>The lanes that have not ended.</summary>
    public uint Alive { get; private set; }

    /// <summary>The block to be executed next.</summary>
    public int Block => paths[^1].Block;

    /// <summary>How often its lanes have synchronized with <c>bar.warp.sync</c>.</summary>
    public int Epoch { get; set; }

    /// <summary>The barrier that it waits at; null while it runs.</summary>
    public PtxInstruction? Barrier { get; set; }

    /// <summary>The lanes that there are threads for.</summary>
    public uint Threads { get; private set; }

    /// <summary>The local memory of all lanes, lane by lane.</summary>
    public byte[] Local { get; }

    /// <summary>Which bytes of it have been written.</summary>
    public bool[] LocalWritten { get; }

    /// <summary>Copies to shared memory that are under way.</summary>
    public AsyncCopies Copies { get; }

    /// <summary>The lanes that have written each register that is watched: see <see cref="UnassignedRegisters"/>.</summary>
    public uint[] Assigned { get; }

    /// <summary>The first thread's number in the group.</summary>
    public int FirstThread => Index * Row.Lanes;

    /// <summary>Begins at the kernel's first instruction.</summary>
    /// <param name="threads">Lanes that there are threads for.</param>
    public void Begin(int threads)
    {
        Alive = Threads = threads >= Row.Lanes ? Row.AllLanes : (1u << threads) - 1;
        Barrier = null;
        paths.Clear();
        paths.Add(new Path(0, Alive, int.MaxValue));
        Mask = Active = Alive;
        Epoch = 0;
        Array.Clear(LocalWritten);
        Array.Clear(Assigned);
        Copies.Clear();
    }

    /// <summary>Writes what its lanes find in constants and special registers.</summary>
    public void FillConstants(Extent place, Extent grid, Extent groupSize) =>
        Group.Launch.Program.Registers.Fill(Rows, place, grid, groupSize, Index);

    /// <summary>Narrows the current instruction to the lanes whose predicate holds.</summary>
    /// <returns>Whether there are any.</returns>
    public bool Guard(int predicate, bool negated)
    {
        var lanes = *(uint*)(Rows + predicate);
        Mask = Active & (negated ? ~lanes : lanes);
        return Mask != 0;
    }

    /// <summary>Ends the effect of a guard.</summary>
    public void Unguard() => Mask = Active;

    /// <summary>Goes on behind a block.</summary>
    /// <param name="block">The block that was executed.</param>
    /// <param name="exit">The number of the end.</param>
    public void Advance(BasicBlock block, int exit)
    {
        if (block.Target is not { } target)
        {
            GoTo(block.Next);
        }
        else if (block.Guard is not { } guard)
        {
            GoTo(target);
        }
        else
        {
            var holds = *(uint*)(Rows + Group.Launch.Program.Registers.Of(guard.Register));
            var taken = Active & (guard.Negated ? ~holds : holds);
            if (taken == Active) GoTo(target);
            else if (taken == 0) GoTo(block.Next);
            else
            {
                var branch = Group.Launch.Program.Kernel.Instructions[block.End - 1];
                if (branch.Has("uni"))
                    Group.Launch.Report(FindingKind.DivergentBranch, this, branch, BitOperations.TrailingZeroCount(taken), "",
                        "takes a branch marked as uniform that other lanes of its warp do not take");
                Part(block, target, taken, exit);
            }
        }
        Settle(exit);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Rows);
        Rows = null;
    }

    private void GoTo(int block) => paths[^1] = paths[^1] with { Block = block };

    private void Part(BasicBlock block, int target, uint taken, int exit)
    {
        var path = paths[^1];
        var meeting = block.Meeting;
        // If the path below reconverges at the same block, it continues with all lanes.
        if (path.Meeting == meeting) paths.RemoveAt(paths.Count - 1);
        else paths[^1] = path with { Block = meeting };
        Leave(block.Next, Active & ~taken);
        Leave(target, taken);

        void Leave(int to, uint lanes)
        {
            if (to == exit) Alive &= ~lanes;
            else if (to != meeting) paths.Add(new Path(to, lanes, meeting));
        }
    }

    /// <summary>Ends the lanes that have reached the end, and the paths that have reached their reconvergence point or have no lanes
    /// left.</summary>
    private void Settle(int exit)
    {
        while (paths.Count > 0)
        {
            var path = paths[^1];
            if (path.Block == exit) Alive &= ~path.Lanes;
            else if (path.Block != path.Meeting && (path.Lanes & Alive) != 0) break;
            paths.RemoveAt(paths.Count - 1);
        }
        Active = paths.Count > 0 ? paths[^1].Lanes & Alive : 0;
        Mask = Active;
    }

    /// <summary>Lanes on their way to their reconvergence point.</summary>
    private readonly record struct Path(int Block, uint Lanes, int Meeting);
}
