using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// How a product is tiled on a CPU. The register tile holds Rows × Columns accumulators: with vectors of L lanes it needs
/// Rows · Columns / L registers for accumulators, Rows for the left values and one for the right ones. Every register counts, because
/// a spilled accumulator halves the speed.
/// </summary>
internal interface ICpuTile
{
    /// <summary>Rows of the register tile.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the register tile: a whole number of vectors.</summary>
    static abstract int Columns { get; }

    /// <summary>Most rows per work item, a multiple of <see cref="Rows"/>: the left block [RowBlock, DepthBlock] stays in L2.</summary>
    static abstract int RowBlock { get; }

    /// <summary>Most register tiles per work item; they share one packed left block.</summary>
    static abstract int TilesPerItem { get; }

    /// <summary>The right block [DepthBlock, Columns] stays in L1.</summary>
    static abstract int DepthBlock { get; }
}

/// <summary>Sixteen registers of eight lanes (AVX2): 12 sums, 3 left values, 1 right value.</summary>
internal readonly struct Tile3x32 : ICpuTile
{
    public static int Rows => 3;

    public static int Columns => 32;

    public static int RowBlock => 192;

    public static int TilesPerItem => 8;

    public static int DepthBlock => 256;
}

/// <summary>Thirty-two registers of sixteen lanes (AVX-512): 16 sums, 8 left values, 2 right values.</summary>
internal readonly struct Tile8x32 : ICpuTile
{
    public static int Rows => 8;

    public static int Columns => 32;

    public static int RowBlock => 264;

    public static int TilesPerItem => 32;

    public static int DepthBlock => 256;
}

/// <summary>The innermost loop of every product on a CPU.</summary>
internal static class RegisterTile
{
    /// <summary>
    /// sums[i, j] (+)= Σ left[i, d] · right[d, j] for one tile, all accumulators in registers. Outer loop over columns, inner loop over
    /// rows: in this order the compiler unrolls the rows, vectorizes the columns and keeps the tile in registers; the other order runs at a
    /// twentieth of the speed. Running indices rather than products of the loop variable keep the loop's address arithmetic to two
    /// additions.
    /// </summary>
    /// <param name="left">The left factor; element (i, d) at <c>leftAt + i·rowStride + d·depthStride</c>.</param>
    /// <param name="leftAt">Its first element.</param>
    /// <param name="rowStride">Between its rows.</param>
    /// <param name="depthStride">Between its depths.</param>
    /// <param name="right">The right factor, packed: element (d, j) at <c>rightAt + d·Columns + j</c>.</param>
    /// <param name="rightAt">Its first element.</param>
    /// <param name="sums">The sums, packed: element (i, j) at <c>sum + i·Columns + j</c>.</param>
    /// <param name="sum">The first of them.</param>
    /// <param name="depths">The length of the sums.</param>
    /// <param name="first">Whether the sums start from zero, or continue.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TTile>(
        ArrayView<float> left, int leftAt, int rowStride, int depthStride, ArrayView<float> right, int rightAt,
        ArrayView<float> sums, int sum, int depths, bool first)
        where TTile : struct, ICpuTile
    {
        var tile = LocalMemory.Allocate1D<float>(TTile.Rows * TTile.Columns);
        if (first)
            for (var i = 0; i < TTile.Rows * TTile.Columns; i++) tile[i] = 0;
        else
            for (var i = 0; i < TTile.Rows * TTile.Columns; i++) tile[i] = sums[sum + i];
        for (var d = 0; d < depths; d++)
        {
            for (var j = 0; j < TTile.Columns; j++)
            {
                var rightValue = right[rightAt + j];
                for (var i = 0; i < TTile.Rows; i++) tile[i * TTile.Columns + j] += left[leftAt + i * rowStride] * rightValue;
            }
            leftAt += depthStride;
            rightAt += TTile.Columns;
        }
        for (var i = 0; i < TTile.Rows * TTile.Columns; i++) sums[sum + i] = tile[i];
    }

    /// <summary>
    /// The same with a left factor in lines, each <paramref name="depths"/> long and <paramref name="lineStride"/> after the one before:
    /// the taps of a convolution's kernel. The right factor's depths are <paramref name="rightStride"/> apart. The sums begin here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyLines<TTile>(
        ArrayView<float> left, int leftAt, int rowStride, int lineStride, int lines, ArrayView<float> right, int rightAt, int rightStride,
        ArrayView<float> sums, int depths)
        where TTile : struct, ICpuTile
    {
        var tile = LocalMemory.Allocate1D<float>(TTile.Rows * TTile.Columns);
        for (var i = 0; i < TTile.Rows * TTile.Columns; i++) tile[i] = 0;
        for (var line = 0; line < lines; line++)
        {
            for (var d = 0; d < depths; d++)
            {
                for (var j = 0; j < TTile.Columns; j++)
                {
                    var rightValue = right[rightAt + j];
                    for (var i = 0; i < TTile.Rows; i++) tile[i * TTile.Columns + j] += left[leftAt + d + i * rowStride] * rightValue;
                }
                rightAt += rightStride;
            }
            leftAt += lineStride;
        }
        for (var i = 0; i < TTile.Rows * TTile.Columns; i++) sums[i] = tile[i];
    }

    /// <summary>One row of finished sums to the output, with an epilogue.</summary>
    /// <remarks>
    /// A whole row is one loop of constant length from the sums to the output. Bias added in a separate loop would be stored in pieces
    /// of a different size than the next loop loads, and the CPU would wait until the pieces have left its store queue: two fifths
    /// of the time of a first layer.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TTile>(
        ArrayView<float> sums, int source, ArrayView<float> output, int target, ArrayView<float> bias, int column, int columns,
        Epilogue epilogue)
        where TTile : struct, ICpuTile
    {
        if (columns == TTile.Columns)
        {
            if (epilogue.HasBias != 0 & epilogue.Accumulate != 0)
                for (var j = 0; j < TTile.Columns; j++)
                    output[target + j] = epilogue.Clip(sums[source + j] + bias[column + j] + output[target + j]);
            else if (epilogue.HasBias != 0)
                for (var j = 0; j < TTile.Columns; j++) output[target + j] = epilogue.Clip(sums[source + j] + bias[column + j]);
            else if (epilogue.Accumulate != 0)
                for (var j = 0; j < TTile.Columns; j++) output[target + j] = epilogue.Clip(sums[source + j] + output[target + j]);
            else
                for (var j = 0; j < TTile.Columns; j++) output[target + j] = epilogue.Clip(sums[source + j]);
            return;
        }
        for (var j = 0; j < columns; j++)
        {
            var sum = sums[source + j];
            if (epilogue.HasBias != 0) sum += bias[column + j];
            if (epilogue.Accumulate != 0) sum += output[target + j];
            output[target + j] = epilogue.Clip(sum);
        }
    }
}
