using System.Runtime.CompilerServices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>How a Winograd convolution is shared out.</summary>
internal struct WinogradSizes
{
    /// <summary>Images; rows and columns of input and output; channels in and out; zeros above and to the left.</summary>
    public int Batch, Height, Width, OutputHeight, OutputWidth, InputChannels, OutputChannels, PaddingTop, PaddingLeft;

    /// <summary>Output tiles of 4×4 per column and row of an image, and in the whole batch.</summary>
    public int TilesDown, TilesAcross, Tiles;

    /// <summary>Tiles that a work-item transforms at a time.</summary>
    public int TilesPerBlock;

    /// <summary>Blocks of tiles, which the work-items take in turn.</summary>
    public int Blocks;

    /// <summary>Register tiles of output channels that one work-item computes.</summary>
    public int ColumnTilesPerItem;

    /// <summary>What becomes of a sum.</summary>
    public Epilogue Epilogue;
}

/// <summary>
/// 3×3 convolution with stride 1 by Winograd's F(4×4,3×3), in the shape for processors: a work-item transforms a block of input
/// tiles, multiplies it with the transformed kernel position by position, and transforms the products back, all in memory that
/// stays in its caches. 36 multiplications make 16 outputs, which take 144 directly.
/// </summary>
internal static class WinogradConvolution
{
    /// <summary>Tiles of a block at most, a multiple of the register tile's rows.</summary>
    public const int BlockTiles = 48;

    /// <summary>Channels that are transformed together: the vector lanes.</summary>
    private const int Lanes = 32;

    /// <summary>Depths of the kernel that stay in the first-level cache: 128 × 32 floats are 16 KiB.</summary>
    private const int DepthBlock = 128;

    /// <summary>
    /// Floats between the ends of one position's block and the start of the next: one cache line. Without it the 36 positions of a
    /// tile lie a power of two apart, fall into the same few sets of every cache and push each other out.
    /// </summary>
    public const int Gap = 16;

    /// <summary>Input channels whose kernels one work-item transforms.</summary>
    public const int KernelChannels = 16;

    // w [3,3,C,K] → u [36][K/32][C][32], columns past K zero. For the input gradient (`mirrored`) the kernel given is [3,3,K,C] in these
    // names: it is turned by half a circle, and its channels swap.
    public static void TransformKernel<TTile>(ArrayView<float> kernel, ArrayView<float> transformed, int inputs, int outputs, int mirrored)
        where TTile : struct, ICpuTile
    {
        var columnTiles = (outputs + TTile.Columns - 1) / TTile.Columns;
        var k0 = Grid.IdxY * TTile.Columns;
        var columns = IntrinsicMath.Min(TTile.Columns, outputs - k0);
        var endChannel = IntrinsicMath.Min(inputs, (Grid.IdxX + 1) * KernelChannels);
        var stride = columnTiles * inputs * TTile.Columns + Gap;
        var taps = LocalMemory.Allocate1D<float>(9 * TTile.Columns);
        for (var i = 0; i < 9 * TTile.Columns; i++) taps[i] = 0;
        for (var c = Grid.IdxX * KernelChannels; c < endChannel; c++)
        {
            for (var tap = 0; tap < 9; tap++)
                if (mirrored != 0)
                    for (var j = 0; j < columns; j++) taps[tap * TTile.Columns + j] = kernel[((8 - tap) * outputs + k0 + j) * inputs + c];
                else
                    for (var j = 0; j < columns; j++) taps[tap * TTile.Columns + j] = kernel[(tap * inputs + c) * outputs + k0 + j];
            var target = (Grid.IdxY * inputs + c) * TTile.Columns;
            for (var j = 0; j < TTile.Columns; j++)
            {
                var q0 = KernelColumn<TTile>(taps, j);
                var q1 = KernelColumn<TTile>(taps, j + TTile.Columns);
                var q2 = KernelColumn<TTile>(taps, j + 2 * TTile.Columns);
                StoreRow(transformed, target + j, stride, WinogradTransform.Kernel(q0.A, q1.A, q2.A));
                StoreRow(transformed, target + j + 6 * stride, stride, WinogradTransform.Kernel(q0.B, q1.B, q2.B));
                StoreRow(transformed, target + j + 12 * stride, stride, WinogradTransform.Kernel(q0.C, q1.C, q2.C));
                StoreRow(transformed, target + j + 18 * stride, stride, WinogradTransform.Kernel(q0.D, q1.D, q2.D));
                StoreRow(transformed, target + j + 24 * stride, stride, WinogradTransform.Kernel(q0.E, q1.E, q2.E));
                StoreRow(transformed, target + j + 30 * stride, stride, WinogradTransform.Kernel(q0.F, q1.F, q2.F));
            }
        }
    }

    /// <summary>G down one column of the kernel: rows are 3 · Columns apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WinogradTransform.Six KernelColumn<TTile>(ArrayView<float> taps, int at) where TTile : struct, ICpuTile =>
        WinogradTransform.Kernel(taps[at], taps[at + 3 * TTile.Columns], taps[at + 6 * TTile.Columns]);

    // x [N,H,W,C], u [36][K/32][C][32], b [K], y [N,OH,OW,K], scratch [items][36][BlockTiles][C]
    public static void Forward<TTile>(
        ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output, ArrayView<float> scratch, WinogradSizes s)
        where TTile : struct, ICpuTile
    {
        var factors = (Grid.IdxY * Grid.DimX + Grid.IdxX) * WinogradTransform.Positions * (BlockTiles * s.InputChannels + Gap);
        var columnTiles = (s.OutputChannels + TTile.Columns - 1) / TTile.Columns;
        var firstColumnTile = Grid.IdxY * s.ColumnTilesPerItem;
        var endColumnTile = IntrinsicMath.Min(columnTiles, firstColumnTile + s.ColumnTilesPerItem);
        var patch = LocalMemory.Allocate1D<float>(WinogradTransform.Positions * Lanes);
        var products = LocalMemory.Allocate1D<float>(WinogradTransform.Positions * (BlockTiles * TTile.Columns + Gap));
        var result = LocalMemory.Allocate1D<float>(WinogradTransform.Outputs * WinogradTransform.Outputs * TTile.Columns);

        for (var block = Grid.IdxX; block < s.Blocks; block += Grid.DimX)
        {
            var tile0 = block * s.TilesPerBlock;
            var tiles = IntrinsicMath.Min(s.TilesPerBlock, s.Tiles - tile0);
            for (var t = 0; t < tiles; t++)
                TransformInput(input, scratch, factors + t * s.InputChannels, patch, tile0 + t, s);
            for (var columnTile = firstColumnTile; columnTile < endColumnTile; columnTile++)
            {
                for (var position = 0; position < WinogradTransform.Positions; position++)
                {
                    var left = factors + position * (BlockTiles * s.InputChannels + Gap);
                    var right = (position * columnTiles + columnTile) * s.InputChannels * TTile.Columns + position * Gap;
                    for (var depth0 = 0; depth0 < s.InputChannels; depth0 += DepthBlock)
                    {
                        var depths = IntrinsicMath.Min(DepthBlock, s.InputChannels - depth0);
                        for (var t = 0; t < tiles; t += TTile.Rows)
                            RegisterTile.Multiply<TTile>(scratch, left + t * s.InputChannels + depth0, s.InputChannels, 1,
                                kernel, right + depth0 * TTile.Columns,
                                products, (position * BlockTiles + t) * TTile.Columns + position * Gap, depths, depth0 == 0);
                    }
                }
                for (var t = 0; t < tiles; t++)
                    TransformOutput<TTile>(products, t * TTile.Columns, result, bias, output, tile0 + t, columnTile * TTile.Columns, s);
            }
        }
    }

    /// <summary>One tile's 6×6 inputs, zeros where they lie outside the image, to 36 factors per channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformInput(
        ArrayView<float> input, ArrayView<float> scratch, int target, ArrayView<float> patch, int tile, WinogradSizes s)
    {
        var line = tile / s.TilesAcross;
        var left = (tile - line * s.TilesAcross) * WinogradTransform.Outputs - s.PaddingLeft;
        var n = line / s.TilesDown;
        var top = (line - n * s.TilesDown) * WinogradTransform.Outputs - s.PaddingTop;
        for (var c0 = 0; c0 < s.InputChannels; c0 += Lanes)
        {
            var lanes = IntrinsicMath.Min(Lanes, s.InputChannels - c0);
            for (var position = 0; position < WinogradTransform.Positions; position++)
            {
                var row = position / WinogradTransform.Inputs;
                var h = top + row;
                var w = left + position - row * WinogradTransform.Inputs;
                var at = position * Lanes;
                var inside = h >= 0 & h < s.Height & w >= 0 & w < s.Width;
                var source = ((n * s.Height + h) * s.Width + w) * s.InputChannels + c0;
                if (inside & lanes == Lanes)
                    for (var j = 0; j < Lanes; j++) patch[at + j] = input[source + j];
                else if (inside)
                    for (var j = 0; j < lanes; j++) patch[at + j] = input[source + j];
                else
                    for (var j = 0; j < Lanes; j++) patch[at + j] = 0;
            }
            // Whole vectors first; what is left of the channels one by one.
            if (lanes == Lanes)
                for (var j = 0; j < Lanes; j++) TransformInputLane(patch, j, scratch, target + c0 + j, BlockTiles * s.InputChannels + Gap);
            else
                for (var j = 0; j < lanes; j++) TransformInputLane(patch, j, scratch, target + c0 + j, BlockTiles * s.InputChannels + Gap);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformInputLane(ArrayView<float> patch, int lane, ArrayView<float> scratch, int target, int stride)
    {
        var q0 = InputColumn(patch, lane);
        var q1 = InputColumn(patch, lane + Lanes);
        var q2 = InputColumn(patch, lane + 2 * Lanes);
        var q3 = InputColumn(patch, lane + 3 * Lanes);
        var q4 = InputColumn(patch, lane + 4 * Lanes);
        var q5 = InputColumn(patch, lane + 5 * Lanes);
        StoreRow(scratch, target, stride, WinogradTransform.Input(q0.A, q1.A, q2.A, q3.A, q4.A, q5.A));
        StoreRow(scratch, target + 6 * stride, stride, WinogradTransform.Input(q0.B, q1.B, q2.B, q3.B, q4.B, q5.B));
        StoreRow(scratch, target + 12 * stride, stride, WinogradTransform.Input(q0.C, q1.C, q2.C, q3.C, q4.C, q5.C));
        StoreRow(scratch, target + 18 * stride, stride, WinogradTransform.Input(q0.D, q1.D, q2.D, q3.D, q4.D, q5.D));
        StoreRow(scratch, target + 24 * stride, stride, WinogradTransform.Input(q0.E, q1.E, q2.E, q3.E, q4.E, q5.E));
        StoreRow(scratch, target + 30 * stride, stride, WinogradTransform.Input(q0.F, q1.F, q2.F, q3.F, q4.F, q5.F));
    }

    /// <summary>Bᵀ down one column of the patch: rows are 6 · Lanes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WinogradTransform.Six InputColumn(ArrayView<float> patch, int at) => WinogradTransform.Input(
        patch[at], patch[at + 6 * Lanes], patch[at + 12 * Lanes], patch[at + 18 * Lanes], patch[at + 24 * Lanes], patch[at + 30 * Lanes]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(ArrayView<float> target, int at, int stride, WinogradTransform.Six row)
    {
        target[at] = row.A;
        target[at + stride] = row.B;
        target[at + 2 * stride] = row.C;
        target[at + 3 * stride] = row.D;
        target[at + 4 * stride] = row.E;
        target[at + 5 * stride] = row.F;
    }

    /// <summary>36 products per channel to one tile's 4×4 outputs, bias and ReLU included; what lies outside the image is dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformOutput<TTile>(
        ArrayView<float> products, int source, ArrayView<float> result, ArrayView<float> bias, ArrayView<float> output, int tile, int column,
        WinogradSizes s)
        where TTile : struct, ICpuTile
    {
        var stride = BlockTiles * TTile.Columns + Gap;
        for (var j = 0; j < TTile.Columns; j++)
        {
            var q0 = OutputColumn(products, source + j, stride);
            var q1 = OutputColumn(products, source + j + stride, stride);
            var q2 = OutputColumn(products, source + j + 2 * stride, stride);
            var q3 = OutputColumn(products, source + j + 3 * stride, stride);
            var q4 = OutputColumn(products, source + j + 4 * stride, stride);
            var q5 = OutputColumn(products, source + j + 5 * stride, stride);
            StoreResult<TTile>(result, j, WinogradTransform.Output(q0.A, q1.A, q2.A, q3.A, q4.A, q5.A));
            StoreResult<TTile>(result, j + 4 * TTile.Columns, WinogradTransform.Output(q0.B, q1.B, q2.B, q3.B, q4.B, q5.B));
            StoreResult<TTile>(result, j + 8 * TTile.Columns, WinogradTransform.Output(q0.C, q1.C, q2.C, q3.C, q4.C, q5.C));
            StoreResult<TTile>(result, j + 12 * TTile.Columns, WinogradTransform.Output(q0.D, q1.D, q2.D, q3.D, q4.D, q5.D));
        }
        var line = tile / s.TilesAcross;
        var left = (tile - line * s.TilesAcross) * WinogradTransform.Outputs;
        var n = line / s.TilesDown;
        var top = (line - n * s.TilesDown) * WinogradTransform.Outputs;
        var columns = IntrinsicMath.Min(TTile.Columns, s.OutputChannels - column);
        for (var pixel = 0; pixel < WinogradTransform.Outputs * WinogradTransform.Outputs; pixel++)
        {
            var h = top + pixel / WinogradTransform.Outputs;
            var w = left + pixel % WinogradTransform.Outputs;
            if (h >= s.OutputHeight | w >= s.OutputWidth) continue;
            var target = ((n * s.OutputHeight + h) * s.OutputWidth + w) * s.OutputChannels + column;
            var at = pixel * TTile.Columns;
            if (s.Epilogue.HasBias != 0)
                for (var j = 0; j < columns; j++) result[at + j] += bias[column + j];
            if (s.Epilogue.Accumulate != 0)
                for (var j = 0; j < columns; j++) result[at + j] += output[target + j];
            if (columns == TTile.Columns)
                for (var j = 0; j < TTile.Columns; j++) output[target + j] = s.Epilogue.Clip(result[at + j]);
            else
                for (var j = 0; j < columns; j++) output[target + j] = s.Epilogue.Clip(result[at + j]);
        }
    }

    /// <summary>Aᵀ down one column of the products: rows are six positions apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WinogradTransform.Four OutputColumn(ArrayView<float> products, int at, int stride) => WinogradTransform.Output(
        products[at], products[at + 6 * stride], products[at + 12 * stride],
        products[at + 18 * stride], products[at + 24 * stride], products[at + 30 * stride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreResult<TTile>(ArrayView<float> result, int at, WinogradTransform.Four row) where TTile : struct, ICpuTile
    {
        result[at] = row.A;
        result[at + TTile.Columns] = row.B;
        result[at + 2 * TTile.Columns] = row.C;
        result[at + 3 * TTile.Columns] = row.D;
    }
}
