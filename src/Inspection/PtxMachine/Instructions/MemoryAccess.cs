using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>An instruction that reads or writes memory, with the rows of its operands.</summary>
/// <param name="Instruction">The instruction.</param>
/// <param name="Space">The memory.</param>
/// <param name="Number">Its number among those of the kernel, for counting.</param>
/// <param name="Address">The row of its address.</param>
/// <param name="AddressStride">Bytes of an address: 4 or 8.</param>
/// <param name="Offset">Bytes added to the address.</param>
/// <param name="Rows">The rows that it moves to or from, one for each element.</param>
/// <param name="RowStride">Bytes from lane to lane there.</param>
/// <param name="Type">The type of an element.</param>
internal sealed record MemoryAccess(
    PtxInstruction Instruction, StateSpace Space, int Number, int Address, int AddressStride, long Offset, IReadOnlyList<int> Rows,
    int RowStride, PtxType Type)
{
    /// <summary>Elements that a lane moves.</summary>
    public required int Elements { get; init; }

    /// <summary>Bytes that a lane moves.</summary>
    public int Bytes => Elements * Type.Bytes;

    /// <summary>Of a copy from global to shared memory: where it reads.</summary>
    public MemoryAccess? From { get; init; }

    /// <summary>The rows of further operands.</summary>
    public IReadOnlyList<int> Others { get; init; } = [];
}
