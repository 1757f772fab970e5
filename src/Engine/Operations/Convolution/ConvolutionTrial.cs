using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>One convolution on random values in [−½, ½), for timing and checking each algorithm.</summary>
public sealed class ConvolutionTrial : Trial
{
    private readonly ConvolutionGeometry geometry;
    private readonly Tensor input, kernel, output, result;
    private double[]? expected;

    /// <summary>Allocates input, kernel and output (or upstream gradient), and memory for one result.</summary>
    public ConvolutionTrial(Device device, ConvolutionGeometry geometry, ConvolutionPass pass) : base(device)
    {
        this.geometry = geometry;
        Pass = pass;
        input = Random(geometry.Input, 1);
        kernel = Random(geometry.Kernel, 2);
        output = Random(geometry.Output, 3);
        result = Result(pass switch
        {
            ConvolutionPass.Forward => geometry.Output,
            ConvolutionPass.GradInput => geometry.Input,
            _ => geometry.Kernel,
        });
    }

    /// <summary>What is computed.</summary>
    public ConvolutionPass Pass { get; }

    /// <summary>The fastest of several runs, after one that compiles the kernels, in milliseconds.</summary>
    public double Milliseconds(ConvolutionAlgorithm algorithm, int runs) => Device.Milliseconds(() => Run(algorithm), runs);

    /// <summary>The largest difference from the double-precision reference, relative to its largest value.</summary>
    public double LargestError(ConvolutionAlgorithm algorithm)
    {
        Run(algorithm);
        return LargestError(result.ToArray(), expected ??= Expected());
    }

    /// <summary>Workspace of the algorithm in bytes, in addition to inputs and output.</summary>
    public long WorkspaceBytes(ConvolutionAlgorithm algorithm) => WorkspaceBytes(() => Run(algorithm));

    private double[] Expected()
    {
        double[] x = InDouble(input), w = InDouble(kernel), y = InDouble(output);
        return Pass switch
        {
            ConvolutionPass.Forward => ConvolutionReference.Forward(geometry, x, w),
            ConvolutionPass.GradInput => ConvolutionReference.GradInput(geometry, y, w),
            _ => ConvolutionReference.GradKernel(geometry, y, x),
        };
    }

    private void Run(ConvolutionAlgorithm algorithm)
    {
        var implementation = ConvolutionChoice.Implementation(algorithm, Pass, geometry, Device);
        if (Pass == ConvolutionPass.Forward)
            implementation.Forward(Device, geometry, input.View, kernel.View, Device.Nothing.View(1), result.View, Epilogue.Of());
        else if (Pass == ConvolutionPass.GradInput)
            implementation.GradInput(Device, geometry, output.View, kernel.View, result.View, Epilogue.Of());
        else
            implementation.GradKernel(Device, geometry, output.View, input.View, result.View, Epilogue.Of());
    }
}
