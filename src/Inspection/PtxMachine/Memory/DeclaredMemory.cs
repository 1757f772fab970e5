using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>
/// Addresses of the variables that a kernel declares in shared or local memory: like arrays of <see cref="GlobalMemory"/>, each is far from
/// the others. A variable's place in the group's memory, which decides about banks, stands in the lower bits.
/// </summary>
internal sealed class DeclaredMemory
{
    /// <summary>The bits of an address below those that tell the variable.</summary>
    private const int OffsetBits = 24;

    private const uint OffsetMask = (1u << OffsetBits) - 1;

    private readonly PtxVariable[] variables;

    public DeclaredMemory(PtxKernel kernel, StateSpace space)
    {
        Space = space;
        variables = [.. kernel.Variables.Where(variable => variable.Space == space)];
        Bytes = space == StateSpace.Shared ? kernel.SharedBytes : kernel.LocalBytes;
        if (Bytes > OffsetMask || variables.Length >= 1 << (32 - OffsetBits))
            throw new PtxException(1, $"{kernel.Name}: {Bytes} bytes of {space} memory are too many");
    }

    public StateSpace Space { get; }

    /// <summary>Bytes of all variables.</summary>
    public int Bytes { get; }

    /// <summary>The address of a variable.</summary>
    public uint AddressOf(PtxVariable variable) => ((uint)Array.IndexOf(variables, variable) + 1) << OffsetBits | (uint)variable.Offset;

    /// <summary>The place of an address in the memory; −1 if it, or a byte behind it, belongs to no variable.</summary>
    public int Place(ulong address, int bytes)
    {
        var index = (address >> OffsetBits) - 1;
        if (index >= (ulong)variables.Length) return -1;
        var variable = variables[index];
        var place = (int)(address & OffsetMask);
        return place >= variable.Offset && place + bytes <= variable.Offset + variable.Bytes ? place : -1;
    }

    /// <summary>An address in words.</summary>
    public string Describe(ulong address)
    {
        var space = Space == StateSpace.Shared ? "shared memory" : "local memory";
        // An index below the first element leads into the numbers of the variable before.
        var nearest = variables.MinBy(variable => Math.Abs((long)address - AddressOf(variable)));
        return nearest is null ? $"{space}, address 0x{address:x}"
            : $"{space}, byte {(long)address - AddressOf(nearest)} of {nearest.Name} [{nearest.Bytes} bytes]";
    }
}
