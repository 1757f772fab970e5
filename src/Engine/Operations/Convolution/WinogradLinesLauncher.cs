using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;
using static Convolve.Engine.Operations.BlockProduct.ProductLauncher;
using Device = Convolve.Engine.Devices.Device;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>Shares a convolution by Winograd along lines out over a processor.</summary>
internal sealed class WinogradLinesLauncher : IConvolutionAlgorithm
{
    /// <summary>Lines of an item: enough to make up for those that two items transform twice, few enough to share out evenly.</summary>
    private const int LinesPerItem = 12;

    /// <summary>Floats of a cache line.</summary>
    private const int CacheLine = 16;

    /// <summary>So far only forward, in the shape for processors, with three taps across and stride 1.</summary>
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) =>
        pass == ConvolutionPass.Forward && device.Shape == KernelShape.Cpu && g is { KernelWidth: 3, Stride: 1, InputChannels: <= WinogradLines.Channels };

    /// <summary>input [N,H,W,C] → output [N,OH,OW,K].</summary>
    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output,
        Epilogue epilogue)
    {
        if (device.HasWideVectors) Launch<LineTile2x32>(device, g, input, kernel, bias, output, epilogue);
        else Launch<LineTile1x16>(device, g, input, kernel, bias, output, epilogue);
    }

    /// <exception cref="NotSupportedException">Always: <see cref="Supports"/> says so.</exception>
    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient, Epilogue epilogue) =>
        throw new NotSupportedException("Winograd along lines has no gradients");

    /// <exception cref="NotSupportedException">Always: <see cref="Supports"/> says so.</exception>
    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient, Epilogue epilogue) =>
        throw new NotSupportedException("Winograd along lines has no gradients");

    private static void Launch<TTile>(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output,
        Epilogue epilogue)
        where TTile : struct, ILineTile
    {
        var itemsPerImage = Blocks(g.OutputHeight, LinesPerItem);
        var tilesAcross = Blocks(g.OutputWidth, TTile.Groups * WinogradLines.Outputs);
        var sizes = new LineSizes
        {
            Geometry = g,
            LinesPerItem = Blocks(g.OutputHeight, itemsPerImage),
            ItemsPerImage = itemsPerImage,
            TilesAcross = tilesAcross,
            PaddedLength = (Math.Max(g.OutputWidth, TTile.Groups * WinogradLines.Outputs) + 2) * g.InputChannels + WinogradLines.Channels - 1,
            StepsPerColumn = (2 * g.KernelHeight - 1) * g.InputChannels,
            KernelLength = Blocks(g.OutputChannels, TTile.Columns) * TTile.Columns * (2 * g.KernelHeight - 1) * g.InputChannels * WinogradLines.Positions,
            AddendLength = Blocks(g.OutputChannels, TTile.Columns) * TTile.Columns,
            Epilogue = epilogue,
        };
        // Workers begin at whole cache lines.
        sizes.ScratchLength = Blocks(sizes.KernelLength + sizes.AddendLength + sizes.PaddedLength + tilesAcross * g.KernelHeight * WinogradLines.Step<TTile>(), CacheLine) * CacheLine;
        var scratch = device.Pool.Rent((long)device.Workers * sizes.ScratchLength);
        device.LaunchItems(WinogradLines.Forward<TTile>, g.Batch * itemsPerImage,
            input, kernel, bias, output, scratch.View(device.Workers * sizes.ScratchLength), sizes);
        scratch.Release();
    }
}
