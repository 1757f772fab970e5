using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>What a launch checks and counts. Bounds and alignment are always checked.</summary>
/// <param name="Sanitize">Whether to look for races, uninitialized reads and copies that are not waited for.</param>
/// <param name="Count">Whether to count instructions, wavefronts and sectors.</param>
public sealed record LaunchOptions(bool Sanitize = true, bool Count = false)
{
    /// <summary>Basic blocks that a warp may execute before it is reported as endless.</summary>
    public long MaximalBlocks { get; init; } = 100_000_000;
}

/// <summary>One launch of a kernel: a grid of groups, executed one after the other.</summary>
internal sealed class Launch
{
    private readonly List<Finding> findings = [];
    private readonly HashSet<(FindingKind, int)> reported = [];
    private long blocksLeft;

    public Launch(PtxProgram program, GlobalMemory memory, Extent grid, Extent groupSize, byte[] parameters, LaunchOptions options)
    {
        Program = program;
        Memory = memory;
        Grid = grid;
        GroupSize = groupSize;
        Parameters = parameters;
        Options = options;
        GlobalAccesses = options.Sanitize ? new GlobalShadow(program.GlobalGranule, grid) : null;
        Counters = options.Count ? NewCounters() : null;
    }

    public PtxProgram Program { get; }

    public GlobalMemory Memory { get; }

    public Extent Grid { get; }

    public Extent GroupSize { get; }

    /// <summary>The kernel's arguments as they lie in parameter memory.</summary>
    public byte[] Parameters { get; }

    public LaunchOptions Options { get; }

    /// <summary>The counters; null unless the launch counts.</summary>
    public LaunchCounters? Counters { get; set; }

    /// <summary>Who has accessed global memory; null unless the launch is sanitized.</summary>
    public GlobalShadow? GlobalAccesses { get; }

    /// <summary>What the sanitizer has found so far, each kind once a line.</summary>
    public IReadOnlyList<Finding> Findings => findings;

    /// <summary>Executes all groups.</summary>
    public void Run()
    {
        using var group = new ThreadGroup(this);
        foreach (var place in Grid.Places) Run(group, place);
    }

    /// <summary>Executes one group.</summary>
    public void Run(ThreadGroup group, Extent place)
    {
        blocksLeft = Options.MaximalBlocks;
        group.Run(place);
        Counters?.EndGroup();
    }

    /// <summary>Counters that have counted nothing.</summary>
    public LaunchCounters NewCounters() => new(Program, (int)GroupSize.Size, Memory.Arrays);

    /// <summary>Counts the instructions of a block that a warp is about to execute.</summary>
    public void CountBlock(Warp warp, BasicBlock block)
    {
        Counters?.CountBlock(warp, block);
        if (--blocksLeft < 0)
            throw Fault(FindingKind.EndlessLoop, warp, Program.Kernel.Instructions[block.First], 0, "",
                $"does not end within {Options.MaximalBlocks} basic blocks");
    }

    /// <summary>Records a fault after which the kernel continues.</summary>
    public void Report(FindingKind kind, Warp warp, PtxInstruction instruction, int lane, string address, string detail)
    {
        if (reported.Add((kind, instruction.Line))) findings.Add(Describe(kind, warp, instruction, lane, address, detail));
    }

    /// <summary>A fault after which the kernel cannot continue.</summary>
    public KernelFaultException Fault(FindingKind kind, Warp warp, PtxInstruction instruction, int lane, string address, string detail) =>
        new([Describe(kind, warp, instruction, lane, address, detail), .. findings]);

    private Finding Describe(FindingKind kind, Warp warp, PtxInstruction instruction, int lane, string address, string detail) =>
        new(kind, Program.Kernel.Name, instruction.Line, Program.Kernel.LineText(instruction.Line), warp.Group.Place,
            GroupSize.PlaceOf(warp.FirstThread + lane), address, detail);
}
