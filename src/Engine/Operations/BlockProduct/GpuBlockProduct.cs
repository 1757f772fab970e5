using System.Runtime.CompilerServices;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The product kernel in the shape for GPUs: a group of 256 threads owns 128 × 128 outputs, stages 8 depths of both factors in
/// shared memory, and every thread holds 8 × 8 sums in registers.
/// </summary>
/// <remarks>
/// ILGPU never unrolls a loop, and an array with computed indices leaves the registers; so the sums are named fields of nested
/// structs and every update is written out.
/// </remarks>
internal static class GpuBlockProduct
{
    /// <summary>Rows and columns of a group's block.</summary>
    public const int BlockRows = 128, BlockColumns = 128;

    /// <summary>Depths staged at a time.</summary>
    public const int BlockDepth = 8;

    /// <summary>Threads per group: 16 × 16, each with 8 × 8 sums.</summary>
    public const int GroupSize = 256;

    // left [Rows, Depth], right [Depth, Columns], output [splits, Rows, Columns] or [Rows, Columns], bias [Columns]
    public static void Product<TLeft, TRight>(TLeft left, TRight right, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
        where TLeft : struct, ILeftOperand
        where TRight : struct, IRightOperand
    {
        // leftBlock [BlockDepth][BlockRows], rightBlock [BlockDepth][BlockColumns], read four floats at a time
        var leftBlock = SharedMemory.Allocate<Float4>(BlockDepth * BlockRows / 4);
        var rightBlock = SharedMemory.Allocate<Float4>(BlockDepth * BlockColumns / 4);
        var leftFloats = leftBlock.Cast<float>();
        var rightFloats = rightBlock.Cast<float>();

        // Rows along X: CUDA's grids take 2³¹ groups there, but only 65,535 along Y, and a batch's pixels can be more.
        var row0 = Grid.IdxX * BlockRows;
        var column0 = Grid.IdxY * BlockColumns;
        var depthBegin = Grid.IdxZ * sizes.DepthPerSplit;
        var depthEnd = IntrinsicMath.Min(sizes.Depth, depthBegin + sizes.DepthPerSplit);
        var thread = Group.IdxX;
        var tileRow = thread / 16 * 2;
        var tileColumn = thread % 16;

        var tile = default(Tile8x8);
        for (var depth0 = depthBegin; depth0 < depthEnd; depth0 += BlockDepth)
        {
            for (var i = thread; i < BlockDepth * BlockRows; i += GroupSize)
            {
                // Neighbouring threads read along the direction that is contiguous in memory.
                var r = TLeft.RowsAreContiguous ? i % BlockRows : i / BlockDepth;
                var d = TLeft.RowsAreContiguous ? i / BlockRows : i % BlockDepth;
                var inside = row0 + r < sizes.Rows & depth0 + d < depthEnd;
                leftFloats[d * BlockRows + r] = inside ? left.At(row0 + r, depth0 + d) : 0f;
            }
            for (var i = thread; i < BlockDepth * BlockColumns; i += GroupSize)
            {
                var d = i / BlockColumns;
                var c = i % BlockColumns;
                var inside = column0 + c < sizes.Columns & depth0 + d < depthEnd;
                rightFloats[i] = inside ? right.At(depth0 + d, column0 + c) : 0f;
            }
            Group.Barrier();
            for (var d = 0; d < BlockDepth; d++)
                tile.AddOuterProduct(
                    leftBlock[d * (BlockRows / 4) + tileRow], leftBlock[d * (BlockRows / 4) + tileRow + 1],
                    rightBlock[d * (BlockColumns / 4) + tileColumn], rightBlock[d * (BlockColumns / 4) + tileColumn + 16]);
            Group.Barrier();
        }

        // Every thread's columns are two runs of four, 64 apart, so that neighbouring threads read neighbouring banks.
        var row = row0 + tileRow * 4;
        var column = column0 + tileColumn * 4;
        Store(tile.R0, row, column, output, bias, sizes);
        Store(tile.R1, row + 1, column, output, bias, sizes);
        Store(tile.R2, row + 2, column, output, bias, sizes);
        Store(tile.R3, row + 3, column, output, bias, sizes);
        Store(tile.R4, row + 4, column, output, bias, sizes);
        Store(tile.R5, row + 5, column, output, bias, sizes);
        Store(tile.R6, row + 6, column, output, bias, sizes);
        Store(tile.R7, row + 7, column, output, bias, sizes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Row8 sums, int row, int column, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
    {
        if (row >= sizes.Rows) return;
        var target = (Grid.IdxZ * sizes.Rows + row) * sizes.Columns;
        Store(sums.Low, target, column, output, bias, sizes);
        Store(sums.High, target, column + BlockColumns / 2, output, bias, sizes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Float4 sums, int target, int column, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
    {
        Store(sums.X, target, column, output, bias, sizes);
        Store(sums.Y, target, column + 1, output, bias, sizes);
        Store(sums.Z, target, column + 2, output, bias, sizes);
        Store(sums.W, target, column + 3, output, bias, sizes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float sum, int target, int column, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
    {
        if (column >= sizes.Columns) return;
        if (sizes.Epilogue.HasBias != 0) sum += bias[column];
        if (sizes.Epilogue.Accumulate != 0) sum += output[target + column];
        output[target + column] = sizes.Epilogue.Clip(sum);
    }

    internal struct Float4
    {
        public float X, Y, Z, W;
    }

    internal struct Row8
    {
        public Float4 Low, High;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(float left, Float4 rightLow, Float4 rightHigh)
        {
            Low.X += left * rightLow.X;
            Low.Y += left * rightLow.Y;
            Low.Z += left * rightLow.Z;
            Low.W += left * rightLow.W;
            High.X += left * rightHigh.X;
            High.Y += left * rightHigh.Y;
            High.Z += left * rightHigh.Z;
            High.W += left * rightHigh.W;
        }
    }

    internal struct Tile8x8
    {
        public Row8 R0, R1, R2, R3, R4, R5, R6, R7;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddOuterProduct(Float4 leftLow, Float4 leftHigh, Float4 rightLow, Float4 rightHigh)
        {
            R0.Add(leftLow.X, rightLow, rightHigh);
            R1.Add(leftLow.Y, rightLow, rightHigh);
            R2.Add(leftLow.Z, rightLow, rightHigh);
            R3.Add(leftLow.W, rightLow, rightHigh);
            R4.Add(leftHigh.X, rightLow, rightHigh);
            R5.Add(leftHigh.Y, rightLow, rightHigh);
            R6.Add(leftHigh.Z, rightLow, rightHigh);
            R7.Add(leftHigh.W, rightLow, rightHigh);
        }
    }
}
