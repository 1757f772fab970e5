using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>What the machine's sanitizer finds.</summary>
public enum FindingKind
{
    /// <summary>An access outside every array that the kernel was given or has declared.</summary>
    OutOfBounds,

    /// <summary>An address that is no multiple of the access's size.</summary>
    Misaligned,

    /// <summary>A read of memory that nobody has written.</summary>
    UninitializedRead,

    /// <summary>A read of a register that nobody has written.</summary>
    UninitializedRegister,

    /// <summary>Two threads use the same bytes, at least one of them writes, and no barrier lies between.</summary>
    Race,

    /// <summary>An access to bytes that a <c>cp.async</c> still writes, for nobody has waited for it.</summary>
    CopyNotAwaited,

    /// <summary>A barrier that not all threads of the group reach.</summary>
    DivergentBarrier,

    /// <summary>An instruction of a whole warp that not all lanes reach together.</summary>
    DivergentWarp,

    /// <summary>A branch that the text calls uniform (<c>bra.uni</c>), at which lanes part.</summary>
    DivergentBranch,

    /// <summary>An integer division by zero, whose result is not defined.</summary>
    DivisionByZero,

    /// <summary>A thread does not end.</summary>
    EndlessLoop,
}

/// <summary>A fault of a kernel, and where it shows.</summary>
/// <param name="Kind">What kind of fault it is.</param>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Line">The line of its PTX.</param>
/// <param name="Statement">What stands there.</param>
/// <param name="Group">The group's place in the grid.</param>
/// <param name="Thread">The thread's place in the group.</param>
/// <param name="Address">The address in words, e.g. <c>shared memory, byte 16 of tiles [4096 bytes]</c>; empty where none is involved.</param>
/// <param name="Detail">What is wrong.</param>
public sealed record Finding(FindingKind Kind, string Kernel, int Line, string Statement, Extent Group, Extent Thread, string Address, string Detail)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Kernel}, PTX line {Line} ({Statement}), thread {Thread} of group {Group}: {Detail}{(Address.Length > 0 ? $"; {Address}" : "")}";
}

/// <summary>A fault after which a kernel cannot go on.</summary>
/// <param name="findings">It, and behind it what was found before.</param>
public sealed class KernelFaultException(IReadOnlyList<Finding> findings) : Exception(string.Join("; before that: ", findings))
{
    /// <summary>The fault, and behind it what was found before.</summary>
    public IReadOnlyList<Finding> Findings { get; } = findings;
}
