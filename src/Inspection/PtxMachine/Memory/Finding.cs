using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>What the machine's sanitizer finds.</summary>
public enum FindingKind
{
    /// <summary>An access outside every array that the kernel was given or has declared.</summary>
    OutOfBounds,

    /// <summary>An address that is not a multiple of the access's size.</summary>
    Misaligned,

    /// <summary>A read of memory that has not been written.</summary>
    UninitializedRead,

    /// <summary>A read of a register that the thread has not written.</summary>
    UninitializedRegister,

    /// <summary>Two threads access the same bytes, at least one of them writes, and nothing orders the two accesses.</summary>
    Race,

    /// <summary>An access to the destination of a <c>cp.async</c> that has not been waited for.</summary>
    CopyNotAwaited,

    /// <summary>A barrier that some threads of the group do not reach.</summary>
    DivergentBarrier,

    /// <summary>A warp-wide instruction that some lanes of the warp do not reach.</summary>
    DivergentWarp,

    /// <summary>A branch marked as uniform (<c>bra.uni</c>) at which the lanes diverge.</summary>
    DivergentBranch,

    /// <summary>An integer division by zero, whose result is undefined.</summary>
    DivisionByZero,

    /// <summary>A thread does not end.</summary>
    EndlessLoop,
}

/// <summary>A fault of a kernel and where it was found.</summary>
/// <param name="Kind">What kind of fault it is.</param>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Line">The line of its PTX.</param>
/// <param name="Statement">The statement on that line.</param>
/// <param name="Group">The group's place in the grid.</param>
/// <param name="Thread">The thread's place in the group.</param>
/// <param name="Address">The address in words, e.g. <c>shared memory, byte 16 of tiles [4096 bytes]</c>; empty if the fault has
/// none.</param>
/// <param name="Detail">What is wrong.</param>
public sealed record Finding(FindingKind Kind, string Kernel, int Line, string Statement, Extent Group, Extent Thread, string Address,
    string Detail)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Kernel}, PTX line {Line} ({Statement}), thread {Thread} of group {Group}: {Detail}{(Address.Length > 0 ? $"; {Address}" : "")}";
}

/// <summary>A fault after which the kernel cannot continue.</summary>
/// <param name="findings">The fault, then the findings before it.</param>
public sealed class KernelFaultException(IReadOnlyList<Finding> findings) : Exception(string.Join("; before that: ", findings))
{
    /// <summary>The fault, then the findings before it.</summary>
    public IReadOnlyList<Finding> Findings { get; } = findings;
}
