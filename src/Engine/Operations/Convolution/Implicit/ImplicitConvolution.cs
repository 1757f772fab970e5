using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Convolution as a matrix product whose patch matrix exists only block by block, in caches or shared memory: see
/// <see cref="InputPatches"/>, <see cref="CpuBlockProduct{TLeft,TRight,TTile}"/> and <see cref="GpuBlockProduct{TLeft,TRight}"/>.
/// </summary>
internal sealed class ImplicitConvolution : IConvolutionAlgorithm
{
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) => true;

    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output, Epilogue epilogue) =>
        ProductLauncher.Launch(device, new InputPatches(input, g), new RightMatrix(kernel, g.OutputChannels),
            g.OutputPixels, g.OutputChannels, g.PatchLength, output, epilogue, bias);

    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        // The kernel's channels are swapped once, so that blocks of it are packed as fast as they are stored.
        var swapped = KernelTranspose.Rent(device, kernel, g);
        ProductLauncher.Launch(device, new UpstreamPatches(upstream, g), new RightMatrix(swapped.View(kernel.IntLength), g.InputChannels),
            g.Batch * g.Height * g.Width, g.InputChannels, g.KernelHeight * g.KernelWidth * g.OutputChannels, gradient, epilogue);
        swapped.Release();
    }

    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue) =>
        ProductLauncher.Launch(device, new InputPatchesTransposed(input, g), new RightMatrix(upstream, g.OutputChannels),
            g.PatchLength, g.OutputChannels, g.OutputPixels, gradient, epilogue);
}
