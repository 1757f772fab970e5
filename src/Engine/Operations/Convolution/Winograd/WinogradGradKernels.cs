using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The division of Winograd's kernel gradient into items.</summary>
internal struct WinogradGradientSizes
{
    /// <summary>The forward convolution; its epilogue is not used.</summary>
    public WinogradSizes Forward;

    /// <summary>Blocks of tiles in one part of the long sum.</summary>
    public int BlocksPerSplit;
}


// dy [N,OH,OW,K], x [N,H,W,C], parts [splits][3,3,C,K]: of a single part the gradient itself
[Kernel("winograd2-kernel-gradient-3x32", "convolution", typeof(WinogradF2), typeof(Tile3x32))]
[Kernel("winograd2-kernel-gradient-8x32", "convolution", typeof(WinogradF2), typeof(Tile8x32))]
[Kernel("winograd4-kernel-gradient-3x32", "convolution", typeof(WinogradF4), typeof(Tile3x32))]
[Kernel("winograd4-kernel-gradient-8x32", "convolution", typeof(WinogradF4), typeof(Tile8x32))]
[KernelTraits(IsHot = true)]
internal struct WinogradGradKernel<TWinograd, TTile> : IWorkerKernel
    where TWinograd : struct, IWinogradTransform
    where TTile : struct, ICpuTile
{
    public ArrayView<float> Upstream, Input, Parts;
    public WinogradGradientSizes Sizes;

    public readonly void Run(WorkQueue queue)
    {
        var (upstream, input, parts, sizes) = (Upstream, Input, Parts, Sizes);
        var s = sizes.Forward;
        var patch = LocalMemory.Allocate1D<float>(TWinograd.Positions * WinogradSteps.Lanes);
        // Factors of the input [Positions][tiles][rows], of the upstream gradient [Positions][column tiles][tiles][32], products
        // [Positions][column tiles][rows][32].
        var inputFactors = LocalMemory.Allocate1D<float>(
            TWinograd.Positions * (WinogradGradKernelSteps.BlockTiles * WinogradGradKernelSteps.BlockRows + WinogradSteps.Gap));
        var upstreamFactors = LocalMemory.Allocate1D<float>(
            TWinograd.Positions * (WinogradGradKernelSteps.BlockTiles * WinogradGradKernelSteps.OutputBlock + WinogradSteps.Gap));
        var products = LocalMemory.Allocate1D<float>(
            TWinograd.Positions * (WinogradGradKernelSteps.BlockRows * WinogradGradKernelSteps.OutputBlock + WinogradSteps.Gap));
        var inputStride = WinogradGradKernelSteps.BlockTiles * WinogradGradKernelSteps.BlockRows + WinogradSteps.Gap;
        var upstreamStride = WinogradGradKernelSteps.BlockTiles * WinogradGradKernelSteps.OutputBlock + WinogradSteps.Gap;
        var productStride = WinogradGradKernelSteps.BlockRows * WinogradGradKernelSteps.OutputBlock + WinogradSteps.Gap;
        var inputBlocks = Rounding.CeilDiv(s.InputChannels, WinogradGradKernelSteps.InputBlock);
        var outputBlocks = Rounding.CeilDiv(s.OutputChannels, WinogradGradKernelSteps.OutputBlock);
        // The rows between the last channel and the end of its register tile are computed but not used; they must hold numbers.
        for (var i = 0; i < TWinograd.Positions * inputStride; i++) inputFactors[i] = 0;

        var transformed = WinogradSteps.NothingTransformed;
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            var cell = item / inputBlocks;
            var split = cell / outputBlocks;
            var channel0 = (item - cell * inputBlocks) * WinogradGradKernelSteps.InputBlock;
            var channels = IntrinsicMath.Min(WinogradGradKernelSteps.InputBlock, s.InputChannels - channel0);
            var column0 = (cell - split * outputBlocks) * WinogradGradKernelSteps.OutputBlock;
            var columns = IntrinsicMath.Min(WinogradGradKernelSteps.OutputBlock, s.OutputChannels - column0);
            var firstTile = split * sizes.BlocksPerSplit * WinogradGradKernelSteps.BlockTiles;
            var endTile = IntrinsicMath.Min(s.Tiles, firstTile + sizes.BlocksPerSplit * WinogradGradKernelSteps.BlockTiles);
            for (var tile0 = firstTile; tile0 < endTile; tile0 += WinogradGradKernelSteps.BlockTiles)
            {
                var tiles = IntrinsicMath.Min(WinogradGradKernelSteps.BlockTiles, endTile - tile0);
                for (var t = 0; t < tiles; t++)
                    WinogradSteps.TransformInput<TWinograd>(input, channel0, channels, inputFactors, t * WinogradGradKernelSteps.BlockRows,
                        inputStride, patch, tile0 + t, s);
                // Consecutive items have other input channels but the same upstream gradients; for a single block of tiles those are still
                // cached.
                if (cell != transformed)
                    for (var t = 0; t < tiles; t++)
                        WinogradGradKernelSteps.TransformUpstream<TWinograd>(upstream, column0, columns, upstreamFactors,
                            t * WinogradSteps.Lanes, upstreamStride, patch, tile0 + t, s);
                for (var position = 0; position < TWinograd.Positions; position++)
                    // A constant number of column tiles, so that the compiler sees that no index wraps around.
                    for (var c = 0; c < WinogradGradKernelSteps.OutputBlock; c += TTile.Columns)
                        for (var r = 0; r < (c < columns ? channels : 0); r += TTile.Rows)
                            RegisterTile.Multiply<TTile>(inputFactors, position * inputStride + r, 1, WinogradGradKernelSteps.BlockRows,
                                upstreamFactors, position * upstreamStride + c * WinogradGradKernelSteps.BlockTiles,
                                products, position * productStride + c * WinogradGradKernelSteps.BlockRows + r * TTile.Columns, tiles,
                                tile0 == firstTile);
            }
            transformed = sizes.BlocksPerSplit == 1 ? cell : WinogradSteps.NothingTransformed;
            for (var c = 0; c < columns; c += TTile.Columns)
                for (var r = 0; r < channels; r++)
                    WinogradGradKernelSteps.TransformGradient<TWinograd, TTile>(products,
                        c * WinogradGradKernelSteps.BlockRows + r * TTile.Columns, productStride, patch, parts,
                        (split * 9 * s.InputChannels + channel0 + r) * s.OutputChannels + column0 + c,
                        IntrinsicMath.Min(TTile.Columns, columns - c), s);
        }
    }
}

/// <summary>The steps of these kernels.</summary>
internal static class WinogradGradKernelSteps
{
    /// <summary>Input and output channels of an item: their products [Positions][InputBlock][OutputBlock] stay in a worker's
    /// caches.</summary>
    public const int InputBlock = 64, OutputBlock = 64;

    /// <summary>Tiles transformed at a time.</summary>
    public const int BlockTiles = 48;

    /// <summary>Rows of a block of products: the input channels, rounded up to whole register tiles of any kind.</summary>
    public const int BlockRows = 66;

    /// <summary>One tile's upstream gradients, zeros outside the image, to factors [Positions][column tiles][tiles][32].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformUpstream<TWinograd>(
        ArrayView<float> upstream, int column0, int columns, ArrayView<float> factors, int target, int factorStride,
        ArrayView<float> patch, int tile,
        WinogradSizes s)
        where TWinograd : struct, IWinogradTransform
    {
        var line = tile / s.TilesAcross;
        var left = (tile - line * s.TilesAcross) * TWinograd.Outputs;
        var n = line / s.TilesDown;
        var top = (line - n * s.TilesDown) * TWinograd.Outputs;
        var inside = top + TWinograd.Outputs <= s.OutputHeight & left + TWinograd.Outputs <= s.OutputWidth;
        for (var k0 = 0; k0 < columns; k0 += WinogradSteps.Lanes)
        {
            var lanes = IntrinsicMath.Min(WinogradSteps.Lanes, columns - k0);
            var to = target + k0 * BlockTiles;
            if (inside & lanes == WinogradSteps.Lanes)
            {
                var source = ((n * s.OutputHeight + top) * s.OutputWidth + left) * s.OutputChannels + column0 + k0;
                for (var j = 0; j < WinogradSteps.Lanes; j++)
                    TWinograd.Upstream(upstream, source + j, s.OutputWidth * s.OutputChannels, s.OutputChannels, factors, to + j,
                        factorStride);
                continue;
            }
            for (var pixel = 0; pixel < TWinograd.Outputs * TWinograd.Outputs; pixel++)
            {
                var row = pixel / TWinograd.Outputs;
                var h = top + row;
                var w = left + pixel - row * TWinograd.Outputs;
                var at = pixel * WinogradSteps.Lanes;
                var source = ((n * s.OutputHeight + h) * s.OutputWidth + w) * s.OutputChannels + column0 + k0;
                var covered = h < s.OutputHeight & w < s.OutputWidth;
                if (covered & lanes == WinogradSteps.Lanes)
                {
                    for (var j = 0; j < WinogradSteps.Lanes; j++) patch[at + j] = upstream[source + j];
                    continue;
                }
                for (var j = 0; j < WinogradSteps.Lanes; j++) patch[at + j] = 0;
                if (covered)
                    for (var j = 0; j < lanes; j++) patch[at + j] = upstream[source + j];
            }
            for (var j = 0; j < WinogradSteps.Lanes; j++)
                TWinograd.Upstream(patch, j, TWinograd.Outputs * WinogradSteps.Lanes, WinogradSteps.Lanes, factors, to + j, factorStride);
        }
    }

    /// <summary>Summed products of one input channel and a register tile of output channels to the nine taps' gradients.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformGradient<TWinograd, TTile>(
        ArrayView<float> products, int source, int productStride, ArrayView<float> taps, ArrayView<float> parts, int target, int columns,
        WinogradSizes s)
        where TWinograd : struct, IWinogradTransform
        where TTile : struct, ICpuTile
    {
        for (var j = 0; j < TTile.Columns; j++) TWinograd.KernelGradient(products, source + j, productStride, taps, j, TTile.Columns);
        var stride = s.InputChannels * s.OutputChannels;
        if (columns == TTile.Columns)
        {
            // Unrolled by hand: a loop over the taps would be vectorized across them and scattered lane by lane.
            StoreTap<TTile>(taps, 0, parts, target);
            StoreTap<TTile>(taps, 1, parts, target + stride);
            StoreTap<TTile>(taps, 2, parts, target + 2 * stride);
            StoreTap<TTile>(taps, 3, parts, target + 3 * stride);
            StoreTap<TTile>(taps, 4, parts, target + 4 * stride);
            StoreTap<TTile>(taps, 5, parts, target + 5 * stride);
            StoreTap<TTile>(taps, 6, parts, target + 6 * stride);
            StoreTap<TTile>(taps, 7, parts, target + 7 * stride);
            StoreTap<TTile>(taps, 8, parts, target + 8 * stride);
        }
        else
        {
            for (var tap = 0; tap < 9; tap++)
                for (var j = 0; j < columns; j++) parts[target + tap * stride + j] = taps[tap * TTile.Columns + j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTap<TTile>(ArrayView<float> taps, int tap, ArrayView<float> parts, int target) where TTile : struct, ICpuTile
    {
        for (var j = 0; j < TTile.Columns; j++) parts[target + j] = taps[tap * TTile.Columns + j];
    }
}
