using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The elements of factors and accumulators that each lane of a warp holds in one tensor-core instruction,
/// <c>mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32</c>: D [16,8] = A [16,8] · B [8,8] + C [16,8]. Both the kernel and the
/// emulation of the instruction in the tests use these positions.
/// </summary>
/// <remarks>PTX ISA, "Matrix Fragments for mma.m16n8k8", for the type .tf32; there a lane's number is groupID · 4 +
/// threadID_in_group.</remarks>
internal static class Tf32Fragment
{
    /// <summary>Rows of A and of the sums.</summary>
    public const int Rows = 16;

    /// <summary>Columns of B and of the sums.</summary>
    public const int Columns = 8;

    /// <summary>Columns of A and rows of B.</summary>
    public const int Depth = 8;

    /// <summary>Values of A that a lane holds.</summary>
    public const int LeftValues = 4;

    /// <summary>Values of B that a lane holds.</summary>
    public const int RightValues = 2;

    /// <summary>Sums that a lane holds.</summary>
    public const int Sums = 4;

    /// <summary>The row of value i of A.</summary>
    public static int LeftRow(int lane, int i) => (lane >> 2) + (i & 1) * 8;

    /// <summary>The depth of value i of A.</summary>
    public static int LeftDepth(int lane, int i) => (lane & 3) + (i >> 1) * 4;

    /// <summary>The depth of value i of B.</summary>
    public static int RightDepth(int lane, int i) => (lane & 3) + i * 4;

    /// <summary>The column of every value of B.</summary>
    public static int RightColumn(int lane) => lane >> 2;

    /// <summary>The row of sum i.</summary>
    public static int SumRow(int lane, int i) => (lane >> 2) + (i >> 1) * 8;

    /// <summary>The column of sum i.</summary>
    public static int SumColumn(int lane, int i) => (lane & 3) * 2 + (i & 1);

    /// <summary>
    /// The nearest TF32 number, with ten bits of fraction instead of 23; ties away from zero, as <c>cvt.rna.tf32.f32</c> rounds them. The
    /// instruction itself would cut the bits off. NaN and infinity stay what they are.
    /// </summary>
    public static float Round(float value)
    {
        var bits = Interop.FloatAsInt(value);
        var rounded = Interop.IntAsFloat((bits + 0x1000u) & 0xFFFFE000u);
        return (bits & 0x7FFFFFFFu) > 0x7F800000u ? value : rounded;
    }
}
