using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The algorithms of the convolution, from the formula to the fastest.</summary>
public enum ConvolutionAlgorithm
{
    /// <summary>The best for the device and shape.</summary>
    Auto,

    /// <summary>One loop per sum.</summary>
    Naive,

    /// <summary>A product of packed blocks, see <see cref="CpuBlockProduct"/>.</summary>
    Tiled,

    /// <summary>
    /// F(4×4,3×3), see <see cref="WinogradConvolution"/>; for 3×3 kernels with stride 1 on a processor, forward and for the input's
    /// gradient. Where it does not exist, the best that does takes its place.
    /// </summary>
    Winograd4,
}

/// <summary>Convolution with bias and, fused into the same pass, ReLU.</summary>
public static class Convolution
{
    /// <summary>input [N,H,W,C], kernel [KH,KW,C,K], bias [K] → [N,OH,OW,K].</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Apply(
        Tape tape, Tensor input, Tensor kernel, Tensor bias, Padding padding, int stride = 1, bool relu = false,
        ConvolutionAlgorithm algorithm = ConvolutionAlgorithm.Auto)
    {
        var geometry = ConvolutionGeometry.Create(input.Shape, kernel.Shape, padding, stride);
        if (algorithm == ConvolutionAlgorithm.Winograd4 && !WinogradLauncher.Supports(geometry, tape.Device)) algorithm = ConvolutionAlgorithm.Auto;
        if (bias.Shape != new Shape(geometry.OutputChannels))
            throw new ArgumentException($"convolution: bias {bias.Shape} does not fit kernel {kernel.Shape}");
        var output = tape.NewTensor(geometry.Output);
        Forward(geometry, input, kernel, bias, output, relu, algorithm);
        if (tape.Records(input, kernel, bias))
            tape.Record("convolution", output, relu ? [input, kernel, output] : [input, kernel], upstream =>
            {
                BiasGradient.Apply(tape, upstream, relu ? output : null, bias);
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
        var epilogue = Epilogue.Of(bias: bias is not null, relu: relu);
        algorithm = Choose(algorithm, g, output.Device);
        if (algorithm == ConvolutionAlgorithm.Naive)
            output.Device.ForEach(output.Shape.Length, NaiveConvolution.Forward<SpanPerItem>, NaiveConvolution.Forward<GridStride>,
                input.View, kernel.View, (bias ?? kernel).View, output.View, g, epilogue.HasBias, epilogue.Floor);
        else if (algorithm == ConvolutionAlgorithm.Winograd4)
            WinogradLauncher.Forward<WinogradF4>(output.Device, g, input.View, kernel.View, bias is null ? output.Device.Nothing.View(1) : bias.View, output.View, epilogue);
        else
            ProductLauncher.Launch(output.Device, new InputPatches(input.View, g), new RightMatrix(kernel.View, g.OutputChannels),
                g.OutputPixels, g.OutputChannels, g.PatchLength, output.View, epilogue, bias is null ? default : bias.View);
    }

    /// <summary>Adds to the input's gradient, or overwrites it.</summary>
    internal static void GradInput(
        ConvolutionGeometry g, Tensor upstream, Tensor kernel, Tensor gradient, bool accumulate, ConvolutionAlgorithm algorithm)
    {
        algorithm = Choose(algorithm, g, gradient.Device);
        if (algorithm == ConvolutionAlgorithm.Naive)
            gradient.Device.ForEach(gradient.Shape.Length, NaiveConvolution.GradInput<SpanPerItem>, NaiveConvolution.GradInput<GridStride>,
                upstream.View, kernel.View, gradient.View, g, accumulate ? 1 : 0);
        else if (algorithm == ConvolutionAlgorithm.Winograd4)
        {
            WinogradLauncher.GradInput<WinogradF4>(gradient.Device, g, upstream.View, kernel.View, gradient.View, Epilogue.Of(accumulate));
        }
        else
        {
            var device = gradient.Device;
            var swapped = KernelTranspose.Rent(device, kernel.View, g);
            ProductLauncher.Launch(device, new UpstreamPatches(upstream.View, g), new RightMatrix(swapped.View(kernel.Shape.Length), g.InputChannels),
                g.Batch * g.Height * g.Width, g.InputChannels, g.KernelHeight * g.KernelWidth * g.OutputChannels,
                gradient.View, Epilogue.Of(accumulate));
            swapped.Release();
        }
    }

    /// <summary>Adds to the kernel's gradient, or overwrites it.</summary>
    internal static void GradKernel(
        ConvolutionGeometry g, Tensor upstream, Tensor input, Tensor gradient, bool accumulate, ConvolutionAlgorithm algorithm)
    {
        algorithm = Choose(algorithm, g, gradient.Device);
        if (algorithm == ConvolutionAlgorithm.Winograd4)
            WinogradLauncher.GradKernel<WinogradF4>(gradient.Device, g, upstream.View, input.View, gradient.View, Epilogue.Of(accumulate));
        else if (algorithm == ConvolutionAlgorithm.Naive)
            gradient.Device.ForEach(gradient.Shape.Length, NaiveConvolution.GradKernel<SpanPerItem>, NaiveConvolution.GradKernel<GridStride>,
                upstream.View, input.View, gradient.View, g, accumulate ? 1 : 0);
        else
            ProductLauncher.Launch(gradient.Device, new InputPatchesTransposed(input.View, g), new RightMatrix(upstream.View, g.OutputChannels),
                g.PatchLength, g.OutputChannels, g.OutputPixels, gradient.View, Epilogue.Of(accumulate));
    }

    private static ConvolutionAlgorithm Choose(ConvolutionAlgorithm asked, ConvolutionGeometry g, Device device) => asked switch
    {
        ConvolutionAlgorithm.Auto => WinogradLauncher.Supports(g, device) && g.InputChannels >= 16 && g.OutputChannels >= 16 ? ConvolutionAlgorithm.Winograd4 : ConvolutionAlgorithm.Tiled,
        ConvolutionAlgorithm.Winograd4 when !WinogradLauncher.Supports(g, device) => ConvolutionAlgorithm.Tiled,
        _ => asked,
    };
}
