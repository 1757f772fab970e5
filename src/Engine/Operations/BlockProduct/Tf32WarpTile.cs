namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// How the eight warps of a group divide its block of 128 × 128 accumulators: four rows of two warps, each with 32 × 64, which are 2 × 8
/// tiles of the tensor-core instruction (<see cref="Tf32Fragment"/>). Blocks of the factors are in shared memory as [8 depths][stride]
/// floats.
/// </summary>
internal static class Tf32WarpTile
{
    /// <summary>Instruction tiles of a warp, one below the other and side by side.</summary>
    public const int TilesDown = 2, TilesAcross = 8;

    /// <summary>
    /// Floats from one depth of a block to the next. Eight more than a multiple of 32: the four depths and eight positions that a warp
    /// reads at once are in 32 different banks.
    /// </summary>
    public const int BlockStride = GpuStaging.BlockPositions + 8;

    /// <summary>Floats of a block.</summary>
    public const int BlockLength = GpuStaging.BlockDepth * BlockStride;

    /// <summary>The first row of a warp's tile.</summary>
    public static int Row(int warp, int tileDown) => (warp >> 1) * TilesDown * Tf32Fragment.Rows + tileDown * Tf32Fragment.Rows;

    /// <summary>The first column of a warp's tile.</summary>
    public static int Column(int warp, int tileAcross) => (warp & 1) * TilesAcross * Tf32Fragment.Columns
        + tileAcross * Tf32Fragment.Columns;

    /// <summary>Position of value i of A in the left block.</summary>
    public static int LeftAt(int warp, int lane, int tileDown, int i) =>
        Tf32Fragment.LeftDepth(lane, i) * BlockStride + Row(warp, tileDown) + Tf32Fragment.LeftRow(lane, i);

    /// <summary>Position of value i of B in the right block.</summary>
    public static int RightAt(int warp, int lane, int tileAcross, int i) =>
        Tf32Fragment.RightDepth(lane, i) * BlockStride + Column(warp, tileAcross) + Tf32Fragment.RightColumn(lane);

    /// <summary>
    /// The sums leave the registers through shared memory, 32 rows [32][stride] in each of four passes: pass p takes of every warp the
    /// tiles <c>p / 2</c>, and of them the upper or the lower eight rows. This is where sum <c>2 · (p % 2) + i</c> of a lane goes, i = 0,
    /// 1.
    /// </summary>
    public static int PassAt(int warp, int lane, int tileAcross, int i) =>
        ((warp >> 1) * 8 + Tf32Fragment.SumRow(lane, i)) * BlockStride + Column(warp, tileAcross) + Tf32Fragment.SumColumn(lane, i);

    /// <summary>The row of the group's block in a row of a pass.</summary>
    public static int PassRow(int pass, int row) => (row >> 3) * TilesDown * Tf32Fragment.Rows + (pass >> 1) * Tf32Fragment.Rows
        + (pass & 1) * 8 + (row & 7);
}
