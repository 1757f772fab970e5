using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// The textbook method (<c>im2col</c>): the patches of the image, one row per output pixel, are written to memory as a
/// matrix, KH·KW times as large as the image, and multiplied. The rung between the formula and the algorithms that avoid that
/// memory.
/// </summary>
internal sealed class Im2colConvolution : IConvolutionAlgorithm
{
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) =>
        (long)g.OutputPixels * g.PatchLength * sizeof(float) <= Math.Min(device.Description.LargestAllocationBytes,
            int.MaxValue * (long)sizeof(float));

    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output, Epilogue epilogue)
    {
        var patches = Unfold(device, g, input);
        ProductLauncher.Launch(device, new LeftMatrix(patches.View(g.OutputPixels * g.PatchLength), g.PatchLength),
            new RightMatrix(kernel, g.OutputChannels),
            g.OutputPixels, g.OutputChannels, g.PatchLength, output, epilogue, bias);
        patches.Release();
    }

    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        // dPatches = dY·Wᵀ, and every input pixel sums over all patches that contain it.
        var patches = device.Pool.Rent((long)g.OutputPixels * g.PatchLength);
        var view = patches.View(g.OutputPixels * g.PatchLength);
        ProductLauncher.Launch(device, new LeftMatrix(upstream, g.OutputChannels), new RightTransposed(kernel, g.OutputChannels),
            g.OutputPixels, g.PatchLength, g.OutputChannels, view, Epilogue.Of());
        device.Kernels.ForEachElement(gradient.IntLength,
            new Im2colFold { Patches = view, Gradient = gradient, Geometry = g, Accumulate = epilogue.Accumulate },
                inFours: (g.InputChannels & 3) == 0);
        patches.Release();
    }

    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        var patches = Unfold(device, g, input);
        ProductLauncher.Launch(device, new LeftTransposed(patches.View(g.OutputPixels * g.PatchLength), g.PatchLength),
            new RightMatrix(upstream, g.OutputChannels),
            g.PatchLength, g.OutputChannels, g.OutputPixels, gradient, epilogue);
        patches.Release();
    }

    private static DeviceBuffer Unfold(Device device, ConvolutionGeometry g, ArrayView<float> input)
    {
        var patches = device.Pool.Rent((long)g.OutputPixels * g.PatchLength);
        var length = g.OutputPixels * g.PatchLength;
        var source = new InputPatches(input, g);
        device.Kernels.ForEachElement(length,
            new Im2colUnfold { Input = source, Patches = patches.View(length), PatchLength = g.PatchLength },
                inFours: source.FoursAreAligned);
        return patches;
    }
}
