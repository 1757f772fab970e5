using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Instructions that are executed one after the other, up to the first that may lead elsewhere.</summary>
/// <param name="Index">Its number.</param>
/// <param name="First">Its first instruction.</param>
/// <param name="End">One past its last.</param>
internal sealed record BasicBlock(int Index, int First, int End)
{
    /// <summary>The block behind it in the text; <see cref="ControlFlow.Exit"/> behind the last.</summary>
    public int Next { get; init; }

    /// <summary>Where its last instruction may jump to; null if it is no branch.</summary>
    public int? Target { get; init; }

    /// <summary>The predicate on which the jump depends; null for always.</summary>
    public RegisterOperand? Guard { get; init; }

    /// <summary>Whether it ends with a barrier of the group.</summary>
    public bool EndsWithBarrier { get; init; }

    /// <summary>
    /// The block where lanes that part at its end meet again: the first that every way from here leads through (its immediate
    /// postdominator).
    /// </summary>
    public int Meeting { get; set; }

    /// <summary>The blocks that may come next.</summary>
    public IEnumerable<int> Successors => Target is not { } target ? [Next] : Guard is null ? [target] : [target, Next];
}

/// <summary>The basic blocks of a kernel and where diverged lanes meet again.</summary>
/// <remarks>
/// Immediate postdominators are where hardware with a stack of masks lets lanes meet (Fung et al., Dynamic Warp Formation and Scheduling
/// for Efficient GPU Control Flow, 2007).
/// </remarks>
internal sealed class ControlFlow
{
    private ControlFlow(PtxKernel kernel)
    {
        var starts = new SortedSet<int> { 0 };
        foreach (var label in kernel.Labels.Values) starts.Add(label);
        for (var i = 0; i < kernel.Instructions.Count; i++)
            if (EndsBlock(kernel.Instructions[i])) starts.Add(i + 1);
        starts.Remove(kernel.Instructions.Count);
        var first = starts.ToArray();
        var blockAt = first.Select((start, block) => (start, block)).ToDictionary(pair => pair.start, pair => pair.block);
        Exit = first.Length;
        Blocks = [.. first.Select((start, block) =>
        {
            var end = block + 1 < first.Length ? first[block + 1] : kernel.Instructions.Count;
            var last = kernel.Instructions[end - 1];
            int? target = last.EndsThread ? Exit
                : last.Operation == "bra" ? BlockOf(kernel.Labels[last.Operand<LabelOperand>(0).Name])
                : null;
            return new BasicBlock(block, start, end)
            {
                Next = block + 1,
                Target = target,
                Guard = target is null ? null : last.Guard,
                EndsWithBarrier = IsBarrier(last),
            };
        })];
        FindMeetings();

        int BlockOf(int instruction) => instruction == kernel.Instructions.Count ? Exit : blockAt[instruction];
    }

    /// <summary>The blocks in the order of the text; the kernel begins with the first.</summary>
    public IReadOnlyList<BasicBlock> Blocks { get; }

    /// <summary>The number that stands for the end of a thread.</summary>
    public int Exit { get; }

    /// <summary>Finds them in a kernel.</summary>
    public static ControlFlow Of(PtxKernel kernel) => new(kernel);

    /// <summary>Whether an instruction waits for the whole group.</summary>
    public static bool IsBarrier(PtxInstruction instruction) => instruction.Operation is "bar" or "barrier"
        && instruction.Modifiers.Count > 0 && instruction.Modifiers[0] is "sync" or "cta";

    private static bool EndsBlock(PtxInstruction instruction) => instruction.EndsThread || instruction.Operation == "bra"
        || IsBarrier(instruction);

    private void FindMeetings()
    {
        // Postdominators are dominators of the graph with its edges turned round, whose root is the exit.
        IReadOnlyList<int>[] next = [.. Blocks.Select(block => block.Successors.ToArray()), []];
        var meeting = new Dominators(Dominators.Turned(next), next, Exit);
        // A block from which no way leads to the end has no postdominator: its lanes meet nowhere.
        foreach (var block in Blocks) block.Meeting = meeting.IsReached(block.Index) ? meeting[block.Index] : Exit;
    }
}
