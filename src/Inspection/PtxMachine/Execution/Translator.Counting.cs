using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Instructions of a launch that only counts.</summary>
internal sealed partial class Translator
{
    /// <summary>
    /// Translates an instruction of a launch that only counts. Accesses to memory are counted; arrays of global memory have no values, so
    /// what is loaded from them counts as zero.
    /// </summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="index">Its number in the kernel.</param>
    /// <param name="isNeeded">Whether its result decides about a branch or an address, so that it has to be executed.</param>
    /// <exception cref="PtxException">The machine does not have it.</exception>
    public Translation TranslateCounting(PtxInstruction instruction, int index, bool isNeeded)
    {
        if (instruction.Operation == "bra" || instruction.EndsThread) return new Translation([]);
        var call = Execution(instruction, index);
        var (space, isLoad) = instruction.Operation switch
        {
            "ld" or "st" => (SpaceOf(instruction), instruction.Operation == "ld"),
            "atom" or "red" => (StateSpace.Global, instruction.Operation == "atom"),
            "ldmatrix" => (StateSpace.Shared, true),
            _ => default((StateSpace?, bool)),
        };
        var counting = (instruction.Operation, space) switch
        {
            ("cp", _) when instruction.Has("shared") => nameof(CountingInstructions.Copy),
            (_, StateSpace.Global) => isLoad && isNeeded ? nameof(CountingInstructions.LoadZeros) : nameof(CountingInstructions.Global),
            ("ldmatrix", _) when !isNeeded => nameof(CountingInstructions.Matrices),
            (_, StateSpace.Shared) when !isNeeded => nameof(CountingInstructions.Shared),
            _ => null,
        };
        if (counting is not null) return Guarded(instruction, [Call(typeof(CountingInstructions), counting, call.Arguments[0])]);
        return Guarded(instruction, isNeeded ? [call] : []);
    }
}
