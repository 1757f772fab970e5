using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>How a convolution by Winograd along lines is shared out.</summary>
internal struct LineSizes
{
    /// <summary>The convolution: three taps across, stride 1.</summary>
    public ConvolutionGeometry Geometry;

    /// <summary>Lines of the output in one item, and items in an image.</summary>
    public int LinesPerItem, ItemsPerImage;

    /// <summary>Tiles of a line.</summary>
    public int TilesAcross;

    /// <summary>Floats of a line with its padding, long enough for the last tile, and of a transformed line.</summary>
    public int PaddedLength, LineLength;

    /// <summary>Floats of the transformed kernel, and of all scratch memory of a worker.</summary>
    public int KernelLength, ScratchLength;

    /// <summary>What becomes of a sum.</summary>
    public Epilogue Epilogue;
}

/// <summary>
/// How a convolution by Winograd along lines is cut: sums of Groups × <see cref="WinogradLines.Positions"/> × Columns, which all stay in
/// registers, beside one value of each factor.
/// </summary>
internal interface ILineTile
{
    /// <summary>Output channels: a whole number of vectors.</summary>
    static abstract int Columns { get; }

    /// <summary>Groups of <see cref="WinogradLines.Outputs"/> neighbouring pixels.</summary>
    static abstract int Groups { get; }
}

/// <summary>Sixteen registers of eight lanes (AVX2): 12 sums.</summary>
internal readonly struct LineTile1x16 : ILineTile
{
    public static int Groups => 1;

    public static int Columns => 16;
}

/// <summary>Thirty-two registers of sixteen lanes (AVX-512): 24 sums.</summary>
internal readonly struct LineTile2x32 : ILineTile
{
    public static int Groups => 2;

    public static int Columns => 32;
}

/// <summary>
/// Convolution with three taps across and stride 1 by Winograd's F(4, 3) along the lines of the image: four neighbouring outputs from six
/// products for each line of the kernel and input channel, where the formula takes twelve. Unlike F(4×4, 3×3) all products of a group of outputs
/// fit into registers, so nothing transformed but the factors is ever stored: made for layers with few input channels, whose sums are too short
/// to pay for a round trip. In the shape for processors.
/// </summary>
internal static class WinogradLines
{
    /// <summary>Outputs of a group, and the products that they are made of.</summary>
    public const int Outputs = 4, Positions = 6;

    // x [N,H,W,C], w [KH,3,C,K], b [K], y [N,OH,OW,K];
    // scratch [workers][kernel [K/columns][KH,C][6][columns] | padded line [pixels][C] | lines [KH][tiles][C][groups][6]]
    public static void Forward<TTile>(
        ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output, ArrayView<float> scratch, LineSizes s,
        WorkQueue queue)
        where TTile : struct, ILineTile
    {
        var g = s.Geometry;
        var products = LocalMemory.Allocate1D<float>(TTile.Groups * Positions * TTile.Columns);
        var addend = LocalMemory.Allocate1D<float>(TTile.Columns);
        var result = LocalMemory.Allocate1D<float>(TTile.Groups * Outputs * TTile.Columns);
        var factors = Grid.IdxX * s.ScratchLength;
        var padded = factors + s.KernelLength;
        var lines = padded + s.PaddedLength;
        TransformKernel<TTile>(kernel, scratch, factors, g);
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            var n = item / s.ItemsPerImage;
            var first = (item - n * s.ItemsPerImage) * s.LinesPerItem;
            var end = IntrinsicMath.Min(g.OutputHeight, first + s.LinesPerItem);
            // The lines that the kernel covers stand in a ring, in which each output line replaces one.
            for (var line = first; line < first + g.KernelHeight - 1; line++)
                TransformLine<TTile>(input, n, line, scratch, padded, lines + line % g.KernelHeight * s.LineLength, s);
            for (var oh = first; oh < end; oh++)
            {
                var last = oh + g.KernelHeight - 1;
                TransformLine<TTile>(input, n, last, scratch, padded, lines + last % g.KernelHeight * s.LineLength, s);
                for (var column = 0; column < g.OutputChannels; column += TTile.Columns)
                {
                    var columns = IntrinsicMath.Min(TTile.Columns, g.OutputChannels - column);
                    for (var j = 0; j < TTile.Columns; j++) addend[j] = s.Epilogue.HasBias != 0 & j < columns ? bias[column + j] : 0f;
                    var right = factors + column * g.KernelHeight * g.InputChannels * Positions;
                    for (var tile = 0; tile < s.TilesAcross; tile++)
                    {
                        Multiply<TTile>(scratch, lines, oh % g.KernelHeight, tile, right, products, s);
                        TransformOutput<TTile>(products, addend, result, s.Epilogue);
                        var ow = tile * TTile.Groups * Outputs;
                        var pixels = IntrinsicMath.Min(TTile.Groups * Outputs, g.OutputWidth - ow);
                        var target = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels + column;
                        if (pixels == TTile.Groups * Outputs & columns == TTile.Columns) StoreTile<TTile>(result, output, target, g.OutputChannels);
                        else
                            for (var r = 0; r < pixels; r++)
                                for (var j = 0; j < columns; j++) output[target + r * g.OutputChannels + j] = result[r * TTile.Columns + j];
                    }
                }
            }
        }
    }

    /// <summary>G·g for the three taps of every line of the kernel; columns past K are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformKernel<TTile>(ArrayView<float> kernel, ArrayView<float> scratch, int target, ConvolutionGeometry g)
        where TTile : struct, ILineTile
    {
        var tapStride = g.InputChannels * g.OutputChannels;
        for (var column = 0; column < g.OutputChannels; column += TTile.Columns)
            for (var kh = 0; kh < g.KernelHeight; kh++)
                for (var c = 0; c < g.InputChannels; c++)
                {
                    var source = (kh * 3 * g.InputChannels + c) * g.OutputChannels + column;
                    for (var j = 0; j < TTile.Columns; j++)
                    {
                        var inside = column + j < g.OutputChannels;
                        var q = WinogradF4.Kernel(
                            inside ? kernel[source + j] : 0f, inside ? kernel[source + tapStride + j] : 0f, inside ? kernel[source + 2 * tapStride + j] : 0f);
                        scratch[target + j] = q.A;
                        scratch[target + TTile.Columns + j] = q.B;
                        scratch[target + 2 * TTile.Columns + j] = q.C;
                        scratch[target + 3 * TTile.Columns + j] = q.D;
                        scratch[target + 4 * TTile.Columns + j] = q.E;
                        scratch[target + 5 * TTile.Columns + j] = q.F;
                    }
                    target += Positions * TTile.Columns;
                }
    }

    /// <summary>
    /// Bᵀ·d for every group of a line, in the order in which <see cref="Multiply"/> reads it: [tiles][C][Groups][6]. The line is counted in the
    /// padded image; zeros where it is padding.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformLine<TTile>(ArrayView<float> input, int n, int line, ArrayView<float> scratch, int padded, int target, LineSizes s)
        where TTile : struct, ILineTile
    {
        var g = s.Geometry;
        var h = line - g.PaddingTop;
        var before = g.PaddingLeft * g.InputChannels;
        var inside = h >= 0 & h < g.Height ? IntrinsicMath.Min(g.Width * g.InputChannels, s.PaddedLength - before) : 0;
        var source = (n * g.Height + h) * g.Width * g.InputChannels;
        for (var i = 0; i < before; i++) scratch[padded + i] = 0;
        for (var i = 0; i < inside; i++) scratch[padded + before + i] = input[source + i];
        for (var i = before + inside; i < s.PaddedLength; i++) scratch[padded + i] = 0;
        for (var tile = 0; tile < s.TilesAcross; tile++)
            for (var c = 0; c < g.InputChannels; c++)
                for (var t = 0; t < TTile.Groups; t++)
                {
                    var from = padded + (tile * TTile.Groups + t) * Outputs * g.InputChannels + c;
                    var q = WinogradF4.Input(
                        scratch[from], scratch[from + g.InputChannels], scratch[from + 2 * g.InputChannels],
                        scratch[from + 3 * g.InputChannels], scratch[from + 4 * g.InputChannels], scratch[from + 5 * g.InputChannels]);
                    scratch[target] = q.A;
                    scratch[target + 1] = q.B;
                    scratch[target + 2] = q.C;
                    scratch[target + 3] = q.D;
                    scratch[target + 4] = q.E;
                    scratch[target + 5] = q.F;
                    target += Positions;
                }
    }

    /// <summary>
    /// Σ (G·g) ⊙ (Bᵀ·d) for one tile of every line that the kernel covers, the first of which has the given place in the ring: products
    /// [Groups][6][Columns].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply<TTile>(ArrayView<float> scratch, int lines, int place, int tile, int right, ArrayView<float> products, LineSizes s)
        where TTile : struct, ILineTile
    {
        var g = s.Geometry;
        var sums = LocalMemory.Allocate1D<float>(TTile.Groups * Positions * TTile.Columns);
        for (var i = 0; i < TTile.Groups * Positions * TTile.Columns; i++) sums[i] = 0;
        for (var kh = 0; kh < g.KernelHeight; kh++)
        {
            var left = lines + place * s.LineLength + tile * g.InputChannels * TTile.Groups * Positions;
            for (var c = 0; c < g.InputChannels; c++)
            {
                // Views of one step: whatever is read lies at a constant distance from their beginning.
                var leftStep = scratch.SubView(left, TTile.Groups * Positions);
                var rightStep = scratch.SubView(right, Positions * TTile.Columns);
                // Columns outside, positions and groups inside, as in RegisterTile.Multiply.
                for (var j = 0; j < TTile.Columns; j++)
                    for (var p = 0; p < Positions; p++)
                    {
                        var factor = rightStep[p * TTile.Columns + j];
                        for (var t = 0; t < TTile.Groups; t++) sums[(t * Positions + p) * TTile.Columns + j] += leftStep[t * Positions + p] * factor;
                    }
                left += TTile.Groups * Positions;
                right += Positions * TTile.Columns;
            }
            place = place + 1 == g.KernelHeight ? 0 : place + 1;
        }
        for (var i = 0; i < TTile.Groups * Positions * TTile.Columns; i++) products[i] = sums[i];
    }

    /// <summary>max(floor, Aᵀ·m + b) for every group of a tile: products [Groups][6][Columns], addend [Columns] → result [Groups · 4][Columns].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformOutput<TTile>(ArrayView<float> products, ArrayView<float> addend, ArrayView<float> result, Epilogue epilogue)
        where TTile : struct, ILineTile
    {
        for (var j = 0; j < TTile.Columns; j++)
            for (var t = 0; t < TTile.Groups; t++)
            {
                var from = t * Positions * TTile.Columns + j;
                var q = WinogradF4.Output(
                    products[from], products[from + TTile.Columns], products[from + 2 * TTile.Columns], products[from + 3 * TTile.Columns],
                    products[from + 4 * TTile.Columns], products[from + 5 * TTile.Columns]);
                var to = t * Outputs * TTile.Columns + j;
                result[to] = epilogue.Clip(q.A + addend[j]);
                result[to + TTile.Columns] = epilogue.Clip(q.B + addend[j]);
                result[to + 2 * TTile.Columns] = epilogue.Clip(q.C + addend[j]);
                result[to + 3 * TTile.Columns] = epilogue.Clip(q.D + addend[j]);
            }
    }

    /// <summary>A whole tile to the output. Written out, row by row: of a loop over the rows the compiler would make scattered stores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTile<TTile>(ArrayView<float> result, ArrayView<float> output, int target, int stride) where TTile : struct, ILineTile
    {
        StoreRow<TTile>(result, 0, output, target);
        StoreRow<TTile>(result, 1, output, target + stride);
        StoreRow<TTile>(result, 2, output, target + 2 * stride);
        StoreRow<TTile>(result, 3, output, target + 3 * stride);
        if (TTile.Groups == 1) return;
        StoreRow<TTile>(result, 4, output, target + 4 * stride);
        StoreRow<TTile>(result, 5, output, target + 5 * stride);
        StoreRow<TTile>(result, 6, output, target + 6 * stride);
        StoreRow<TTile>(result, 7, output, target + 7 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TTile>(ArrayView<float> result, int row, ArrayView<float> output, int target) where TTile : struct, ILineTile
    {
        var pixel = output.SubView(target, TTile.Columns);
        for (var j = 0; j < TTile.Columns; j++) pixel[j] = result[row * TTile.Columns + j];
    }
}
