using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>
/// The warps of a group. They run one after the other, each until it reaches a barrier or its end. The result of a correct kernel does not
/// depend on their order, and the sanitizer reports kernels whose result does.
/// </summary>
internal sealed class ThreadGroup : IDisposable
{
    private readonly Warp[] warps;

    public ThreadGroup(Launch launch)
    {
        Launch = launch;
        var program = launch.Program;
        Shared = new byte[program.Shared.Bytes];
        Shadow = new SharedShadow(program.Shared.Bytes, program.SharedGranule);
        Threads = (int)launch.GroupSize.Size;
        warps = [.. Enumerable.Range(0, Rounding.CeilDiv(Threads, Row.Lanes))
            .Select(i => new Warp(this, i, program.Registers.Bytes, program.Local.Bytes))];
    }

    public Launch Launch { get; }

    /// <summary>Its place in the grid.</summary>
    public Extent Place { get; private set; }

    /// <summary>Its threads.</summary>
    public int Threads { get; }

    /// <summary>Its shared memory.</summary>
    public byte[] Shared { get; }

    /// <summary>The accesses to the shared memory since the last barrier.</summary>
    public SharedShadow Shadow { get; }

    /// <summary>Executes a group of the grid.</summary>
    public void Run(Extent place)
    {
        Place = place;
        Shadow.BeginGroup();
        Launch.GlobalAccesses?.BeginGroup(place);
        foreach (var warp in warps)
        {
            warp.FillConstants(place, Launch.Grid, Launch.GroupSize);
            warp.Begin(Math.Min(Row.Lanes, Threads - warp.FirstThread));
        }
        while (warps.Any(warp => warp.Alive != 0))
        {
            foreach (var warp in warps) RunToBarrier(warp);
            MeetAtBarrier();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var warp in warps) warp.Dispose();
    }

    private void RunToBarrier(Warp warp)
    {
        var program = Launch.Program;
        warp.Barrier = null;
        while (warp.Alive != 0 && warp.Barrier is null)
        {
            var block = program.Flow.Blocks[warp.Block];
            Launch.CountBlock(warp, block);
            program.Execute(block, warp);
            warp.Advance(block, program.Flow.Exit);
        }
    }

    private void MeetAtBarrier()
    {
        if (warps.FirstOrDefault(warp => warp.Barrier is not null) is not { } first) return;
        foreach (var other in warps)
            if (other.Barrier is null)
                Launch.Report(FindingKind.DivergentBarrier, first, first.Barrier!, lane: 0, "",
                    $"waits at a barrier that warp {other.Index} of its group never reaches");
            else if (other.Barrier != first.Barrier)
                Launch.Report(FindingKind.DivergentBarrier, first, first.Barrier!, lane: 0, "",
                    $"waits at a barrier while warp {other.Index} of its group waits at the one in PTX line {other.Barrier.Line}");
        Shadow.Barrier();
        Launch.GlobalAccesses?.Barrier();
    }
}
