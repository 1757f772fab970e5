using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>What a launch watches, besides computing: bounds and alignment are always checked.</summary>
/// <param name="Sanitize">Whether to look for races, uninitialized reads and copies that nobody waits for.</param>
/// <param name="Count">Whether to count instructions, wavefronts and sectors.</param>
public sealed record LaunchOptions(bool Sanitize = true, bool Count = false)
{
    /// <summary>Blocks of instructions that a warp may execute before it counts as endless.</summary>
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
        Counters = options.Count ? NewCounters() : null;
    }

    public PtxProgram Program { get; }

    public GlobalMemory Memory { get; }

    public Extent Grid { get; }

    public Extent GroupSize { get; }

    /// <summary>The kernel's arguments as they lie in parameter memory.</summary>
    public byte[] Parameters { get; }

    public LaunchOptions Options { get; }

    /// <summary>What has been counted; null where nothing is.</summary>
    public LaunchCounters? Counters { get; set; }

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
    }

    /// <summary>Counters that have counted nothing.</summary>
    public LaunchCounters NewCounters() => new(Program, (int)GroupSize.Size, Memory.Arrays);

    /// <summary>Counts the instructions of a block that a warp is about to execute.</summary>
    public void CountBlock(Warp warp, BasicBlock block)
    {
        Counters?.CountBlock(block);
        if (--blocksLeft < 0)
            throw Fault(FindingKind.EndlessLoop, warp, Program.Kernel.Instructions[block.First], 0, "", $"does not end within {Options.MaximalBlocks} blocks of instructions");
    }

    /// <summary>Notes a fault after which the kernel goes on.</summary>
    public void Report(FindingKind kind, Warp warp, PtxInstruction instruction, int lane, string address, string detail)
    {
        if (reported.Add((kind, instruction.Line))) findings.Add(Describe(kind, warp, instruction, lane, address, detail));
    }

    /// <summary>A fault after which it cannot.</summary>
    public KernelFaultException Fault(FindingKind kind, Warp warp, PtxInstruction instruction, int lane, string address, string detail) =>
        new([Describe(kind, warp, instruction, lane, address, detail), .. findings]);

    private Finding Describe(FindingKind kind, Warp warp, PtxInstruction instruction, int lane, string address, string detail) =>
        new(kind, Program.Kernel.Name, instruction.Line, Program.Kernel.LineText(instruction.Line), warp.Group.Place, GroupSize.PlaceOf(warp.FirstThread + lane), address, detail);
}
