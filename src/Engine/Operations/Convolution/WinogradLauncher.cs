using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;
using ILGPU.Runtime;
using Device = Convolve.Engine.Devices.Device;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>Shares a Winograd convolution out over a processor.</summary>
internal static class WinogradLauncher
{
    /// <summary>Fewer tiles than this do not pay for transforming the kernel; fewer channels not for transforming the tiles.</summary>
    private const int FewestTiles = 64, FewestChannels = 16;

    /// <summary>Whether the algorithm exists for a geometry on a device: 3×3 kernels, stride 1, and so far only the shape for processors.</summary>
    public static bool Supports(ConvolutionGeometry g, Device device) =>
        device.Shape == KernelShape.Cpu && g is { KernelHeight: 3, KernelWidth: 3, Stride: 1 };

    /// <summary>Whether it is likely to be the fastest: see docs/performance.md.</summary>
    public static bool Pays(ConvolutionGeometry g, Device device) =>
        Supports(g, device) && g.InputChannels >= FewestChannels && g.OutputChannels >= FewestChannels
        && g.Batch * Quotient(g.OutputHeight, WinogradTransform.Outputs) * Quotient(g.OutputWidth, WinogradTransform.Outputs) >= FewestTiles;

    /// <summary>input [N,H,W,C] → output [N,OH,OW,K].</summary>
    public static void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output,
        Epilogue epilogue) =>
        Launch(device, input, kernel, bias, output, mirrored: false, Sizes(
            g.Batch, g.Height, g.Width, g.InputChannels, g.OutputHeight, g.OutputWidth, g.OutputChannels, g.PaddingTop, g.PaddingLeft, epilogue));

    /// <summary>
    /// upstream [N,OH,OW,K] → gradient [N,H,W,C]: the same convolution of the upstream gradient, with the kernel mirrored, its
    /// channels swapped, and the padding that completes the kernel.
    /// </summary>
    public static void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient, Epilogue epilogue) =>
        Launch(device, upstream, kernel, device.Nothing.View(1), gradient, mirrored: true, Sizes(
            g.Batch, g.OutputHeight, g.OutputWidth, g.OutputChannels, g.Height, g.Width, g.InputChannels, 2 - g.PaddingTop, 2 - g.PaddingLeft, epilogue));

    private static WinogradSizes Sizes(
        int batch, int height, int width, int inputChannels, int outputHeight, int outputWidth, int outputChannels, int top, int left, Epilogue epilogue)
    {
        var down = Quotient(outputHeight, WinogradTransform.Outputs);
        var across = Quotient(outputWidth, WinogradTransform.Outputs);
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
            Epilogue = epilogue,
        };
    }

    private static void Launch(
        Device device, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output, bool mirrored, WinogradSizes sizes)
    {
        var columnTiles = Quotient(sizes.OutputChannels, Tile3x32.Columns);
        var blocks = Quotient(sizes.Tiles, WinogradConvolution.BlockTiles);
        // Few items, each with a scratch buffer that stays in its caches and is used for one block after the other; where there are
        // fewer blocks than items, the output channels are shared out, too.
        var items = Math.Min(device.ParallelItems, blocks);
        var groups = Math.Min(columnTiles, Quotient(device.ParallelItems / 2, items));
        sizes.TilesPerBlock = Math.Min(WinogradConvolution.BlockTiles, Quotient(Quotient(sizes.Tiles, blocks), Tile6x32.Rows) * Tile6x32.Rows);
        sizes.Blocks = Quotient(sizes.Tiles, sizes.TilesPerBlock);
        sizes.ColumnTilesPerItem = Quotient(columnTiles, groups);
        groups = Quotient(columnTiles, sizes.ColumnTilesPerItem);

        var transformedLength = WinogradTransform.Positions * (sizes.InputChannels * columnTiles * Tile3x32.Columns + WinogradConvolution.Gap);
        var scratchLength = items * groups * WinogradTransform.Positions * (WinogradConvolution.BlockTiles * sizes.InputChannels + WinogradConvolution.Gap);
        var transformed = device.Pool.Rent(transformedLength);
        var scratch = device.Pool.Rent(scratchLength);
        device.Launch(WinogradConvolution.TransformKernel<Tile3x32>,
            new KernelConfig(new Index2D(Quotient(sizes.InputChannels, WinogradConvolution.KernelChannels), columnTiles), new Index2D(1, 1)),
            kernel, transformed.View(transformedLength), sizes.InputChannels, sizes.OutputChannels, mirrored ? 1 : 0);
        var grid = new KernelConfig(new Index2D(items, groups), new Index2D(1, 1));
        if (device.VectorLanes >= 16)
            device.Launch(WinogradConvolution.Forward<Tile6x32>, grid, input, transformed.View(transformedLength), bias, output, scratch.View(scratchLength), sizes);
        else
            device.Launch(WinogradConvolution.Forward<Tile3x32>, grid, input, transformed.View(transformedLength), bias, output, scratch.View(scratchLength), sizes);
        scratch.Release();
        transformed.Release();
    }

    private static int Quotient(int length, int block) => (length + block - 1) / block;
}
