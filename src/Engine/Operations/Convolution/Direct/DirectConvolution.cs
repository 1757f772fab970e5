using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Convolution without a patch matrix, CPU variant: lines of the image are copied once, with their padding, to memory
/// that stays in the first-level cache, and the register tile moves along them. Made for layers with few input channels, whose
/// patches are so short that packing them costs more than multiplying.
/// </summary>
internal sealed class DirectConvolution : IConvolutionAlgorithm
{
    /// <summary>Lines per item: enough to hide the cost of taking one, few enough to distribute evenly.</summary>
    private const int LinesPerItem = 8;

    /// <summary>Largest kernel that is read in place: 16 KiB, half of a first-level cache.</summary>
    private const int LargestKernelInPlace = 4096;

    /// <summary>CPUs only; input gradient for stride 1 only.</summary>
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) =>
        device.Shape == KernelShape.Cpu && (pass != ConvolutionPass.GradInput || g.Stride == 1);

    /// <summary>input [N,H,W,C] → output [N,OH,OW,K].</summary>
    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output,
        Epilogue epilogue)
    {
        var packed = Packed(device, g, kernel);
        var right = packed?.View(PackedLength(g)) ?? kernel;
        var lineLength = LineLength(g);
        var sizes = new DirectSizes
        {
            Geometry = g,
            LinesPerItem = LinesPerItem,
            LineLength = lineLength,
            ScratchLength = g.KernelHeight * lineLength,
            KernelStride = packed is null ? g.OutputChannels : Tile3x32.Columns,
            KernelTileStride = packed is null ? Tile3x32.Columns : g.PatchLength * Tile3x32.Columns,
            Epilogue = epilogue,
        };
        var scratch = device.Pool.Rent((long)device.Workers * sizes.ScratchLength);
        var view = scratch.View(device.Workers * sizes.ScratchLength);
        var items = Rounding.CeilDiv(g.Batch * g.OutputHeight, LinesPerItem);
        if (device.HasWideVectors) Launch<Tile8x32>();
        else Launch<Tile3x32>();
        scratch.Release();
        packed?.Release();

        void Launch<TTile>() where TTile : struct, ICpuTile => device.Kernels.ForEachQueued(items, new DirectForward<TTile>
        {
            Input = input,
            Kernel = right,
            Bias = bias,
            Output = output,
            Scratch = view,
            Sizes = sizes,
        });
    }

    /// <summary>
    /// The kernel in register tiles of output channels, which the caller releases; null if it can be read in place: complete tiles, and so
    /// small that it stays in the first-level cache.
    /// </summary>
    private static DeviceBuffer? Packed(Device device, ConvolutionGeometry g, ArrayView<float> kernel)
    {
        if (g.OutputChannels % Tile3x32.Columns == 0 && kernel.Length <= LargestKernelInPlace) return null;
        var length = PackedLength(g);
        var packed = device.Pool.Rent(length);
        device.Kernels.ForEachGroup(new(length / (g.PatchLength * Tile3x32.Columns)),
            new DirectPack<Tile3x32> { Kernel = kernel, Packed = packed.View(length), Depth = g.PatchLength, Columns = g.OutputChannels });
        return packed;
    }

    private static int PackedLength(ConvolutionGeometry g) =>
        Rounding.CeilDiv(g.OutputChannels, Tile3x32.Columns) * g.PatchLength * Tile3x32.Columns;

    /// <summary>upstream [N,OH,OW,K] → gradient [N,H,W,C], stride 1.</summary>
    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        var channelTiles = Rounding.CeilDiv(g.InputChannels, DirectSteps.Channels);
        var columns = DirectSteps.PaddedColumns(g);
        var packedLength = channelTiles * g.KernelHeight * g.KernelWidth * DirectSteps.Channels * columns;
        var packed = device.Pool.Rent(packedLength);
        device.Kernels.ForEachGroup(new(channelTiles),
            new DirectPackForInput { Kernel = kernel, Packed = packed.View(packedLength), Geometry = g });
        var lineLength = (Rounding.CeilDiv(g.Width, DirectSteps.Pixels) * DirectSteps.Pixels + g.KernelWidth - 1) * columns;
        var sizes = new DirectSizes
        {
            Geometry = g,
            LinesPerItem = LinesPerItem,
            LineLength = lineLength,
            ScratchLength = g.KernelHeight * lineLength,
            Epilogue = epilogue,
        };
        var scratch = device.Pool.Rent((long)device.Workers * sizes.ScratchLength);
        device.Kernels.ForEachQueued(Rounding.CeilDiv(g.Batch * g.Height, LinesPerItem), new DirectGradInput
        {
            Upstream = upstream,
            Packed = packed.View(packedLength),
            Gradient = gradient,
            Scratch = scratch.View(device.Workers * sizes.ScratchLength),
            Sizes = sizes,
        });
        scratch.Release();
        packed.Release();
    }

    /// <summary>upstream [N,OH,OW,K], input [N,H,W,C] → gradient [KH,KW,C,K].</summary>
    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        var lines = g.Batch * g.OutputHeight;
        var linesPerItem = Rounding.CeilDiv(lines, Math.Min(lines, device.SumParts * 2));
        var items = Rounding.CeilDiv(lines, linesPerItem);
        var lineLength = LineLength(g);
        var sumsLength = Rounding.CeilDiv(g.OutputChannels, Tile3x32.Columns) * g.KernelHeight * DirectSteps.SumRows(g) * Tile3x32.Columns;
        var sizes = new DirectSizes
        {
            Geometry = g,
            LinesPerItem = linesPerItem,
            LineLength = lineLength,
            ScratchLength = g.KernelHeight * lineLength + sumsLength
        };
        var parts = device.Pool.Rent((long)items * gradient.IntLength);
        var partsView = parts.View(items * gradient.IntLength);
        var scratch = device.Pool.Rent((long)device.Workers * sizes.ScratchLength);
        var view = scratch.View(device.Workers * sizes.ScratchLength);
        if (device.HasWideVectors) Launch<Tile8x32>();
        else Launch<Tile3x32>();
        SplitSum.Launch(device, partsView, gradient, g.PatchLength, g.OutputChannels, items, epilogue);
        scratch.Release();
        parts.Release();

        void Launch<TTile>() where TTile : struct, ICpuTile => device.Kernels.ForEachQueued(items, new DirectGradKernel<TTile>
        {
            Upstream = upstream,
            Input = input,
            Parts = partsView,
            Scratch = view,
            Sizes = sizes,
        });
    }

    /// <summary>Length of a padded line: enough for the last register tile of either kind, whose rows past the output's width are
    /// dropped.</summary>
    private static int LineLength(ConvolutionGeometry g) =>
        ((g.OutputWidth + Tile8x32.Rows - 2) * g.Stride + g.KernelWidth) * g.InputChannels + Tile8x32.Rows;
}
