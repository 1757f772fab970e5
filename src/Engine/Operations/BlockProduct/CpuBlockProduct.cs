using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Convolution;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The CPU variant of the product kernel: an item is a block of rows and the columns of a few tiles. A worker packs both factors
/// block by block into its own memory and runs the register tile over them. Packing makes all factors look the same to the inner
/// loop, however they are stored.
/// </summary>
// left [Rows, Depth], right [Depth, Columns], output [Splits, Rows, Columns] or [Rows, Columns], bias [Columns]
[Kernel("matrix-multiply-cpu-3x32", "matrix multiply", typeof(LeftMatrix), typeof(RightMatrix), typeof(Tile3x32))]
[Kernel("matrix-multiply-cpu-8x32", "matrix multiply", typeof(LeftMatrix), typeof(RightMatrix), typeof(Tile8x32))]
[Kernel("matrix-multiply-nt-cpu-3x32", "matrix multiply", typeof(LeftMatrix), typeof(RightTransposed), typeof(Tile3x32))]
[Kernel("matrix-multiply-nt-cpu-8x32", "matrix multiply", typeof(LeftMatrix), typeof(RightTransposed), typeof(Tile8x32))]
[Kernel("matrix-multiply-tn-cpu-3x32", "matrix multiply", typeof(LeftTransposed), typeof(RightMatrix), typeof(Tile3x32))]
[Kernel("matrix-multiply-tn-cpu-8x32", "matrix multiply", typeof(LeftTransposed), typeof(RightMatrix), typeof(Tile8x32))]
[Kernel("matrix-multiply-tt-cpu-3x32", "matrix multiply", typeof(LeftTransposed), typeof(RightTransposed), typeof(Tile3x32))]
[Kernel("matrix-multiply-tt-cpu-8x32", "matrix multiply", typeof(LeftTransposed), typeof(RightTransposed), typeof(Tile8x32))]
[Kernel("convolution-forward-cpu-3x32", "convolution", typeof(InputPatches), typeof(RightMatrix), typeof(Tile3x32))]
[Kernel("convolution-forward-cpu-8x32", "convolution", typeof(InputPatches), typeof(RightMatrix), typeof(Tile8x32))]
[Kernel("convolution-input-gradient-cpu-3x32", "convolution", typeof(UpstreamPatches), typeof(RightMatrix), typeof(Tile3x32))]
[Kernel("convolution-input-gradient-cpu-8x32", "convolution", typeof(UpstreamPatches), typeof(RightMatrix), typeof(Tile8x32))]
[Kernel("convolution-kernel-gradient-cpu-3x32", "convolution", typeof(InputPatchesTransposed), typeof(RightMatrix), typeof(Tile3x32))]
[Kernel("convolution-kernel-gradient-cpu-8x32", "convolution", typeof(InputPatchesTransposed), typeof(RightMatrix), typeof(Tile8x32))]
[KernelTraits(IsHot = true)]
internal struct CpuBlockProduct<TLeft, TRight, TTile> : IWorkerKernel
    where TLeft : struct, ILeftOperand
    where TRight : struct, IRightOperand
    where TTile : struct, ICpuTile
{
    public TLeft Left;
    public TRight Right;
    public ArrayView<float> Output, Bias;
    public ProductSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (left, right, output, bias, sizes) = (Left, Right, Output, Bias, Sizes);
        // leftBlock [rows][depths] or [depths][rows], rightBlock [depths][columns of a tile], sums [tile][rows][columns of a tile]
        var leftBlock = LocalMemory.Allocate1D<float>(TTile.RowBlock * TTile.DepthBlock);
        var rightBlock = LocalMemory.Allocate1D<float>(TTile.DepthBlock * TTile.Columns);
        var sums = LocalMemory.Allocate1D<float>(TTile.TilesPerItem * TTile.RowBlock * TTile.Columns);
        var rowStride = TLeft.RowsAreContiguous ? 1 : TTile.DepthBlock;
        var depthStride = TLeft.RowsAreContiguous ? TTile.RowBlock : 1;
        var columnBlocks = (sizes.Columns + sizes.TilesPerItem * TTile.Columns - 1) / (sizes.TilesPerItem * TTile.Columns);
        var rowBlocks = (sizes.Rows + sizes.RowsPerItem - 1) / sizes.RowsPerItem;

        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            // Consecutive items are the columns of one block of rows, while that is in the cache.
            var split = item / columnBlocks / rowBlocks;
            var row0 = (item / columnBlocks - split * rowBlocks) * sizes.RowsPerItem;
            var column0 = item % columnBlocks * sizes.TilesPerItem * TTile.Columns;
            var columns = IntrinsicMath.Min(sizes.TilesPerItem * TTile.Columns, sizes.Columns - column0);
            var rows = IntrinsicMath.Min(sizes.RowsPerItem, sizes.Rows - row0);
            var depthBegin = split * sizes.DepthPerSplit;
            var depthEnd = IntrinsicMath.Min(sizes.Depth, depthBegin + sizes.DepthPerSplit);
            // Remainders: the tile computes on zeros there, and the results are not stored.
            if (columns % TTile.Columns != 0)
                for (var i = 0; i < TTile.DepthBlock * TTile.Columns; i++) rightBlock[i] = 0;
            if (rows % TTile.Rows != 0)
                for (var i = 0; i < TTile.RowBlock * TTile.DepthBlock; i++) leftBlock[i] = 0;

            for (var depth0 = depthBegin; depth0 < depthEnd; depth0 += TTile.DepthBlock)
            {
                var depths = IntrinsicMath.Min(TTile.DepthBlock, depthEnd - depth0);
                if (TLeft.RowsAreInMemory & columns <= TTile.Columns)
                {
                    MultiplyInMemory(left, right, row0, rows, depth0, depths, column0, columns, leftBlock, rightBlock, sums,
                        depth0 == depthBegin);
                    continue;
                }
                if (TLeft.RowsAreContiguous)
                    for (var d = 0; d < depths; d++) left.Copy(row0, depth0 + d, rows, leftBlock, d * TTile.RowBlock);
                else
                    for (var r = 0; r < rows; r++) left.Copy(row0 + r, depth0, depths, leftBlock, r * TTile.DepthBlock);
                for (var c = 0; c < columns; c += TTile.Columns)
                {
                    // Full tiles have a constant width, which the compiler turns into plain vector copies.
                    if (columns - c >= TTile.Columns) right.Copy(depth0, depths, column0 + c, TTile.Columns, rightBlock, TTile.Columns);
                    else right.Copy(depth0, depths, column0 + c, columns - c, rightBlock, TTile.Columns);
                    for (var r = 0; r < rows; r += TTile.Rows)
                        RegisterTile.Multiply<TTile>(leftBlock, r * rowStride, rowStride, depthStride, rightBlock, 0,
                            sums, c * TTile.RowBlock + r * TTile.Columns, depths, depth0 == depthBegin);
                }
            }

            for (var r = 0; r < rows; r++)
                for (var c = 0; c < columns; c += TTile.Columns)
                {
                    var target = (split * sizes.Rows + row0 + r) * sizes.Columns + column0 + c;
                    var width = IntrinsicMath.Min(TTile.Columns, columns - c);
                    RegisterTile.Store<TTile>(sums, c * TTile.RowBlock + r * TTile.Columns, output, target, bias, column0 + c, width,
                        sizes.Epilogue);
                }
        }

    }

    /// <summary>One block of depths for one tile of columns, with the left rows read in place; only those of an incomplete last tile are
    /// packed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyInMemory(
        TLeft left, TRight right, int row0, int rows, int depth0, int depths, int column0, int columns,
        ArrayView<float> leftBlock, ArrayView<float> rightBlock, ArrayView<float> sums, bool first)
    {
        right.Copy(depth0, depths, column0, columns, rightBlock, TTile.Columns);
        var whole = rows / TTile.Rows * TTile.Rows;
        for (var r = 0; r < whole; r += TTile.Rows)
            RegisterTile.Multiply<TTile>(left.Memory, (row0 + r) * left.RowStride + depth0, left.RowStride, 1, rightBlock, 0,
                sums, r * TTile.Columns, depths, first);
        if (whole == rows) return;
        for (var r = whole; r < rows; r++) left.Copy(row0 + r, depth0, depths, leftBlock, (r - whole) * TTile.DepthBlock);
        RegisterTile.Multiply<TTile>(leftBlock, 0, TTile.DepthBlock, 1, rightBlock, 0, sums, whole * TTile.Columns, depths, first);
    }
}
