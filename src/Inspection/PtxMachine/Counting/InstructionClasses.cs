using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Counting;

/// <summary>What part of a multiprocessor executes an instruction.</summary>
public enum InstructionClass
{
    /// <summary>Sums and products of floating-point numbers.</summary>
    Float,

    /// <summary>Arithmetic, logic and comparisons of integers and predicates.</summary>
    Integer,

    /// <summary>Roots, quotients, exponentials, logarithms.</summary>
    SpecialFunction,

    /// <summary>Conversions between types.</summary>
    Conversion,

    /// <summary>Copies between registers, many of which the assembler spares.</summary>
    Move,

    /// <summary>Global memory, atomics included.</summary>
    Global,

    /// <summary>Shared memory.</summary>
    Shared,

    /// <summary>Local memory.</summary>
    Local,

    /// <summary>Arguments.</summary>
    Parameter,

    /// <summary>Tensor cores.</summary>
    Tensor,

    /// <summary>Branches, barriers and the end.</summary>
    Control,

    /// <summary>Between the lanes of a warp.</summary>
    Warp,
}

/// <summary>Counts instructions by class.</summary>
internal static class InstructionClasses
{
    // m16n8k8: 16 · 8 · 8 for the 32 threads of a warp together.
    private const int MultiplyAddsOfTensorCore = 16 * 8 * 8;

    /// <summary>The class of an instruction.</summary>
    public static InstructionClass Of(PtxInstruction instruction) => instruction.Operation switch
    {
        "ld" or "st" or "atom" or "red" => instruction.Has("global") ? InstructionClass.Global
            : instruction.Has("shared") ? InstructionClass.Shared
            : instruction.Has("local") ? InstructionClass.Local : InstructionClass.Parameter,
        "cp" => instruction.Has("global") ? InstructionClass.Global : InstructionClass.Control,
        "ldmatrix" => InstructionClass.Shared,
        "mma" => InstructionClass.Tensor,
        "bra" or "bar" or "barrier" or "ret" or "exit" => InstructionClass.Control,
        "shfl" or "vote" or "activemask" => InstructionClass.Warp,
        "mov" or "cvta" => InstructionClass.Move,
        "cvt" => InstructionClass.Conversion,
        "sqrt" or "rsqrt" or "rcp" or "ex2" or "lg2" or "sin" or "cos" or "tanh" => InstructionClass.SpecialFunction,
        "div" => instruction.Types[^1].Kind == 'f' ? InstructionClass.SpecialFunction : InstructionClass.Integer,
        _ => instruction.Types.Count > 0 && instruction.Types[^1].Kind == 'f' ? InstructionClass.Float : InstructionClass.Integer,
    };

    /// <summary>Instructions of warps by class, where each block was executed so often.</summary>
    public static IReadOnlyDictionary<InstructionClass, long> Counts(PtxProgram program, long[] executions)
    {
        var counts = new SortedDictionary<InstructionClass, long>();
        foreach (var block in program.Flow.Blocks)
            for (var i = block.First; i < block.End; i++)
            {
                var kind = Of(program.Kernel.Instructions[i]);
                counts[kind] = counts.GetValueOrDefault(kind) + executions[block.Index];
            }
        return counts;
    }

    /// <summary>Multiply-adds of threads, counted for whole warps.</summary>
    public static long MultiplyAdds(PtxProgram program, long[] executions) =>
        program.Flow.Blocks.Sum(block => executions[block.Index] * MultiplyAdds(program.Kernel, block));

    private static long MultiplyAdds(PtxKernel kernel, BasicBlock block)
    {
        var products = new HashSet<PtxRegister>();
        long count = 0;
        for (var i = block.First; i < block.End; i++)
        {
            var instruction = kernel.Instructions[i];
            if (instruction.Operation == "mma") count += MultiplyAddsOfTensorCore;
            if (instruction.Types.Count == 0 || instruction.Types[^1] != new PtxType('f', 32)) continue;
            if (instruction.Operation == "fma") count += Row.Lanes;
            else if (instruction.Operation == "mul") products.Add(instruction.Operand<RegisterOperand>(0).Register);
            else if (instruction.Operation is "add" or "sub" && instruction.Operands.Skip(1).OfType<RegisterOperand>()
                .Any(operand => products.Remove(operand.Register))) count += Row.Lanes;
        }
        return count;
    }
}
