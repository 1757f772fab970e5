using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>Convolution with bias and, fused into the same pass, ReLU.</summary>
public static class ConvolutionOperation
{
    /// <summary>input [N,H,W,C], kernel [KH,KW,C,K], bias [K] or none → [N,OH,OW,K].</summary>
    /// <exception cref="ArgumentException">The shapes do not fit, or the algorithm does not exist for them on this device.</exception>
    public static Tensor Apply(
        Tape tape, Tensor input, Tensor kernel, Tensor? bias, Padding padding, int stride = 1, bool relu = false,
        ConvolutionAlgorithm algorithm = ConvolutionAlgorithm.Auto)
    {
        var geometry = ConvolutionGeometry.Create(input.Shape, kernel.Shape, padding, stride);
        if (bias is not null && bias.Shape != new Shape(geometry.OutputChannels))
            throw new ArgumentException($"convolution: bias {bias.Shape} does not fit kernel {kernel.Shape}");
        var output = tape.NewTensor(geometry.Output);
        Forward(geometry, input, kernel, bias, output, relu, algorithm);
        if (tape.Records(input, kernel, bias))
            tape.Record("convolution", output, relu ? [input, kernel, output] : [input, kernel], upstream =>
            {
                BiasGradientOperation.Apply(tape, upstream, relu ? output : null, bias);
                if (kernel.RequiresGradient)
                    GradKernel(geometry, upstream, input, tape.GradientOf(kernel, out var accumulate), accumulate, algorithm);
                if (input.RequiresGradient)
                    GradInput(geometry, upstream, kernel, tape.GradientOf(input, out var accumulate), accumulate, algorithm);
            });
        return output;
    }

    /// <summary>Overwrites the output.</summary>
    internal static void Forward(
        ConvolutionGeometry g, Tensor input, Tensor kernel, Tensor? bias, Tensor output, bool relu, ConvolutionAlgorithm algorithm)
    {
        var device = output.Device;
        ConvolutionChoice.Implementation(algorithm, ConvolutionPass.Forward, g, device).Forward(
            device, g, input.View, kernel.View, bias is null ? device.Nothing.View(1) : bias.View, output.View,
            Epilogue.Of(bias: bias is not null, relu: relu));
    }

    /// <summary>Adds to the input's gradient, or overwrites it.</summary>
    internal static void GradInput(
        ConvolutionGeometry g, Tensor upstream, Tensor kernel, Tensor gradient, bool accumulate, ConvolutionAlgorithm algorithm) =>
        ConvolutionChoice.Implementation(algorithm, ConvolutionPass.GradInput, g, gradient.Device).GradInput(
            gradient.Device, g, upstream.View, kernel.View, gradient.View, Epilogue.Of(accumulate));

    /// <summary>Adds to the kernel's gradient, or overwrites it.</summary>
    internal static void GradKernel(
        ConvolutionGeometry g, Tensor upstream, Tensor input, Tensor gradient, bool accumulate, ConvolutionAlgorithm algorithm) =>
        ConvolutionChoice.Implementation(algorithm, ConvolutionPass.GradKernel, g, gradient.Device).GradKernel(
            gradient.Device, g, upstream.View, input.View, gradient.View, Epilogue.Of(accumulate));
}
