using System.Diagnostics;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>One convolution on random values in [−½, ½), to be timed and checked algorithm by algorithm.</summary>
public sealed class ConvolutionTrial : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionGeometry geometry;
    private readonly Tensor input, kernel, output, result;
    private double[]? expected;

    /// <summary>Allocates input, kernel and output (or upstream gradient), and room for one result.</summary>
    public ConvolutionTrial(Device device, ConvolutionGeometry geometry, ConvolutionPass pass)
    {
        this.device = device;
        this.geometry = geometry;
        Pass = pass;
        input = Random(geometry.Input, 1);
        kernel = Random(geometry.Kernel, 2);
        output = Random(geometry.Output, 3);
        result = Tensor.Uninitialized(device, pass switch
        {
            ConvolutionPass.Forward => geometry.Output,
            ConvolutionPass.GradInput => geometry.Input,
            _ => geometry.Kernel,
        });
    }

    /// <summary>What is computed.</summary>
    public ConvolutionPass Pass { get; }

    /// <summary>The fastest of several runs, after one that compiles the kernels, in milliseconds.</summary>
    public double Milliseconds(ConvolutionAlgorithm algorithm, int runs)
    {
        Run(algorithm);
        device.Synchronize();
        var best = double.PositiveInfinity;
        for (var i = 0; i < runs; i++)
        {
            var watch = Stopwatch.StartNew();
            Run(algorithm);
            device.Synchronize();
            best = Math.Min(best, watch.Elapsed.TotalMilliseconds);
        }
        return best;
    }

    /// <summary>The largest difference from the double-precision reference, relative to its largest value.</summary>
    public double LargestError(ConvolutionAlgorithm algorithm)
    {
        Run(algorithm);
        var actual = result.ToArray();
        expected ??= Expected();
        double error = 0, largest = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            // Math.Max keeps NaN, and so does this.
            error = Math.Max(error, Math.Abs(actual[i] - expected[i]));
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }
        return error / largest;
    }

    /// <summary>Bytes of device memory that the algorithm needs beside inputs and output.</summary>
    public long WorkspaceBytes(ConvolutionAlgorithm algorithm)
    {
        device.Pool.MarkPeak();
        var before = device.Pool.UsedBytes;
        Run(algorithm);
        return device.Pool.PeakSinceMark - before;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in new[] { input, kernel, output, result }) tensor.Dispose();
    }

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
        var implementation = ConvolutionChoice.Implementation(algorithm, Pass, geometry, device);
        if (Pass == ConvolutionPass.Forward)
            implementation.Forward(device, geometry, input.View, kernel.View, device.Nothing.View(1), result.View, Epilogue.Of());
        else if (Pass == ConvolutionPass.GradInput)
            implementation.GradInput(device, geometry, output.View, kernel.View, result.View, Epilogue.Of());
        else
            implementation.GradKernel(device, geometry, output.View, input.View, result.View, Epilogue.Of());
    }

    private Tensor Random(Shape shape, uint seed)
    {
        var values = new float[shape.Length];
        var key = CounterRandom.Key(seed);
        for (var i = 0; i < values.Length; i++) values[i] = CounterRandom.Uniform(key, (uint)i) - 0.5f;
        return Tensor.FromValues(device, shape, values);
    }

    private static double[] InDouble(Tensor tensor) => Array.ConvertAll(tensor.ToArray(), v => (double)v);
}
