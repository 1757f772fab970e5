using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The division of a direct convolution into items.</summary>
internal struct DirectSizes
{
    /// <summary>The convolution.</summary>
    public ConvolutionGeometry Geometry;

    /// <summary>Lines of the output (forward, kernel gradient) or the input (input gradient) in one item.</summary>
    public int LinesPerItem;

    /// <summary>Floats of one padded line in a worker's scratch memory.</summary>
    public int LineLength;

    /// <summary>Floats of scratch memory of a worker.</summary>
    public int ScratchLength;

    /// <summary>Floats between the kernel's depths (taps and input channels), and between its register tiles of output channels.</summary>
    public int KernelStride, KernelTileStride;

    /// <summary>The epilogue of a sum.</summary>
    public Epilogue Epilogue;
}


// w [KH,KW,C,K] → packed [K/32][KH,KW,C][32], columns past K zero
[Kernel("direct-pack", "convolution", typeof(Tile3x32), Target = KernelTarget.Cpu)]
internal struct DirectPack<TTile> : IGroupKernel where TTile : struct, ICpuTile
{
    public ArrayView<float> Kernel, Packed;
    public int Depth, Columns;

    public readonly void Run()
    {
        var (kernel, packed, depth, columns) = (Kernel, Packed, Depth, Columns);
        var target = Grid.IdxX * depth * TTile.Columns;
        var column0 = Grid.IdxX * TTile.Columns;
        for (var d = 0; d < depth; d++)
            for (var j = 0; j < TTile.Columns; j++)
                packed[target + d * TTile.Columns + j] = column0 + j < columns ? kernel[d * columns + column0 + j] : 0f;
    }
}

// x [N,H,W,C], w packed [K/32][KH,KW,C][32] or, in whole register tiles, as it is [KH,KW,C,K], b [K], y [N,OH,OW,K],
// scratch [workers][KH][LineLength]
[Kernel("convolution-forward-direct-3x32", "convolution", typeof(Tile3x32))]
[Kernel("convolution-forward-direct-8x32", "convolution", typeof(Tile8x32))]
[KernelTraits(IsHot = true)]
internal struct DirectForward<TTile> : IWorkerKernel where TTile : struct, ICpuTile
{
    public ArrayView<float> Input, Kernel, Bias, Output, Scratch;
    public DirectSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (input, kernel, bias, output, scratch, s) = (Input, Kernel, Bias, Output, Scratch, Sizes);
        var g = s.Geometry;
        var sums = LocalMemory.Allocate1D<float>(TTile.Rows * TTile.Columns);
        var lines = Grid.IdxX * s.ScratchLength;
        var depth = g.KernelWidth * g.InputChannels;
        var pixelStride = g.Stride * g.InputChannels;
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            var end = IntrinsicMath.Min(g.Batch * g.OutputHeight, (item + 1) * s.LinesPerItem);
            for (var line = item * s.LinesPerItem; line < end; line++)
            {
                var n = line / g.OutputHeight;
                var top = (line - n * g.OutputHeight) * g.Stride - g.PaddingTop;
                for (var kh = 0; kh < g.KernelHeight; kh++) DirectSteps.CopyLine(input, n, top + kh, scratch, lines + kh * s.LineLength, s);
                for (var column = 0; column < g.OutputChannels; column += TTile.Columns)
                {
                    var columns = IntrinsicMath.Min(TTile.Columns, g.OutputChannels - column);
                    for (var ow = 0; ow < g.OutputWidth; ow += TTile.Rows)
                    {
                        RegisterTile.MultiplyLines<TTile>(scratch, lines + ow * pixelStride, pixelStride, s.LineLength, g.KernelHeight,
                            kernel, column / TTile.Columns * s.KernelTileStride, s.KernelStride, sums, depth);
                        var rows = IntrinsicMath.Min(TTile.Rows, g.OutputWidth - ow);
                        for (var r = 0; r < rows; r++)
                            RegisterTile.Store<TTile>(sums, r * TTile.Columns, output,
                                (line * g.OutputWidth + ow + r) * g.OutputChannels + column,
                                bias, column, columns, s.Epilogue);
                    }
                }
            }
        }
    }
}

// w [KH,KW,C,K] → packed [C/3][KH,KW][3][K'], K' = K rounded up to whole vectors, padded with zeros
[Kernel("direct-pack-for-input", "convolution", Target = KernelTarget.Cpu)]
internal struct DirectPackForInput : IGroupKernel
{
    public ArrayView<float> Kernel, Packed;
    public ConvolutionGeometry Geometry;

    public readonly void Run()
    {
        var (kernel, packed, g) = (Kernel, Packed, Geometry);
        var columns = DirectSteps.PaddedColumns(g);
        var taps = g.KernelHeight * g.KernelWidth;
        for (var tap = 0; tap < taps; tap++)
            for (var i = 0; i < DirectSteps.Channels; i++)
            {
                var c = Grid.IdxX * DirectSteps.Channels + i;
                var target = ((Grid.IdxX * taps + tap) * DirectSteps.Channels + i) * columns;
                for (var k = 0; k < columns; k++)
                    packed[target + k] = c < g.InputChannels & k < g.OutputChannels
                        ? kernel[(tap * g.InputChannels + c) * g.OutputChannels + k] : 0f;
            }
    }
}

// dy [N,OH,OW,K], packed [C/3][KH,KW][3][K'], dx [N,H,W,C], scratch [workers][KH][LineLength]; stride 1
[Kernel("convolution-input-gradient-direct", "convolution")]
[KernelTraits(IsHot = true)]
internal struct DirectGradInput : IWorkerKernel
{
    public ArrayView<float> Upstream, Packed, Gradient, Scratch;
    public DirectSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (upstream, packed, gradient, scratch, s) = (Upstream, Packed, Gradient, Scratch, Sizes);
        var g = s.Geometry;
        var sums = LocalMemory.Allocate1D<float>(DirectSteps.Pixels * DirectSteps.Channels * DirectSteps.Lanes);
        var lines = Grid.IdxX * s.ScratchLength;
        var columns = DirectSteps.PaddedColumns(g);
        var taps = g.KernelHeight * g.KernelWidth;
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            var end = IntrinsicMath.Min(g.Batch * g.Height, (item + 1) * s.LinesPerItem);
            for (var line = item * s.LinesPerItem; line < end; line++)
            {
                var n = line / g.Height;
                var h = line - n * g.Height;
                // The first output line is the one that read this line through the last row of the kernel.
                for (var kh = 0; kh < g.KernelHeight; kh++)
                    DirectSteps.CopyUpstreamLine(upstream, n, h + g.PaddingTop - kh, scratch, lines + kh * s.LineLength, columns, s);
                for (var c0 = 0; c0 < g.InputChannels; c0 += DirectSteps.Channels)
                    for (var w = 0; w < g.Width; w += DirectSteps.Pixels)
                    {
                        for (var i = 0; i < DirectSteps.Pixels * DirectSteps.Channels * DirectSteps.Lanes; i++) sums[i] = 0;
                        for (var kh = 0; kh < g.KernelHeight; kh++)
                            // In the padded line, the output that saw pixel w through tap kw is at w + (KW − 1 − kw).
                            DirectSteps.MultiplyLanes(scratch, lines / DirectSteps.Lanes + kh * (s.LineLength / DirectSteps.Lanes)
                                + (w + g.KernelWidth - 1) * (columns / DirectSteps.Lanes), columns / DirectSteps.Lanes,
                                packed, (c0 / DirectSteps.Channels * taps + kh * g.KernelWidth) * DirectSteps.Channels
                                    * (columns / DirectSteps.Lanes), sums, g.KernelWidth);
                        DirectSteps.StoreSums(sums, gradient, (line * g.Width + w) * g.InputChannels + c0,
                            IntrinsicMath.Min(DirectSteps.Pixels, g.Width - w),
                            IntrinsicMath.Min(DirectSteps.Channels, g.InputChannels - c0), s);
                    }
            }
        }
    }
}

// dy [N,OH,OW,K], x [N,H,W,C], parts [items][KH,KW,C,K], scratch [workers][lines [KH][LineLength] | sums [K/32][KH][rows][32]]
[Kernel("convolution-kernel-gradient-direct-3x32", "convolution", typeof(Tile3x32))]
[Kernel("convolution-kernel-gradient-direct-8x32", "convolution", typeof(Tile8x32))]
[KernelTraits(IsHot = true)]
internal struct DirectGradKernel<TTile> : IWorkerKernel where TTile : struct, ICpuTile
{
    public ArrayView<float> Upstream, Input, Parts, Scratch;
    public DirectSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (upstream, input, parts, scratch, s) = (Upstream, Input, Parts, Scratch, Sizes);
        var g = s.Geometry;
        var block = LocalMemory.Allocate1D<float>(DirectSteps.DepthBlock * TTile.Columns);
        var lines = Grid.IdxX * s.ScratchLength;
        var sums = lines + g.KernelHeight * s.LineLength;
        var pixelStride = g.Stride * g.InputChannels;
        var rows = g.KernelWidth * g.InputChannels;
        var sumRows = DirectSteps.SumRows(g);
        var columnTiles = Rounding.CeilDiv(g.OutputChannels, TTile.Columns);
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            for (var i = 0; i < columnTiles * g.KernelHeight * sumRows * TTile.Columns; i++) scratch[sums + i] = 0;
            var end = IntrinsicMath.Min(g.Batch * g.OutputHeight, (item + 1) * s.LinesPerItem);
            for (var outputLine = item * s.LinesPerItem; outputLine < end; outputLine++)
            {
                var n = outputLine / g.OutputHeight;
                var top = (outputLine - n * g.OutputHeight) * g.Stride - g.PaddingTop;
                for (var kh = 0; kh < g.KernelHeight; kh++) DirectSteps.CopyLine(input, n, top + kh, scratch, lines + kh * s.LineLength, s);
                for (var tile = 0; tile < columnTiles; tile++)
                    for (var ow = 0; ow < g.OutputWidth; ow += DirectSteps.DepthBlock)
                    {
                        var depths = IntrinsicMath.Min(DirectSteps.DepthBlock, g.OutputWidth - ow);
                        DirectSteps.PackUpstream<TTile>(upstream, (outputLine * g.OutputWidth + ow) * g.OutputChannels,
                            tile * TTile.Columns, depths, block, g);
                        for (var kh = 0; kh < g.KernelHeight; kh++)
                            for (var r = 0; r < rows; r += TTile.Rows)
                                RegisterTile.Multiply<TTile>(scratch, lines + kh * s.LineLength + ow * pixelStride + r, 1,
                                    pixelStride, block, 0,
                                    scratch, sums + ((tile * g.KernelHeight + kh) * sumRows + r) * TTile.Columns, depths, false);
                    }
            }
            for (var tile = 0; tile < columnTiles; tile++)
            {
                var columns = IntrinsicMath.Min(TTile.Columns, g.OutputChannels - tile * TTile.Columns);
                for (var kh = 0; kh < g.KernelHeight; kh++)
                    for (var r = 0; r < rows; r++)
                    {
                        var source = sums + ((tile * g.KernelHeight + kh) * sumRows + r) * TTile.Columns;
                        var target = ((item * g.KernelHeight + kh) * rows + r) * g.OutputChannels + tile * TTile.Columns;
                        for (var j = 0; j < columns; j++) parts[target + j] = scratch[source + j];
                    }
            }
        }
    }
}

/// <summary>The steps of these kernels.</summary>
internal static class DirectSteps
{
    /// <summary>Positions of a line whose upstream gradients are packed at a time.</summary>
    public const int DepthBlock = 256;

    /// <summary>Positions packed at once.</summary>
    public const int PackedTogether = 8;

    /// <summary>The input gradient's register tile: three pixels, three channels, eight lanes along the output channels.</summary>
    public const int Pixels = 3, Channels = 3, Lanes = 8;

    /// <summary>Rows of one kernel line's sums, plus unused ones of the last register tile of either kind.</summary>
    public static int SumRows(ConvolutionGeometry g) => g.KernelWidth * g.InputChannels + Tile8x32.Rows - 1;

    /// <summary>Output channels, rounded up to whole vectors.</summary>
    public static int PaddedColumns(ConvolutionGeometry g) => Rounding.CeilDiv(g.OutputChannels, Lanes) * Lanes;

    /// <summary>sums[p, c, lane] += Σ over taps and vectors of left[p, …] · right[c, …]: dot products along the output channels, lane by
    /// lane.</summary>
    /// <remarks>
    /// Positions are counted in vectors of <see cref="Lanes"/>: for an index that is a multiple of the lanes, the compiler knows that
    /// adding a lane does not wrap around, so it needs no second version of the loop.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyLanes(ArrayView<float> left, int leftVector, int vectors, ArrayView<float> right, int rightVector,
        ArrayView<float> sums, int taps)
    {
        var tile = LocalMemory.Allocate1D<float>(Pixels * Channels * Lanes);
        for (var i = 0; i < Pixels * Channels * Lanes; i++) tile[i] = sums[i];
        for (var tap = 0; tap < taps; tap++)
        {
            for (var v = 0; v < vectors; v++)
                for (var j = 0; j < Lanes; j++)
                    for (var p = 0; p < Pixels; p++)
                    {
                        var value = left[(leftVector + p * vectors + v) * Lanes + j];
                        for (var c = 0; c < Channels; c++)
                            tile[(p * Channels + c) * Lanes + j] += value * right[(rightVector + c * vectors + v) * Lanes + j];
                    }
            leftVector -= vectors;
            rightVector += Channels * vectors;
        }
        for (var i = 0; i < Pixels * Channels * Lanes; i++) sums[i] = tile[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(ArrayView<float> sums, ArrayView<float> gradient, int target, int pixels, int channels, DirectSizes s)
    {
        for (var p = 0; p < pixels; p++)
            for (var c = 0; c < channels; c++)
            {
                var sum = 0f;
                for (var j = 0; j < Lanes; j++) sum += sums[(p * Channels + c) * Lanes + j];
                var at = target + p * s.Geometry.InputChannels + c;
                if (s.Epilogue.Accumulate != 0) sum += gradient[at];
                gradient[at] = sum;
            }
    }

    /// <summary>Line h of image n with its padding; all zeros if the line itself is padding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyLine(ArrayView<float> input, int n, int h, ArrayView<float> scratch, int target, DirectSizes s)
    {
        var g = s.Geometry;
        var before = g.PaddingLeft * g.InputChannels;
        var length = h >= 0 & h < g.Height ? IntrinsicMath.Min(g.Width * g.InputChannels, s.LineLength - before) : 0;
        var source = (n * g.Height + h) * g.Width * g.InputChannels;
        for (var i = 0; i < before; i++) scratch[target + i] = 0;
        for (var i = 0; i < length; i++) scratch[target + before + i] = input[source + i];
        for (var i = before + length; i < s.LineLength; i++) scratch[target + i] = 0;
    }

    /// <summary>
    /// The upstream gradients that input pixels of one line may need from output line oh, as [pixel + KW − 1][K']: position q holds output
    /// column q + PaddingLeft − (KW − 1).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyUpstreamLine(ArrayView<float> upstream, int n, int oh, ArrayView<float> scratch, int target, int columns,
        DirectSizes s)
    {
        var g = s.Geometry;
        var positions = s.LineLength / columns;
        for (var q = 0; q < positions; q++)
        {
            var ow = q + g.PaddingLeft - (g.KernelWidth - 1);
            var inside = oh >= 0 & oh < g.OutputHeight & ow >= 0 & ow < g.OutputWidth;
            var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels;
            var count = inside ? g.OutputChannels : 0;
            for (var k = 0; k < count; k++) scratch[target + q * columns + k] = upstream[source + k];
            for (var k = count; k < columns; k++) scratch[target + q * columns + k] = 0;
        }
    }

    /// <summary>Upstream gradients of a run of pixels and one register tile of channels: block [depths][32].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PackUpstream<TTile>(ArrayView<float> upstream, int source, int column, int depths, ArrayView<float> block,
        ConvolutionGeometry g)
        where TTile : struct, ICpuTile
    {
        var columns = IntrinsicMath.Min(TTile.Columns, g.OutputChannels - column);
        var from = source + column;
        var whole = columns == TTile.Columns ? depths / PackedTogether * PackedTogether : 0;
        // Several pixels at once: for a single row of constant length the compiler would unroll the lanes and gather the pixels.
        for (var d = 0; d < whole; d += PackedTogether)
            for (var j = 0; j < TTile.Columns; j++)
                for (var i = 0; i < PackedTogether; i++)
                    block[(d + i) * TTile.Columns + j] = upstream[from + (d + i) * g.OutputChannels + j];
        for (var d = whole; d < depths; d++)
            for (var j = 0; j < TTile.Columns; j++)
                block[d * TTile.Columns + j] = j < columns ? upstream[from + d * g.OutputChannels + j] : 0f;
    }
}
