using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The division of a Winograd convolution into items.</summary>
internal struct WinogradSizes
{
    /// <summary>Images; rows and columns of input and output; channels in and out; zeros above and to the left.</summary>
    public int Batch, Height, Width, OutputHeight, OutputWidth, InputChannels, OutputChannels, PaddingTop, PaddingLeft;

    /// <summary>Output tiles per column and row of an image, and in the whole batch.</summary>
    public int TilesDown, TilesAcross, Tiles;

    /// <summary>Tiles that a worker transforms at a time.</summary>
    public int TilesPerBlock;

    /// <summary>Register tiles of output channels in one item, and items that share a block of tiles.</summary>
    public int ColumnTilesPerItem, ColumnGroups;

    /// <summary>1 to rotate the kernel by 180°, as the input gradient needs it.</summary>
    public int Mirrored;

    /// <summary>1 if the kernel is [3,3,K,C] and its channels must be swapped.</summary>
    public int Swapped;

    /// <summary>The epilogue of a sum.</summary>
    public Epilogue Epilogue;
}


// x [N,H,W,C], w [3,3,C,K], b [K], y [N,OH,OW,K], scratch [workers][depth blocks][Positions][BlockTiles][DepthBlock]
[Kernel("winograd2-3x32", "convolution", typeof(WinogradF2), typeof(Tile3x32))]
[Kernel("winograd2-8x32", "convolution", typeof(WinogradF2), typeof(Tile8x32))]
[Kernel("winograd4-3x32", "convolution", typeof(WinogradF4), typeof(Tile3x32))]
[Kernel("winograd4-8x32", "convolution", typeof(WinogradF4), typeof(Tile8x32))]
[KernelTraits(IsHot = true)]
internal struct WinogradForward<TWinograd, TTile> : IWorkerKernel
    where TWinograd : struct, IWinogradTransform
    where TTile : struct, ICpuTile
{
    public ArrayView<float> Input, Kernel, Bias, Output, Scratch;
    public WinogradSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (input, kernel, bias, output, scratch, s) = (Input, Kernel, Bias, Output, Scratch, Sizes);
        var patch = LocalMemory.Allocate1D<float>(TWinograd.Positions * WinogradSteps.Lanes);
        var taps = LocalMemory.Allocate1D<float>(9 * TTile.Columns);
        var swapped = LocalMemory.Allocate1D<float>(9 * WinogradSteps.DepthBlock * TTile.Columns);
        var kernelFactors =
            LocalMemory.Allocate1D<float>(TWinograd.Positions * (WinogradSteps.DepthBlock * TTile.Columns + WinogradSteps.Gap));
        var products = LocalMemory.Allocate1D<float>(TWinograd.Positions * (WinogradSteps.BlockTiles * TTile.Columns + WinogradSteps.Gap));
        var result = LocalMemory.Allocate1D<float>(TWinograd.Outputs * TWinograd.Outputs * TTile.Columns);
        var factorStride = WinogradSteps.BlockTiles * WinogradSteps.DepthBlock + WinogradSteps.Gap;
        var kernelStride = WinogradSteps.DepthBlock * TTile.Columns + WinogradSteps.Gap;
        var productStride = WinogradSteps.BlockTiles * TTile.Columns + WinogradSteps.Gap;
        var depthBlocks = Rounding.CeilDiv(s.InputChannels, WinogradSteps.DepthBlock);
        var factors = Grid.IdxX * depthBlocks * TWinograd.Positions * factorStride;
        var columnTiles = Rounding.CeilDiv(s.OutputChannels, TTile.Columns);
        var transformed = WinogradSteps.NothingTransformed;

        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            var block = item / s.ColumnGroups;
            var firstColumnTile = (item - block * s.ColumnGroups) * s.ColumnTilesPerItem;
            var endColumnTile = IntrinsicMath.Min(columnTiles, firstColumnTile + s.ColumnTilesPerItem);
            var tile0 = block * s.TilesPerBlock;
            var tiles = IntrinsicMath.Min(s.TilesPerBlock, s.Tiles - tile0);
            if (block != transformed)
                for (var depthBlock = 0; depthBlock < depthBlocks; depthBlock++)
                    for (var t = 0; t < tiles; t++)
                        WinogradSteps.TransformInput<TWinograd>(input, depthBlock * WinogradSteps.DepthBlock,
                            IntrinsicMath.Min(WinogradSteps.DepthBlock, s.InputChannels - depthBlock * WinogradSteps.DepthBlock),
                            scratch, factors + depthBlock * TWinograd.Positions * factorStride + t * WinogradSteps.DepthBlock, factorStride,
                            patch, tile0 + t, s);
            transformed = block;
            for (var columnTile = firstColumnTile; columnTile < endColumnTile; columnTile++)
            {
                for (var depthBlock = 0; depthBlock < depthBlocks; depthBlock++)
                {
                    var depth0 = depthBlock * WinogradSteps.DepthBlock;
                    var depths = IntrinsicMath.Min(WinogradSteps.DepthBlock, s.InputChannels - depth0);
                    if (s.Swapped != 0)
                    {
                        WinogradSteps.SwapKernel<TTile>(kernel, depth0, depths, columnTile * TTile.Columns, swapped, s);
                        for (var d = 0; d < depths; d++)
                            for (var j = 0; j < TTile.Columns; j++)
                                TWinograd.Kernel(swapped, d * TTile.Columns + j, WinogradSteps.DepthBlock * TTile.Columns, kernelFactors,
                                    d * TTile.Columns + j, kernelStride);
                    }
                    else
                        for (var d = 0; d < depths; d++)
                            WinogradSteps.TransformKernel<TWinograd, TTile>(kernel, depth0 + d, columnTile * TTile.Columns, taps,
                                kernelFactors, d * TTile.Columns, kernelStride, s);
                    for (var position = 0; position < TWinograd.Positions; position++)
                        for (var t = 0; t < tiles; t += TTile.Rows)
                            RegisterTile.Multiply<TTile>(scratch, factors + (depthBlock * TWinograd.Positions + position) * factorStride
                                + t * WinogradSteps.DepthBlock, WinogradSteps.DepthBlock, 1,
                                kernelFactors, position * kernelStride, products, position * productStride + t * TTile.Columns, depths,
                                depth0 == 0);
                }
                for (var t = 0; t < tiles; t++)
                    WinogradSteps.TransformOutput<TWinograd, TTile>(products, t * TTile.Columns, productStride, result, bias, output,
                        tile0 + t, columnTile * TTile.Columns, s);
            }
        }
    }
}

/// <summary>The steps of these kernels.</summary>
internal static class WinogradSteps
{
    /// <summary>Most tiles per block, a multiple of the register tile's rows.</summary>
    public const int BlockTiles = 48;

    /// <summary>Channels that are transformed together: the vector lanes.</summary>
    public const int Lanes = 32;

    /// <summary>Input channels whose kernels are transformed at a time.</summary>
    public const int DepthBlock = 64;

    /// <summary>
    /// Floats between the ends of one position's block and the start of the next: one cache line. Without it the positions of a
    /// tile are a power of two apart, map to the same few cache sets and evict each other.
    /// </summary>
    public const int Gap = 16;

    /// <summary>
    /// The initial block number of a worker. Not −1: ILGPU writes that as 4294967295, and PoCL's compiler then prints
    /// warnings on the user's standard error.
    /// </summary>
    public const int NothingTransformed = int.MaxValue;

    /// <summary>Floats of scratch memory of a worker: factors [depth blocks][Positions][BlockTiles][DepthBlock].</summary>
    public static int ScratchPerWorker<TWinograd>(int inputChannels) where TWinograd : struct, IWinogradTransform =>
        Rounding.CeilDiv(inputChannels, DepthBlock) * TWinograd.Positions * (BlockTiles * DepthBlock + Gap);

    /// <summary>
    /// One tile's inputs, zeros outside the image, to factors, for <paramref name="channels"/> channels from
    /// <paramref name="channel0"/> on; up to the next multiple of <see cref="Lanes"/> zeros follow. <paramref name="factorStride"/> is a
    /// constant.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformInput<TWinograd>(
        ArrayView<float> input, int channel0, int channels, ArrayView<float> factors, int target, int factorStride,
        ArrayView<float> patch, int tile,
        WinogradSizes s)
        where TWinograd : struct, IWinogradTransform
    {
        var line = tile / s.TilesAcross;
        var left = (tile - line * s.TilesAcross) * TWinograd.Outputs - s.PaddingLeft;
        var n = line / s.TilesDown;
        var top = (line - n * s.TilesDown) * TWinograd.Outputs - s.PaddingTop;
        var inside = top >= 0 & left >= 0 & top + TWinograd.Inputs <= s.Height & left + TWinograd.Inputs <= s.Width;
        for (var c0 = 0; c0 < channels; c0 += Lanes)
        {
            var lanes = IntrinsicMath.Min(Lanes, channels - c0);
            if (inside & lanes == Lanes)
            {
                var source = ((n * s.Height + top) * s.Width + left) * s.InputChannels + channel0 + c0;
                for (var j = 0; j < Lanes; j++)
                    TWinograd.Input(input, source + j, s.Width * s.InputChannels, s.InputChannels, patch, j, Lanes);
            }
            else
            {
                for (var position = 0; position < TWinograd.Positions; position++)
                {
                    var row = position / TWinograd.Inputs;
                    var h = top + row;
                    var w = left + position - row * TWinograd.Inputs;
                    var at = position * Lanes;
                    var source = ((n * s.Height + h) * s.Width + w) * s.InputChannels + channel0 + c0;
                    var covered = h >= 0 & h < s.Height & w >= 0 & w < s.Width;
                    if (covered & lanes == Lanes)
                        for (var j = 0; j < Lanes; j++) patch[at + j] = input[source + j];
                    else if (covered)
                        for (var j = 0; j < lanes; j++) patch[at + j] = input[source + j];
                    else
                        for (var j = 0; j < Lanes; j++) patch[at + j] = 0;
                }
                for (var j = 0; j < Lanes; j++) TWinograd.Input(patch, j, TWinograd.Inputs * Lanes, Lanes, patch, j, Lanes);
            }
            // Copies from the patch with an outer loop over lanes: the compiler unrolls the positions and vectorizes the lanes. In the
            // other order it unrolls the lanes, and scatters the positions one by one.
            for (var j = 0; j < Lanes; j++)
                for (var position = 0; position < TWinograd.Positions; position++)
                    factors[target + c0 + j + position * factorStride] = patch[position * Lanes + j];
        }
    }

    /// <summary>A block of the kernel [3,3,K,C] to taps [3,3][DepthBlock][Columns], rotated if requested; columns past K are
    /// zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SwapKernel<TTile>(ArrayView<float> kernel, int depth0, int depths, int column, ArrayView<float> taps,
        WinogradSizes s)
        where TTile : struct, ICpuTile
    {
        var columns = IntrinsicMath.Min(TTile.Columns, s.OutputChannels - column);
        for (var tap = 0; tap < 9; tap++)
        {
            var source = ((s.Mirrored != 0 ? 8 - tap : tap) * s.OutputChannels + column) * s.InputChannels + depth0;
            var target = tap * DepthBlock * TTile.Columns;
            if (columns == TTile.Columns & depths == DepthBlock)
            {
                for (var j = 0; j < TTile.Columns; j += 4)
                    for (var d = 0; d < DepthBlock; d += 4)
                        SwapFour<TTile>(kernel, source + j * s.InputChannels + d, s.InputChannels, taps, target + d * TTile.Columns + j);
                continue;
            }
            for (var d = 0; d < depths; d++)
                for (var j = 0; j < TTile.Columns; j++)
                    taps[target + d * TTile.Columns + j] = j < columns ? kernel[source + j * s.InputChannels + d] : 0f;
        }
    }

    /// <summary>A square of four output by four input channels, in straight-line code: a loop would become gathers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SwapFour<TTile>(ArrayView<float> kernel, int source, int stride, ArrayView<float> taps, int target)
        where TTile : struct, ICpuTile
    {
        var a = kernel.SubView(source, 4);
        var b = kernel.SubView(source + stride, 4);
        var c = kernel.SubView(source + 2 * stride, 4);
        var d = kernel.SubView(source + 3 * stride, 4);
        float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
        float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
        float c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
        float d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3];
        StoreFour(taps, target, a0, b0, c0, d0);
        StoreFour(taps, target + TTile.Columns, a1, b1, c1, d1);
        StoreFour(taps, target + 2 * TTile.Columns, a2, b2, c2, d2);
        StoreFour(taps, target + 3 * TTile.Columns, a3, b3, c3, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(ArrayView<float> taps, int target, float a, float b, float c, float d)
    {
        taps[target] = a;
        taps[target + 1] = b;
        taps[target + 2] = c;
        taps[target + 3] = d;
    }

    /// <summary>The nine taps of one input channel for a register tile of output channels to factors; columns past K are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformKernel<TWinograd, TTile>(
        ArrayView<float> kernel, int channel, int column, ArrayView<float> taps, ArrayView<float> factors, int target, int factorStride,
        WinogradSizes s)
        where TWinograd : struct, IWinogradTransform
        where TTile : struct, ICpuTile
    {
        var columns = IntrinsicMath.Min(TTile.Columns, s.OutputChannels - column);
        var tapStride = s.InputChannels * s.OutputChannels;
        var first = (s.Mirrored != 0 ? 8 * tapStride : 0) + channel * s.OutputChannels + column;
        if (s.Mirrored != 0) tapStride = -tapStride;
        if (columns == TTile.Columns)
        {
            // Directly from the tensor: a copy of the nine rows would be vectorized across the taps, with gathers and scatters.
            for (var j = 0; j < TTile.Columns; j++) TWinograd.Kernel(kernel, first + j, tapStride, factors, target + j, factorStride);
        }
        else
        {
            for (var tap = 0; tap < 9; tap++)
                for (var j = 0; j < TTile.Columns; j++)
                    taps[tap * TTile.Columns + j] = j < columns ? kernel[first + tap * tapStride + j] : 0f;
            for (var j = 0; j < TTile.Columns; j++) TWinograd.Kernel(taps, j, TTile.Columns, factors, target + j, factorStride);
        }
    }

    /// <summary>One tile's products to outputs, bias and ReLU included; positions outside the image are dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformOutput<TWinograd, TTile>(
        ArrayView<float> products, int source, int productStride, ArrayView<float> result, ArrayView<float> bias,
        ArrayView<float> output, int tile,
        int column, WinogradSizes s)
        where TWinograd : struct, IWinogradTransform
        where TTile : struct, ICpuTile
    {
        for (var j = 0; j < TTile.Columns; j++) TWinograd.Output(products, source + j, productStride, result, j, TTile.Columns);
        var line = tile / s.TilesAcross;
        var left = (tile - line * s.TilesAcross) * TWinograd.Outputs;
        var n = line / s.TilesDown;
        var top = (line - n * s.TilesDown) * TWinograd.Outputs;
        var columns = IntrinsicMath.Min(TTile.Columns, s.OutputChannels - column);
        var rowsInside = IntrinsicMath.Min(TWinograd.Outputs, s.OutputHeight - top);
        var columnsInside = IntrinsicMath.Min(TWinograd.Outputs, s.OutputWidth - left);
        for (var row = 0; row < rowsInside; row++)
            for (var across = 0; across < columnsInside; across++)
            {
                var target = ((n * s.OutputHeight + top + row) * s.OutputWidth + left + across) * s.OutputChannels + column;
                RegisterTile.Store<TTile>(result, (row * TWinograd.Outputs + across) * TTile.Columns, output, target, bias, column, columns,
                    s.Epilogue);
            }
    }
}
