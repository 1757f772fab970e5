using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The division of a convolution by Winograd along lines into items.</summary>
internal struct LineSizes
{
    /// <summary>The convolution: three taps across, stride 1.</summary>
    public ConvolutionGeometry Geometry;

    /// <summary>Lines of the output in one item, and items in an image.</summary>
    public int LinesPerItem, ItemsPerImage;

    /// <summary>Tiles of a line.</summary>
    public int TilesAcross;

    /// <summary>Floats of a line with its padding, at least as long as a tile reads.</summary>
    public int PaddedLength;

    /// <summary>Steps of the transformed kernel of one column: see <see cref="WinogradLinesForward{TTile}"/>.</summary>
    public int StepsPerColumn;

    /// <summary>Floats of the transformed kernel, of the bias in whole blocks of columns, and of all scratch memory of a worker.</summary>
    public int KernelLength, AddendLength, ScratchLength;

    /// <summary>The epilogue of a sum.</summary>
    public Epilogue Epilogue;
}

/// <summary>
/// The tiling of a convolution by Winograd along lines: accumulators of Groups × <see cref="WinogradLinesSteps.Positions"/> × Columns,
/// which all stay in registers, together with one value of each factor.
/// </summary>
internal interface ILineTile
{
    /// <summary>Output channels: a whole number of vectors.</summary>
    static abstract int Columns { get; }

    /// <summary>Groups of <see cref="WinogradLinesSteps.Outputs"/> neighbouring pixels.</summary>
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


// x [N,H,W,C], w [KH,3,C,K], b [K], y [N,OH,OW,K];
// scratch [workers][kernel [K/columns][2·KH − 1,C][6][columns] | bias [K/columns][columns] | padded line [pixels][C] | lines
// [tiles][KH][groups][6][4]]
[Kernel("convolution-forward-winograd-lines-1x16", "convolution", typeof(LineTile1x16))]
[Kernel("convolution-forward-winograd-lines-2x32", "convolution", typeof(LineTile2x32))]
[KernelTraits(IsHot = true)]
internal struct WinogradLinesForward<TTile> : IWorkerKernel where TTile : struct, ILineTile
{
    public ArrayView<float> Input, Kernel, Bias, Output, Scratch;
    public LineSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (input, kernel, bias, output, scratch, s) = (Input, Kernel, Bias, Output, Scratch, Sizes);
        var g = s.Geometry;
        var products = LocalMemory.Allocate1D<float>(TTile.Groups * WinogradLinesSteps.Positions * TTile.Columns);
        var result = LocalMemory.Allocate1D<float>(TTile.Groups * WinogradLinesSteps.Outputs * TTile.Columns);
        // A separate array: one that is also read by a loop of unknown length cannot stay in registers.
        var ragged = LocalMemory.Allocate1D<float>(TTile.Groups * WinogradLinesSteps.Outputs * TTile.Columns);
        var factors = Grid.IdxX * s.ScratchLength;
        var addend = factors + s.KernelLength;
        var padded = addend + s.AddendLength;
        var lines = padded + s.PaddedLength;
        var wholeColumns = g.OutputWidth < TTile.Groups * WinogradLinesSteps.Outputs ? 0 : g.OutputChannels / TTile.Columns * TTile.Columns;
        WinogradLinesSteps.TransformKernel<TTile>(kernel, scratch, factors, g);
        for (var j = 0; j < s.AddendLength; j++)
            scratch[addend + j] = s.Epilogue.HasBias != 0 & j < g.OutputChannels ? bias[j] : 0f;
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            var n = item / s.ItemsPerImage;
            var first = (item - n * s.ItemsPerImage) * s.LinesPerItem;
            var end = IntrinsicMath.Min(g.OutputHeight, first + s.LinesPerItem);
            // The lines that the kernel covers are in a ring buffer; each output line replaces one.
            for (var line = 0; line < g.KernelHeight - 1; line++)
                WinogradLinesSteps.TransformLine<TTile>(input, n, first + line, scratch, padded,
                    lines + line * WinogradLinesSteps.Step<TTile>(), s);
            for (var oh = first; oh < end; oh++)
            {
                var oldest = (oh - first) % g.KernelHeight;
                var newest = oldest == 0 ? g.KernelHeight - 1 : oldest - 1;
                WinogradLinesSteps.TransformLine<TTile>(input, n, oh + g.KernelHeight - 1, scratch, padded,
                    lines + newest * WinogradLinesSteps.Step<TTile>(), s);
                // The line of the kernel for the first slot of the ring.
                var turn = factors
                    + (oldest == 0 ? 0 : g.KernelHeight - oldest) * g.InputChannels * WinogradLinesSteps.Positions * TTile.Columns;
                for (var tile = 0; tile < s.TilesAcross; tile++)
                {
                    var left = lines + tile * g.KernelHeight * WinogradLinesSteps.Step<TTile>();
                    var ow = WinogradLinesSteps.Begin<TTile>(tile, g);
                    var target = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels;
                    for (var column = 0; column + TTile.Columns <= wholeColumns; column += TTile.Columns)
                    {
                        WinogradLinesSteps.Multiply<TTile>(scratch, left, turn + column * s.StepsPerColumn * WinogradLinesSteps.Positions,
                            g, addend + column, products);
                        WinogradLinesSteps.TransformOutput<TTile>(products, result, s.Epilogue);
                        WinogradLinesSteps.StoreTile<TTile>(result, output, target + column, g.OutputChannels);
                    }
                    for (var column = wholeColumns; column < g.OutputChannels; column += TTile.Columns)
                    {
                        WinogradLinesSteps.Multiply<TTile>(scratch, left, turn + column * s.StepsPerColumn * WinogradLinesSteps.Positions,
                            g, addend + column, products);
                        WinogradLinesSteps.TransformOutput<TTile>(products, ragged, s.Epilogue);
                        var pixels = IntrinsicMath.Min(TTile.Groups * WinogradLinesSteps.Outputs, g.OutputWidth);
                        var columns = IntrinsicMath.Min(TTile.Columns, g.OutputChannels - column);
                        for (var r = 0; r < pixels; r++)
                            for (var j = 0; j < columns; j++)
                                output[target + column + r * g.OutputChannels + j] = ragged[r * TTile.Columns + j];
                    }
                }
            }
        }
    }
}

/// <summary>The steps of these kernels.</summary>
internal static class WinogradLinesSteps
{
    /// <summary>Outputs of a group, and the products that they are made of.</summary>
    public const int Outputs = 4, Positions = 6;

    /// <summary>Most input channels. They are transformed together, one per lane; unused lanes contain a neighbour's values and are not
    /// read.</summary>
    public const int Channels = 4;

    /// <summary>Floats from one line of the ring to the next: [Groups][6][Channels].</summary>
    public static int Step<TTile>() where TTile : struct, ILineTile => TTile.Groups * Positions * Channels;

    /// <summary>
    /// The first output pixel of a tile. The last tile is moved back to end with the line, so that it is complete: the pixels
    /// that it shares with the previous one are computed twice.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Begin<TTile>(int tile, ConvolutionGeometry g) where TTile : struct, ILineTile =>
        IntrinsicMath.Max(0, IntrinsicMath.Min(tile * TTile.Groups * Outputs, g.OutputWidth - TTile.Groups * Outputs));

    /// <summary>
    /// G·g for the three taps of every line of the kernel, and again for all lines except the last, so that the lines for a ring's slots,
    /// from whichever is first, are contiguous in memory. Columns past K are zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformKernel<TTile>(ArrayView<float> kernel, ArrayView<float> scratch, int target, ConvolutionGeometry g)
        where TTile : struct, ILineTile
    {
        var tapStride = g.InputChannels * g.OutputChannels;
        for (var column = 0; column < g.OutputChannels; column += TTile.Columns)
            for (var turned = 0; turned < 2 * g.KernelHeight - 1; turned++)
                for (var c = 0; c < g.InputChannels; c++)
                {
                    var kh = turned < g.KernelHeight ? turned : turned - g.KernelHeight;
                    var source = (kh * 3 * g.InputChannels + c) * g.OutputChannels + column;
                    for (var j = 0; j < TTile.Columns; j++)
                    {
                        var inside = column + j < g.OutputChannels;
                        var q = WinogradF4.Kernel(
                            inside ? kernel[source + j] : 0f, inside ? kernel[source + tapStride + j] : 0f,
                            inside ? kernel[source + 2 * tapStride + j] : 0f);
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
    /// Bᵀ·d for every group of a line to its slot in the ring, [Groups][6][Channels] of each tile, all channels as the lanes of one vector.
    /// The line is counted in the padded image; zeros where it is padding.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformLine<TTile>(ArrayView<float> input, int n, int line, ArrayView<float> scratch, int padded, int target,
        LineSizes s)
        where TTile : struct, ILineTile
    {
        var lane = LocalMemory.Allocate1D<float>(Positions * Channels);
        var g = s.Geometry;
        var h = line - g.PaddingTop;
        var before = g.PaddingLeft * g.InputChannels;
        var inside = h >= 0 & h < g.Height ? IntrinsicMath.Min(g.Width * g.InputChannels, s.PaddedLength - before) : 0;
        var source = (n * g.Height + h) * g.Width * g.InputChannels;
        for (var i = 0; i < before; i++) scratch[padded + i] = 0;
        for (var i = 0; i < inside; i++) scratch[padded + before + i] = input[source + i];
        for (var i = before + inside; i < s.PaddedLength; i++) scratch[padded + i] = 0;
        for (var tile = 0; tile < s.TilesAcross; tile++)
        {
            for (var t = 0; t < TTile.Groups; t++)
            {
                var from = padded + (Begin<TTile>(tile, g) + t * Outputs) * g.InputChannels;
                var x0 = scratch.SubView(from, Channels);
                var x1 = scratch.SubView(from + g.InputChannels, Channels);
                var x2 = scratch.SubView(from + 2 * g.InputChannels, Channels);
                var x3 = scratch.SubView(from + 3 * g.InputChannels, Channels);
                var x4 = scratch.SubView(from + 4 * g.InputChannels, Channels);
                var x5 = scratch.SubView(from + 5 * g.InputChannels, Channels);
                for (var c = 0; c < Channels; c++)
                {
                    var q = WinogradF4.Input(x0[c], x1[c], x2[c], x3[c], x4[c], x5[c]);
                    lane[c] = q.A;
                    lane[Channels + c] = q.B;
                    lane[2 * Channels + c] = q.C;
                    lane[3 * Channels + c] = q.D;
                    lane[4 * Channels + c] = q.E;
                    lane[5 * Channels + c] = q.F;
                }
                var group = scratch.SubView(target + t * Positions * Channels, Positions * Channels);
                for (var i = 0; i < Positions * Channels; i++) group[i] = lane[i];
            }
            target += g.KernelHeight * Step<TTile>();
        }
    }

    /// <summary>
    /// Σ (G·g) ⊙ (Bᵀ·d) for one tile, over the input channels of all lines that the kernel covers: products [Groups][6][Columns]. The bias
    /// starts the sum at the point 1, which counts once in each of the outputs.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<TTile>(ArrayView<float> scratch, int left, int right, ConvolutionGeometry g, int addend,
        ArrayView<float> products)
        where TTile : struct, ILineTile
    {
        var sums = LocalMemory.Allocate1D<float>(TTile.Groups * Positions * TTile.Columns);
        var biases = scratch.SubView(addend, TTile.Columns);
        for (var j = 0; j < TTile.Columns; j++)
            for (var t = 0; t < TTile.Groups; t++)
            {
                for (var p = 0; p < Positions; p++) sums[(t * Positions + p) * TTile.Columns + j] = 0;
                sums[(t * Positions + 1) * TTile.Columns + j] = biases[j];
            }
        // One loop over lines and channels: two would set up registers, and mispredict a loop end, for every three steps.
        var channel = 0;
        for (var k = 0; k < g.KernelHeight * g.InputChannels; k++)
        {
            // Views of one step: all reads are at constant offsets.
            var leftStep = scratch.SubView(left, (TTile.Groups * Positions - 1) * Channels + 1);
            var rightStep = scratch.SubView(right + k * Positions * TTile.Columns, Positions * TTile.Columns);
            var done = channel + 1 == g.InputChannels;
            left += done ? Step<TTile>() - channel : 1;
            channel = done ? 0 : channel + 1;
            // Outer loop over columns, inner loops over positions and groups, as in RegisterTile.Multiply.
            for (var j = 0; j < TTile.Columns; j++)
                for (var p = 0; p < Positions; p++)
                {
                    var factor = rightStep[p * TTile.Columns + j];
                    for (var t = 0; t < TTile.Groups; t++)
                        sums[(t * Positions + p) * TTile.Columns + j] += leftStep[(t * Positions + p) * Channels] * factor;
                }
        }
        for (var i = 0; i < TTile.Groups * Positions * TTile.Columns; i++) products[i] = sums[i];
    }

    /// <summary>max(floor, Aᵀ·m) for every group of a tile: products [Groups][6][Columns] → result [Groups · 4][Columns].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformOutput<TTile>(ArrayView<float> products, ArrayView<float> result, Epilogue epilogue)
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
                result[to] = epilogue.Clip(q.A);
                result[to + TTile.Columns] = epilogue.Clip(q.B);
                result[to + 2 * TTile.Columns] = epilogue.Clip(q.C);
                result[to + 3 * TTile.Columns] = epilogue.Clip(q.D);
            }
    }

    /// <summary>A whole tile to the output. Unrolled by hand, row by row: a loop over rows would become scattered stores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTile<TTile>(ArrayView<float> result, ArrayView<float> output, int target, int stride)
        where TTile : struct, ILineTile
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
    public static void StoreRow<TTile>(ArrayView<float> result, int row, ArrayView<float> output, int target)
        where TTile : struct, ILineTile
    {
        var pixel = output.SubView(target, TTile.Columns);
        for (var j = 0; j < TTile.Columns; j++) pixel[j] = result[row * TTile.Columns + j];
    }
}
