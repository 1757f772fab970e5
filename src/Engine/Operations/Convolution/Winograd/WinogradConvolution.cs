using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// 3×3 convolution with stride 1 by Winograd's minimal filtering, CPU variant: a worker transforms a block of input tiles
/// and, 32 channels at a time, the kernel, multiplies them position by position, and transforms the products back. The factors never
/// exist for the whole tensor, only in memory that stays in the worker's caches.
/// </summary>
internal sealed class WinogradConvolution<TWinograd> : IConvolutionAlgorithm
    where TWinograd : struct, IWinogradTransform
{
    /// <summary>
    /// Up to this many blocks of tiles, each swaps the kernel's channels itself, in the cache: for large kernels of small images, which
    /// took as long to write and read again as to multiply. If more blocks share a kernel, it is swapped once.
    /// </summary>
    private const int BlocksThatSwap = 2;

    /// <summary>3×3 kernels, stride 1, CPUs only.</summary>
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) =>
        device.Shape == KernelShape.Cpu && g is { KernelHeight: 3, KernelWidth: 3, Stride: 1 };

    /// <summary>input [N,H,W,C] → output [N,OH,OW,K].</summary>
    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output,
        Epilogue epilogue) =>
        Launch(device, input, kernel, bias, output, Sizes(g) with { Epilogue = epilogue });

    /// <summary>
    /// upstream [N,OH,OW,K] → gradient [N,H,W,C]: the same convolution of the upstream gradient, with the kernel mirrored, its
    /// channels swapped, and the padding that completes the kernel.
    /// </summary>
    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        var sizes = Sizes(g.Batch, g.OutputHeight, g.OutputWidth, g.OutputChannels, g.Height, g.Width, g.InputChannels, 2 - g.PaddingTop,
            2 - g.PaddingLeft)
            with
        { Mirrored = 1, Epilogue = epilogue };
        if (Rounding.CeilDiv(sizes.Tiles, WinogradSteps.BlockTiles) <= BlocksThatSwap)
        {
            Launch(device, upstream, kernel, device.Nothing.View(1), gradient, sizes with { Swapped = 1 });
            return;
        }
        var swapped = KernelTranspose.Rent(device, kernel, g);
        Launch(device, upstream, swapped.View(kernel.IntLength), device.Nothing.View(1), gradient, sizes);
        swapped.Release();
    }

    /// <summary>upstream [N,OH,OW,K], input [N,H,W,C] → gradient [3,3,C,K].</summary>
    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        var forward = Sizes(g);
        var blocks = Rounding.CeilDiv(forward.Tiles, WinogradGradKernelSteps.BlockTiles);
        var cells = Rounding.CeilDiv(g.InputChannels, WinogradGradKernelSteps.InputBlock)
            * Rounding.CeilDiv(g.OutputChannels, WinogradGradKernelSteps.OutputBlock);
        var blocksPerSplit = Rounding.CeilDiv(blocks, Math.Min(blocks, Rounding.CeilDiv(device.SumParts, cells)));
        var splits = Rounding.CeilDiv(blocks, blocksPerSplit);
        var sizes = new WinogradGradientSizes { Forward = forward, BlocksPerSplit = blocksPerSplit };
        // A single part, without accumulation, is the gradient itself.
        var parts = splits == 1 && epilogue.Accumulate == 0 ? null : device.Pool.Rent((long)splits * gradient.IntLength);
        var sums = parts?.View(splits * gradient.IntLength) ?? gradient;
        if (device.HasWideVectors) Launch<Tile8x32>();
        else Launch<Tile3x32>();
        if (parts is null) return;
        SplitSum.Launch(device, sums, gradient, 9 * g.InputChannels, g.OutputChannels, splits, epilogue);
        parts.Release();

        void Launch<TTile>()
            where TTile : struct, ICpuTile => device.Kernels.ForEachQueued(splits * cells, new WinogradGradKernel<TWinograd, TTile>
            {
                Upstream = upstream,
                Input = input,
                Parts = sums,
                Sizes = sizes,
            });
    }

    private static WinogradSizes Sizes(ConvolutionGeometry g) => Sizes(
        g.Batch, g.Height, g.Width, g.InputChannels, g.OutputHeight, g.OutputWidth, g.OutputChannels, g.PaddingTop, g.PaddingLeft);

    private static WinogradSizes Sizes(
        int batch, int height, int width, int inputChannels, int outputHeight, int outputWidth, int outputChannels, int top, int left)
    {
        var down = Rounding.CeilDiv(outputHeight, TWinograd.Outputs);
        var across = Rounding.CeilDiv(outputWidth, TWinograd.Outputs);
        return new WinogradSizes
        {
            Batch = batch,
            Height = height,
            Width = width,
            InputChannels = inputChannels,
            OutputHeight = outputHeight,
            OutputWidth = outputWidth,
            OutputChannels = outputChannels,
            PaddingTop = top,
            PaddingLeft = left,
            TilesDown = down,
            TilesAcross = across,
            Tiles = batch * down * across,
        };
    }

    private static void Launch(
        Device device, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output, WinogradSizes sizes)
    {
        var columnTiles = Rounding.CeilDiv(sizes.OutputChannels, Tile3x32.Columns);
        // Even division: 100 tiles become 36, 36 and 28, not 48, 48 and 4.
        var blocks = Rounding.CeilDiv(sizes.Tiles, WinogradSteps.BlockTiles);
        sizes.TilesPerBlock = Math.Min(
            WinogradSteps.BlockTiles, Rounding.CeilDiv(Rounding.CeilDiv(sizes.Tiles, blocks), Tile8x32.Rows) * Tile8x32.Rows);
        blocks = Rounding.CeilDiv(sizes.Tiles, sizes.TilesPerBlock);
        // If there are few blocks, several items share one, each with some of the output channels. Many items, because these are the
        // largest, and a worker that shares its core with another program delays the others by the length of one.
        var groups = blocks >= device.ParallelItems ? 1 : Math.Min(columnTiles, Rounding.CeilDiv(2 * device.ParallelItems, blocks));
        sizes.ColumnTilesPerItem = Rounding.CeilDiv(columnTiles, groups);
        sizes.ColumnGroups = Rounding.CeilDiv(columnTiles, sizes.ColumnTilesPerItem);

        var scratchLength = device.Workers * WinogradSteps.ScratchPerWorker<TWinograd>(sizes.InputChannels);
        var scratch = device.Pool.Rent(scratchLength);
        if (device.HasWideVectors) LaunchTiles<Tile8x32>();
        else LaunchTiles<Tile3x32>();
        scratch.Release();

        void LaunchTiles<TTile>() where TTile : struct, ICpuTile =>
            device.Kernels.ForEachQueued(blocks * sizes.ColumnGroups, new WinogradForward<TWinograd, TTile>
            {
                Input = input,
                Kernel = kernel,
                Bias = bias,
                Output = output,
                Scratch = scratch.View(scratchLength),
                Sizes = sizes,
            });
    }
}
