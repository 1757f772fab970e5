using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.PtxMachine;

/// <summary>Kernels that the few random cases of the other tests may miss.</summary>
[Collection(OnPtxMachine.Name)]
public sealed class RareKernelsOnPtxMachine(PtxMachineDevice device) : DeviceTests(device.Note<RareKernelsOnPtxMachine>())
{
    /// <summary>A convolution with ReLU and without bias masks the upstream gradient by itself.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(8)]
    public void MaskOfReluWithoutBias(int filters)
    {
        var g = ConvolutionGeometry.Create(new Shape(2, 5, 3, 2), new Shape(3, 3, 2, filters), Padding.Same, 1);
        float[] x = RandomCases.Values(1, 1, g.Input.Length), w = RandomCases.Values(1, 2, g.Kernel.Length),
            u = RandomCases.Values(1, 3, g.Output.Length);
        using var input = Leaf(g.Input, x);
        using var kernel = Upload(g.Kernel, w);
        using var upstream = Upload(g.Output, u);
        using var tape = new Tape(Device);
        var output = ConvolutionOperation.Apply(tape, input, kernel, null, Padding.Same, relu: true);
        var y = output.ToArray();
        tape.Backward(output, upstream);
        var masked = RandomCases.InDouble([.. u.Select((value, i) => y[i] > 0 ? value : 0)]);
        Tolerance.OfSum(9 * filters).Check("input gradient", ConvolutionReference.GradInput(g, masked, RandomCases.InDouble(w)),
            input.Gradient!.ToArray());
    }

    /// <summary>Windows that overlap, and such that do not, have kernels of their own.</summary>
    [Theory]
    [InlineData(3, 1, 5)]
    [InlineData(2, 2, 5)]
    [InlineData(2, 3, 8)]
    public void MaxPoolingOfWindowsApartAndOverlapping(int window, int stride, int channels)
    {
        var g = PoolingGeometry.Create(new Shape(2, 9, 8, channels), window, window, stride);
        float[] x = RandomCases.Values(2, 1, g.Input.Length), u = RandomCases.Values(2, 2, g.Output.Length);
        using var input = Leaf(g.Input, x);
        using var upstream = Upload(g.Output, u);
        using var tape = new Tape(Device);
        tape.Backward(MaxPoolingOperation.Apply(tape, input, window, window, stride), upstream);
        Tolerance.OfSum(window * window).Check("max pooling gradient",
            PoolingReference.MaxGradient(g, RandomCases.InDouble(u), RandomCases.InDouble(x)), input.Gradient!.ToArray());
    }

    /// <summary>x ← −½·x − ½ goes to −⅓ from everywhere. One thread only: all would write the same element.</summary>
    [Fact]
    public void ChainsOfMultiplyAdds()
    {
        using var output = Prefilled(new Shape(1));
        Device.Kernels.ForEachGroup(new(1, Threads: 1), new ChainsOfThreads { Output = output.View, Factor = -0.5f });
        Tolerance.Elementwise.Check("chain", -1.0 / 3, output.ToArray()[0]);
    }
}
