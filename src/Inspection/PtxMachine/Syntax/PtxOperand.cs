namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>An operand of an instruction.</summary>
/// <remarks>PTX ISA, chapter 6 "Instruction Operands".</remarks>
public abstract record PtxOperand;

/// <summary>A virtual register, perhaps with <c>!</c> in front, which turns a predicate round.</summary>
public sealed record RegisterOperand(PtxRegister Register, bool Negated = false) : PtxOperand;

/// <summary>A special register, e.g. <c>%tid.x</c>.</summary>
public sealed record SpecialOperand(string Name) : PtxOperand;

/// <summary>A number. Integers are signed 64-bit; floating-point numbers stand as the bits of a double, so that either precision can be
/// made of them.</summary>
/// <param name="Bits">The integer, or the bits of the double.</param>
/// <param name="IsFloat">Which of the two.</param>
public sealed record ConstantOperand(long Bits, bool IsFloat) : PtxOperand;

/// <summary>A place in memory: a register or a variable, and bytes behind it.</summary>
public sealed record AddressOperand(PtxOperand Base, long Offset) : PtxOperand;

/// <summary>The address of a variable.</summary>
public sealed record VariableOperand(PtxVariable Variable) : PtxOperand;

/// <summary>Several operands in braces.</summary>
public sealed record VectorOperand(IReadOnlyList<PtxOperand> Elements) : PtxOperand;

/// <summary>The place that a branch jumps to.</summary>
public sealed record LabelOperand(string Name) : PtxOperand;

/// <summary>A virtual register.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its declared type.</param>
/// <param name="Index">Its number among all registers of the kernel, from 0.</param>
public sealed record PtxRegister(string Name, PtxType Type, int Index)
{
    /// <inheritdoc/>
    public bool Equals(PtxRegister? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => Index;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Which memory a variable lies in.</summary>
/// <remarks>PTX ISA, 5.1 "State Spaces".</remarks>
public enum StateSpace
{
    /// <summary>Memory of the device.</summary>
    Global,

    /// <summary>Memory of a group.</summary>
    Shared,

    /// <summary>Memory of a thread.</summary>
    Local,

    /// <summary>The kernel's arguments.</summary>
    Parameter,
}

/// <summary>A variable with a place in shared, local or parameter memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Space">The memory.</param>
/// <param name="Offset">Its first byte there.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Alignment">What <paramref name="Offset"/> is a multiple of.</param>
public sealed record PtxVariable(string Name, StateSpace Space, int Offset, int Bytes, int Alignment)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}
