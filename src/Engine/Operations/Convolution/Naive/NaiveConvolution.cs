using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// The lowest rung: one loop per sum (on a GPU, per four neighbouring sums if the number of channels allows it), directly from the formula;
/// every faster algorithm is checked against it.
/// </summary>
internal sealed class NaiveConvolution : IConvolutionAlgorithm
{
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) => true;

    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output,
        Epilogue epilogue) =>
        device.Kernels.ForEachElement(output.IntLength, new NaiveForward
        {
            Input = input,
            Kernel = kernel,
            Bias = bias,
            Output = output,
            Geometry = g,
            HasBias = epilogue.HasBias,
            Floor = epilogue.Floor,
        }, inFours: (g.OutputChannels & 3) == 0);

    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue)
    {
        if (device.Shape == KernelShape.Cpu) Launch<Float1>();
        else Launch<Float4>();

        void Launch<TLanes>() where TLanes : struct, ILanes<TLanes> => device.Kernels.ForEach(gradient.IntLength, new NaiveGradInput<TLanes>
        {
            Upstream = upstream,
            Kernel = kernel,
            Gradient = gradient,
            Geometry = g,
            Accumulate = epilogue.Accumulate,
        });
    }

    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue) =>
        device.Kernels.ForEachElement(gradient.IntLength, new NaiveGradKernel
        {
            Upstream = upstream,
            Input = input,
            Gradient = gradient,
            Geometry = g,
            Accumulate = epilogue.Accumulate,
        }, inFours: (g.OutputChannels & 3) == 0);
}
