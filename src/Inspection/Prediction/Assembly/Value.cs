using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>
/// What a register holds from the writes that lead to a use to the uses that they lead to: PTX names a register twice for things that have
/// nothing to do with each other.
/// </summary>
/// <param name="register">The register of the text.</param>
internal sealed class Value(PtxRegister register)
{
    /// <summary>The register of the text.</summary>
    public PtxRegister Register { get; } = register;

    /// <summary>The operations that write it; several where ways of the program meet.</summary>
    public List<Operation> Writers { get; } = [];

    /// <summary>The operations that read it, once for each operand.</summary>
    public List<Operation> Readers { get; } = [];

    /// <summary>Whether it is a constant or an argument, which instructions take from the constant bank or from themselves.</summary>
    public bool IsConstant { get; set; }

    /// <summary>Whether it is the same for all threads of a group, so that it may stay in a uniform register.</summary>
    public bool IsUniform { get; set; }

    /// <summary>The only operation that writes it, whatever the way there; null if there are several, or it depends on a guard.</summary>
    public Operation? Writer => Writers is [{ Guard: null } only] ? only : null;

    /// <summary>Registers of 32 bits that it takes; none for predicates, which have a file of their own.</summary>
    public int Size => Register.Type.Bits == 1 || IsConstant || IsUniform ? 0 : Register.Type.Bits == 64 ? 2 : 1;

    /// <inheritdoc/>
    public override string ToString() => Register.Name;
}

/// <summary>An instruction with its operands resolved.</summary>
internal sealed class Operation(PtxInstruction instruction, int index, int block)
{
    /// <summary>The instruction of the text.</summary>
    public PtxInstruction Instruction { get; } = instruction;

    /// <summary>Its number in the kernel.</summary>
    public int Index { get; } = index;

    /// <summary>The block that it is executed in, from which it may be moved out of loops.</summary>
    public int Block { get; set; } = block;

    /// <summary>What it writes.</summary>
    public List<Value> Results { get; } = [];

    /// <summary>What it reads, without its guard: values, and the text of constants and special registers.</summary>
    public List<object> Sources { get; } = [];

    /// <summary>The predicate that it depends on.</summary>
    public Value? Guard { get; set; }

    /// <summary>Whether the assembler spares it: it is part of another instruction, or nobody needs it.</summary>
    public bool IsSpared { get; set; }

    /// <summary>Instructions of the text that were made a part of it.</summary>
    public List<PtxInstruction> Joined { get; } = [];

    /// <summary>Whether it was moved out of a loop; where registers are short, it goes back.</summary>
    public bool IsMoved { get; set; }

    /// <summary>All values that it reads.</summary>
    public IEnumerable<Value> Reads => Guard is null ? Sources.OfType<Value>() : Sources.OfType<Value>().Append(Guard);

    /// <summary>Whether it does nothing but compute its results from its sources.</summary>
    public bool IsPure => Guard is null && !HasEffect
        && Instruction.Operation is not ("ld" or "ldmatrix" or "mma" or "shfl" or "vote" or "activemask");

    /// <summary>Whether something besides its results depends on it.</summary>
    public bool HasEffect => Instruction.Operation is "st" or "atom" or "red" or "cp" or "bra" or "ret" or "exit" or "bar" or "barrier";

    /// <inheritdoc/>
    public override string ToString() => $"{Instruction.Name} {string.Join(", ", Results)} <- {string.Join(", ", Sources)}";
}
