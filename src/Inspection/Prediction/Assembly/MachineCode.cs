using System.Runtime.CompilerServices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>
/// A model of the machine code that NVIDIA's assembler makes of PTX: which instructions are left, in which block, and how many registers
/// their values take.
/// </summary>
public sealed class MachineCode
{
    private static readonly ConditionalWeakTable<PtxKernel, MachineCode> known = [];

    private readonly IReadOnlyList<Operation>[] blocks;

    private MachineCode(PtxKernel kernel)
    {
        Kernel = kernel;
        var values = ValueFlow.Of(kernel);
        Flow = values.Flow;
        Dominance = Simplification.Apply(values);
        var left = Blocks(values);
        Coalescing.Apply(Flow, left);
        blocks = [.. left.Select(block => block.Where(operation => !operation.IsSpared).ToArray())];
        Registers = RegisterEstimate.Of(kernel, Flow, blocks);
    }

    /// <summary>The kernel.</summary>
    public PtxKernel Kernel { get; }

    /// <summary>The registers of a thread.</summary>
    public RegisterEstimate Registers { get; }

    internal ControlFlow Flow { get; }

    internal Dominance Dominance { get; }

    /// <summary>Models the machine code of a kernel, once: that of a large product takes a second.</summary>
    public static MachineCode Of(PtxKernel kernel) => known.GetValue(kernel, static kernel => new MachineCode(kernel));

    /// <summary>The instructions that are left of a block.</summary>
    internal IReadOnlyList<Operation> Block(int block) => blocks[block];

    private static List<Operation>[] Blocks(ValueFlow values)
    {
        var blocks = values.Flow.Blocks.Select(_ => new List<Operation>()).ToArray();
        // What was moved out of a loop stands before the branch of its block, in the order of the text.
        foreach (var operation in values.Operations.Where(operation => !operation.IsSpared)) blocks[operation.Block].Add(operation);
        foreach (var (block, operations) in values.Flow.Blocks.Zip(blocks))
        {
            var last = operations.FindIndex(operation => operation.Index == block.End - 1 && EndsBlock(operation));
            if (last < 0) continue;
            var branch = operations[last];
            operations.RemoveAt(last);
            operations.Add(branch);
        }
        return blocks;
    }

    private static bool EndsBlock(Operation operation) => operation.Instruction.Operation is "bra" or "ret" or "exit" or "bar" or "barrier";
}
