using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>
/// Where the rows of a kernel's registers stand in the memory of a warp. Constants and special registers have rows as well, so that an
/// instruction reads every operand in the same way.
/// </summary>
internal sealed unsafe class RegisterFile
{
    private static readonly string[] special =
    [
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y",
            "%nctaid.z",
        "%laneid", "%warpid", "%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge",
    ];

    private readonly int[] offsets;
    private readonly Dictionary<(ulong Bits, int Bytes), int> constants = [];
    private readonly Dictionary<string, int> specials = [];

    public RegisterFile(PtxKernel kernel)
    {
        offsets = new int[kernel.Registers.Count];
        // The widest first, so that each row begins where vectors of the host may.
        foreach (var register in kernel.Registers.OrderByDescending(register => register.Type.Bits))
        {
            offsets[register.Index] = Bytes;
            Bytes += register.Type.Bits == 1 ? sizeof(uint) : Row.Lanes * Stride(register.Type);
        }
        Bytes = (Bytes + 63) / 64 * 64;
    }

    /// <summary>Bytes of a warp's registers.</summary>
    public int Bytes { get; private set; }

    /// <summary>Bytes from lane to lane of a register's row.</summary>
    public static int Stride(PtxType type) => type.Bits == 64 ? 8 : 4;

    /// <summary>The row of a register.</summary>
    public int Of(PtxRegister register) => offsets[register.Index];

    /// <summary>The row of a constant.</summary>
    /// <param name="bits">What each lane holds.</param>
    /// <param name="bytes">4 or 8, of a lane.</param>
    public int OfConstant(ulong bits, int bytes)
    {
        if (bytes == 4) bits = (uint)bits;
        if (constants.TryGetValue((bits, bytes), out var offset)) return offset;
        constants.Add((bits, bytes), offset = Bytes);
        Bytes += Row.Lanes * bytes;
        return offset;
    }

    /// <summary>The row of a special register, or null if the machine does not have it.</summary>
    /// <remarks>PTX ISA, chapter 10 "Special Registers".</remarks>
    public int? OfSpecial(string name)
    {
        if (name == "WARP_SZ") return OfConstant(Row.Lanes, 4);
        if (specials.TryGetValue(name, out var offset)) return offset;
        if (!special.Contains(name)) return null;
        specials.Add(name, offset = Bytes);
        Bytes += Row.Lanes * sizeof(uint);
        return offset;
    }

    /// <summary>Writes the rows of constants and special registers of a warp.</summary>
    /// <param name="rows">The warp's registers.</param>
    /// <param name="group">Its group's place in the grid.</param>
    /// <param name="grid">Groups in each direction.</param>
    /// <param name="size">Threads of a group in each direction.</param>
    /// <param name="warp">The warp's number in its group.</param>
    public void Fill(byte* rows, Extent group, Extent grid, Extent size, int warp)
    {
        foreach (var ((bits, bytes), offset) in constants)
            if (bytes == 8) Row.Fill(rows + offset, bits);
            else Row.Fill(rows + offset, (uint)bits);
        foreach (var (name, offset) in specials)
            for (var lane = 0; lane < Row.Lanes; lane++)
                Row.Set(rows + offset, lane, Value(name, lane));

        uint Value(string name, int lane)
        {
            var thread = warp * Row.Lanes + lane;
            return name switch
            {
                "%tid.x" => (uint)(thread % size.X),
                "%tid.y" => (uint)(thread / size.X % size.Y),
                "%tid.z" => (uint)(thread / size.X / size.Y),
                "%ntid.x" => (uint)size.X,
                "%ntid.y" => (uint)size.Y,
                "%ntid.z" => (uint)size.Z,
                "%ctaid.x" => (uint)group.X,
                "%ctaid.y" => (uint)group.Y,
                "%ctaid.z" => (uint)group.Z,
                "%nctaid.x" => (uint)grid.X,
                "%nctaid.y" => (uint)grid.Y,
                "%nctaid.z" => (uint)grid.Z,
                "%laneid" => (uint)lane,
                "%warpid" => (uint)warp,
                "%lanemask_eq" => 1u << lane,
                "%lanemask_lt" => (1u << lane) - 1,
                "%lanemask_le" => (2u << lane) - 1,
                "%lanemask_gt" => ~((2u << lane) - 1),
                "%lanemask_ge" => ~((1u << lane) - 1),
                _ => throw new InvalidOperationException(name),
            };
        }
    }
}
