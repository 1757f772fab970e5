using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Convolution;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The GPU variant of the product kernel: a group of 256 threads owns 128 × 128 outputs, stages 8 depths of both factors at a time in
/// shared memory (<see cref="GpuStaging"/>), and every thread holds 8 × 8 accumulators in registers. Staging is double-buffered: while one
/// block is multiplied, the next is loaded from global memory, so that one barrier per block suffices.
/// </summary>
/// <remarks>
/// ILGPU never unrolls a loop, and an array with computed indices is not kept in registers; so the accumulators are named fields of nested
/// structs and every update is written out.
/// </remarks>
// left [Rows, Depth], right [Depth, Columns], output [splits, Rows, Columns] or [Rows, Columns], bias [Columns]
[Kernel("matrix-multiply-gpu", "matrix multiply", typeof(LeftMatrix), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("matrix-multiply-nt-gpu", "matrix multiply", typeof(LeftMatrix), typeof(RightTransposed), Target = KernelTarget.Gpu)]
[Kernel("matrix-multiply-tn-gpu", "matrix multiply", typeof(LeftTransposed), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("matrix-multiply-tt-gpu", "matrix multiply", typeof(LeftTransposed), typeof(RightTransposed), Target = KernelTarget.Gpu)]
[Kernel("convolution-forward-gpu", "convolution", typeof(InputPatches), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("convolution-input-gradient-gpu", "convolution", typeof(UpstreamPatches), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("convolution-kernel-gradient-gpu", "convolution", typeof(InputPatchesTransposed), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[KernelTraits(IsHot = true, HasVectorLoads = true)]
[LaunchBounds(GpuStaging.GroupSize, GpuStaging.GroupsPerMultiprocessor)]
internal struct GpuBlockProduct<TLeft, TRight> : IGroupKernel
    where TLeft : struct, ILeftOperand
    where TRight : struct, IRightOperand
{
    public TLeft Left;
    public TRight Right;
    public ArrayView<float> Output, Bias;
    public ProductSizes Sizes;

    public readonly void Run()
    {
        var (left, right, output, bias, sizes) = (Left, Right, Output, Bias, Sizes);
        // leftBlocks, rightBlocks [2][BlockDepth][Tile8x8.BlockStride], read four floats at a time
        var leftBlocks = SharedMemory.Allocate<Float4>(2 * Tile8x8.BlockLength / 4);
        var rightBlocks = SharedMemory.Allocate<Float4>(2 * Tile8x8.BlockLength / 4);

        // Rows along X: CUDA's grids allow 2³¹ groups there, but only 65,535 along Y, and a batch can have more pixels.
        var row0 = Grid.IdxX * GpuStaging.BlockPositions;
        var column0 = Grid.IdxY * GpuStaging.BlockPositions;
        var depth0 = Grid.IdxZ * sizes.DepthPerSplit;
        var depths = IntrinsicMath.Min(sizes.Depth - depth0, sizes.DepthPerSplit);
        var thread = Group.IdxX;

        // What this thread stages: the remaining rows and columns from its own on, and depths.
        var rowsLeft = sizes.Rows - row0 - GpuStaging.Position<TLeft>(thread);
        var columnsLeft = sizes.Columns - column0 - GpuStaging.Position<TRight>(thread);
        var leftDepths = depths - GpuStaging.Depth<TLeft>(thread);
        var rightDepths = depths - GpuStaging.Depth<TRight>(thread);
        var leftCursor = left.Seek(row0 + GpuStaging.Position<TLeft>(thread), depth0 + GpuStaging.Depth<TLeft>(thread));
        var rightCursor = right.Seek(column0 + GpuStaging.Position<TRight>(thread), depth0 + GpuStaging.Depth<TRight>(thread));

        // What it multiplies: a warp owns 32 × 64 outputs; a thread owns rows 0–3 and 16–19, columns 0–3 and 32–35 from its
        // own on, so that the loads of a warp from shared memory and its stores to global memory are runs of 128 bytes.
        var warp = thread >> 5;
        var lane = thread & 31;
        var tileRow = (warp >> 1) * 32 + (lane >> 3) * 4;
        var tileColumn = (warp & 1) * 64 + (lane & 7) * 4;

        GpuStaging.Store<TLeft>(GpuStaging.Load(left, leftCursor, rowsLeft, leftDepths), leftBlocks, 0, thread, Tile8x8.BlockStride);
        GpuStaging.Store<TRight>(GpuStaging.Load(right, rightCursor, columnsLeft, rightDepths), rightBlocks, 0, thread,
            Tile8x8.BlockStride);
        Group.Barrier();

        var tile = default(Tile8x8);
        var block = 0;
        for (var done = 0; done < depths; done += GpuStaging.BlockDepth)
        {
            // Past the last block this loads zeros, without touching memory.
            leftCursor = left.Advance(leftCursor, GpuStaging.BlockDepth);
            rightCursor = right.Advance(rightCursor, GpuStaging.BlockDepth);
            leftDepths -= GpuStaging.BlockDepth;
            rightDepths -= GpuStaging.BlockDepth;
            var leftFour = GpuStaging.Load(left, leftCursor, rowsLeft, leftDepths);
            var rightFour = GpuStaging.Load(right, rightCursor, columnsLeft, rightDepths);

            for (var d = 0; d < GpuStaging.BlockDepth; d++)
            {
                var at = (block + d * Tile8x8.BlockStride) / 4;
                tile.AddOuterProduct(
                    leftBlocks[at + tileRow / 4], leftBlocks[at + tileRow / 4 + 4],
                    rightBlocks[at + tileColumn / 4], rightBlocks[at + tileColumn / 4 + 8]);
            }

            block = Tile8x8.BlockLength - block;
            GpuStaging.Store<TLeft>(leftFour, leftBlocks, block, thread, Tile8x8.BlockStride);
            GpuStaging.Store<TRight>(rightFour, rightBlocks, block, thread, Tile8x8.BlockStride);
            Group.Barrier();
        }

        var row = row0 + tileRow;
        var column = column0 + tileColumn;
        StoreRow(tile.R0, row, column, output, bias, sizes);
        StoreRow(tile.R1, row + 1, column, output, bias, sizes);
        StoreRow(tile.R2, row + 2, column, output, bias, sizes);
        StoreRow(tile.R3, row + 3, column, output, bias, sizes);
        StoreRow(tile.R4, row + 16, column, output, bias, sizes);
        StoreRow(tile.R5, row + 17, column, output, bias, sizes);
        StoreRow(tile.R6, row + 18, column, output, bias, sizes);
        StoreRow(tile.R7, row + 19, column, output, bias, sizes);

    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(Row8 sums, int row, int column, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
    {
        if (row >= sizes.Rows) return;
        GpuEpilogue.Store(sums.Low, row, column, output, bias, sizes);
        GpuEpilogue.Store(sums.High, row, column + 32, output, bias, sizes);
    }
}
