using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Convolution with three taps across and stride 1 by Winograd's F(4, 3) along the lines of the image: four neighbouring outputs from six
/// products for each line of the kernel and input channel, where the formula takes twelve. Unlike F(4×4, 3×3) all products of a group of
/// outputs fit into registers, so only the transformed factors are stored: made for layers with few input channels, whose sums are too
/// short to amortize a round trip through memory. CPU variant.
/// </summary>
internal sealed class WinogradLinesConvolution : IConvolutionAlgorithm
{
    /// <summary>Lines per item: enough to amortize those that two items both transform, few enough to distribute evenly.</summary>
    private const int LinesPerItem = 12;

    /// <summary>Floats of a cache line.</summary>
    private const int CacheLine = 16;

    /// <summary>Forward only, on CPUs, with three taps across and stride 1.</summary>
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) =>
        pass == ConvolutionPass.Forward && device.Shape == KernelShape.Cpu
            && g is { KernelWidth: 3, Stride: 1, InputChannels: <= WinogradLinesSteps.Channels };

    /// <summary>input [N,H,W,C] → output [N,OH,OW,K].</summary>
    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output,
        Epilogue epilogue)
    {
        if (device.HasWideVectors) Launch<LineTile2x32>(device, g, input, kernel, bias, output, epilogue);
        else Launch<LineTile1x16>(device, g, input, kernel, bias, output, epilogue);
    }

    /// <exception cref="NotSupportedException">Always; see <see cref="Supports"/>.</exception>
    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue) =>
        throw new NotSupportedException("Winograd along lines has no gradients");

    /// <exception cref="NotSupportedException">Always; see <see cref="Supports"/>.</exception>
    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue) =>
        throw new NotSupportedException("Winograd along lines has no gradients");

    private static void Launch<TTile>(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output,
        Epilogue epilogue)
        where TTile : struct, ILineTile
    {
        var itemsPerImage = Rounding.CeilDiv(g.OutputHeight, LinesPerItem);
        var tilesAcross = Rounding.CeilDiv(g.OutputWidth, TTile.Groups * WinogradLinesSteps.Outputs);
        var sizes = new LineSizes
        {
            Geometry = g,
            LinesPerItem = Rounding.CeilDiv(g.OutputHeight, itemsPerImage),
            ItemsPerImage = itemsPerImage,
            TilesAcross = tilesAcross,
            PaddedLength = (Math.Max(g.OutputWidth, TTile.Groups * WinogradLinesSteps.Outputs) + 2) * g.InputChannels
                + WinogradLinesSteps.Channels - 1,
            StepsPerColumn = (2 * g.KernelHeight - 1) * g.InputChannels,
            KernelLength = Rounding.CeilDiv(g.OutputChannels, TTile.Columns) * TTile.Columns * (2 * g.KernelHeight - 1) * g.InputChannels
                * WinogradLinesSteps.Positions,
            AddendLength = Rounding.CeilDiv(g.OutputChannels, TTile.Columns) * TTile.Columns,
            Epilogue = epilogue,
        };
        // Workers begin at whole cache lines.
        sizes.ScratchLength = Rounding.CeilDiv(sizes.KernelLength + sizes.AddendLength + sizes.PaddedLength
            + tilesAcross * g.KernelHeight * WinogradLinesSteps.Step<TTile>(), CacheLine) * CacheLine;
        var scratch = device.Pool.Rent((long)device.Workers * sizes.ScratchLength);
        device.Kernels.ForEachQueued(g.Batch * itemsPerImage, new WinogradLinesForward<TTile>
        {
            Input = input,
            Kernel = kernel,
            Bias = bias,
            Output = output,
            Scratch = scratch.View(device.Workers * sizes.ScratchLength),
            Sizes = sizes,
        });
        scratch.Release();
    }
}
