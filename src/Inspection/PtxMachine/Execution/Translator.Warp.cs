using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Instructions between lanes and between warps.</summary>
internal sealed partial class Translator
{
    private WarpCall Barrier(PtxInstruction instruction, int index)
    {
        if (instruction.Name is "bar.warp.sync")
            return Call(typeof(WarpInstructions), nameof(WarpInstructions.Synchronize), index, RowOf(instruction, 0, typeof(uint)));
        // Barriers of a part of the group, and several of them at once, are for kernels that this project does not have.
        if (instruction.Name is not ("bar.sync" or "barrier.sync" or "barrier.sync.aligned" or "bar.cta.sync")
            || instruction.Operands is not [ConstantOperand { Bits: 0 }])
            throw instruction.Unknown("only barrier 0 of the whole group");
        return Call(typeof(WarpInstructions), nameof(WarpInstructions.Barrier), index);
    }

    private WarpCall Shuffle(PtxInstruction instruction, int index)
    {
        RequireModifiers(instruction, ["sync", "up", "down", "bfly", "idx"]);
        if (!instruction.Has("sync") || instruction.Types[^1] != new PtxType('b', 32) || instruction.Operands.Count is not (5 or 6))
            throw instruction.Unknown();
        var mode = instruction.Has("up") ? 0 : instruction.Has("down") ? 1 : instruction.Has("bfly") ? 2 : 3;
        var predicate = instruction.Operands.Count == 6 ? 1 : 0;
        return Call(typeof(WarpInstructions), nameof(WarpInstructions.Shuffle), index, mode, Word(0), predicate == 0 ? -1
            : RowOf(instruction, 1, typeof(bool)),
            Word(predicate + 1), Word(predicate + 2), Word(predicate + 3), Word(predicate + 4));

        int Word(int operand) => RowOf(instruction, operand, typeof(uint));
    }

    private WarpCall Vote(PtxInstruction instruction, int index)
    {
        RequireModifiers(instruction, ["sync", "all", "any", "uni", "ballot"]);
        if (!instruction.Has("sync")) throw instruction.Unknown();
        var source = instruction.Operand<RegisterOperand>(1);
        var predicate = program.Registers.Of(source.Register);
        var negated = source.Negated ? 1 : 0;
        var members = RowOf(instruction, 2, typeof(uint));
        if (instruction.Has("ballot"))
            return Call(typeof(WarpInstructions), nameof(WarpInstructions.Ballot), index, RowOf(instruction, 0, typeof(uint)), predicate,
                negated, members);
        var mode = instruction.Has("all") ? 0 : instruction.Has("any") ? 1 : 2;
        return Call(typeof(WarpInstructions), nameof(WarpInstructions.Vote), index, mode, RowOf(instruction, 0, typeof(bool)), predicate,
            negated, members);
    }
}
