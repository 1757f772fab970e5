using System.Runtime.CompilerServices;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>ldmatrix and mma.sync, which all lanes of a warp execute together.</summary>
/// <remarks>PTX ISA, 9.7.14.5 "Matrix multiply-accumulate operation using mma instruction".</remarks>
internal static unsafe class MatrixInstructions
{
    private const int RowBytes = 16, MatrixRows = 8;

    /// <summary>
    /// ldmatrix of 8 × 8 values of 16 bits: lane 8·m + r has the address of row r of matrix m, and every lane gets a pair of values of each
    /// matrix, that of row lane / 4 (turned over: of column lane / 4).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LoadMatrices(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        WarpInstructions.RequireAll(warp, access.Instruction);
        var transposed = access.Instruction.Has("trans");
        warp.Group.Launch.Counters?.CountMatrices(warp, access);
        var rows = stackalloc int[MatrixRows];
        fixed (byte* shared = warp.Group.Shared)
            for (var matrix = 0; matrix < access.Rows.Count; matrix++)
            {
                for (var row = 0; row < MatrixRows; row++)
                    rows[row] = MemoryInstructions.SharedPlace(warp, access, matrix * MatrixRows + row, RowBytes, reads: true);
                for (var lane = 0; lane < Row.Lanes; lane++)
                {
                    int line = lane / 4, pair = lane % 4 * 2;
                    var value = transposed
                        ? *(ushort*)(shared + rows[pair] + line * 2) | (uint)*(ushort*)(shared + rows[pair + 1] + line * 2) << 16
                        : *(uint*)(shared + rows[line] + pair * 2);
                    Row.Set(warp.Rows + access.Rows[matrix], lane, value);
                }
            }
    }

    /// <summary>
    /// mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32: D [16,8] = A [16,8] · B [8,8] + C [16,8]. Of the factors the upper 19 bits
    /// count. Products are exact and added in double precision, and the sum is rounded once; the order and rounding of a device's sums are
    /// not documented.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTf32(Warp warp, int number)
    {
        const int Rows = 16, Columns = 8, Depth = 8;
        var operands = warp.Group.Launch.Program.MatrixProducts[number];
        WarpInstructions.RequireAll(warp, operands.Instruction);
        var a = stackalloc double[Rows * Depth];
        var b = stackalloc double[Depth * Columns];
        for (var lane = 0; lane < Row.Lanes; lane++)
        {
            int group = lane >> 2, inGroup = lane & 3;
            for (var i = 0; i < 4; i++) a[(group + (i & 1) * 8) * Depth + inGroup + (i >> 1) * 4] = Tf32(warp, operands.Left[i], lane);
            for (var i = 0; i < 2; i++) b[(inGroup + i * 4) * Columns + group] = Tf32(warp, operands.Right[i], lane);
        }
        for (var lane = 0; lane < Row.Lanes; lane++)
            for (var i = 0; i < 4; i++)
            {
                var row = (lane >> 2) + (i >> 1) * 8;
                var column = (lane & 3) * 2 + (i & 1);
                double sum = Row.Get<float>(warp.Rows + operands.Addend[i], lane);
                for (var depth = 0; depth < Depth; depth++) sum += a[row * Depth + depth] * b[depth * Columns + column];
                Row.Set(warp.Rows + operands.Result[i], lane, (float)sum);
            }
    }

    private static double Tf32(Warp warp, int row, int lane) =>
        BitConverter.UInt32BitsToSingle(Row.Get<uint>(warp.Rows + row, lane) & 0xFFFFE000);
}

/// <summary>The rows of the operands of a product of matrices, D = A · B + C.</summary>
internal sealed record MatrixProduct(Syntax.PtxInstruction Instruction, int[] Result, int[] Left, int[] Right, int[] Addend);
