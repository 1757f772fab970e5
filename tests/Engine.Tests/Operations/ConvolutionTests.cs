using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random convolution: its geometry and the seed of its values.</summary>
public sealed record ConvolutionCase(ConvolutionGeometry Geometry, Padding Padding, bool Bias, bool Relu, int Seed)
{
    public float[] Input => RandomCases.Values(Seed, 1, Geometry.Input.Length);

    public float[] Kernel => RandomCases.Values(Seed, 2, Geometry.Kernel.Length);

    public float[] BiasValues => RandomCases.Values(Seed, 3, Geometry.OutputChannels);

    public float[] Upstream => RandomCases.Values(Seed, 4, Geometry.Output.Length);

    /// <summary>Valid geometries with a bounded number of multiply-adds and sizes that do not fit tiles.</summary>
    public static Gen<ConvolutionCase> Generator(int largestWork) =>
        from batch in Gen.Choose(1, 4)
        from height in Gen.Elements(1, 2, 3, 5, 7, 8, 9, 16, 31, 33)
        from width in Gen.Elements(1, 2, 3, 5, 7, 8, 9, 16, 31, 33)
        from channels in Gen.Elements(1, 2, 3, 4, 5, 7, 12, 16, 31, 32, 33, 64)
        from filters in Gen.Elements(1, 2, 3, 4, 5, 7, 20, 31, 32, 33, 65)
        from kernelHeight in Gen.Choose(1, 7)
        from kernelWidth in Gen.Choose(1, 7)
        from stride in Gen.Choose(1, 3)
        from padding in Gen.Elements(Padding.Valid, Padding.Same, Padding.Of(1), Padding.Of(2), Padding.Of(3))
        from bias in RandomCases.Coin
        from relu in RandomCases.Coin
        from seed in RandomCases.Seed
        let geometry = CreateIfItFits(new Shape(batch, height, width, channels), new Shape(kernelHeight, kernelWidth, channels, filters),
            padding, stride)
        where geometry is { } g && g.Flops / 2 <= largestWork && g.Input.Length <= largestWork
        select new ConvolutionCase(geometry.Value, padding, bias, relu, seed);

    private static ConvolutionGeometry? CreateIfItFits(Shape input, Shape kernel, Padding padding, int stride)
    {
        try
        {
            return ConvolutionGeometry.Create(input, kernel, padding, stride);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}

public abstract class ConvolutionTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableTheory]
    [InlineData(ConvolutionAlgorithm.Implicit, 60)]
    [InlineData(ConvolutionAlgorithm.Naive, 20)]
    [InlineData(ConvolutionAlgorithm.Im2col, 20)]
    [InlineData(ConvolutionAlgorithm.Direct, 60)]
    public void ForwardIsTheSumOfItsDefinition(ConvolutionAlgorithm algorithm, int cases) =>
        ForAll(ConvolutionCase.Generator(LargestWork), cases, c =>
        {
            var g = c.Geometry;
            if (!ConvolutionChoice.IsAvailable(algorithm, ConvolutionPass.Forward, g, Device)) return;
            using var input = Upload(g.Input, c.Input);
            using var kernel = Upload(g.Kernel, c.Kernel);
            using var bias = Upload(new Shape(g.OutputChannels), c.BiasValues);
            using var output = Prefilled(g.Output);
            ConvolutionOperation.Forward(g, input, kernel, c.Bias ? bias : null, output, c.Relu, algorithm);
            var expected = ConvolutionReference.Forward(
                g, RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Kernel), c.Bias ? RandomCases.InDouble(c.BiasValues) : null);
            if (c.Relu) expected = Array.ConvertAll(expected, y => Math.Max(0, y));
            Tolerance.OfSum(g.PatchLength).Check($"convolution forward, {algorithm}", expected, output.ToArray());
        });

    [SkippableTheory]
    [InlineData(ConvolutionAlgorithm.Implicit, 60)]
    [InlineData(ConvolutionAlgorithm.Naive, 20)]
    [InlineData(ConvolutionAlgorithm.Im2col, 20)]
    [InlineData(ConvolutionAlgorithm.Direct, 60)]
    public void InputGradientOverwritesOrAccumulates(ConvolutionAlgorithm algorithm, int cases) =>
        ForAll(ConvolutionCase.Generator(LargestWork), cases, c =>
        {
            var g = c.Geometry;
            if (!ConvolutionChoice.IsAvailable(algorithm, ConvolutionPass.GradInput, g, Device)) return;
            using var upstream = Upload(g.Output, c.Upstream);
            using var kernel = Upload(g.Kernel, c.Kernel);
            using var overwritten = Prefilled(g.Input, OtherSentinel);
            using var added = Prefilled(g.Input, 2);
            ConvolutionOperation.GradInput(g, upstream, kernel, overwritten, accumulate: false, algorithm);
            ConvolutionOperation.GradInput(g, upstream, kernel, added, accumulate: true, algorithm);
            var expected = ConvolutionReference.GradInput(g, RandomCases.InDouble(c.Upstream), RandomCases.InDouble(c.Kernel));
            var tolerance = Tolerance.OfSum(g.KernelHeight * g.KernelWidth * g.OutputChannels);
            tolerance.Check($"convolution input gradient, {algorithm}", expected, overwritten.ToArray());
            tolerance.Check($"convolution input gradient added to 2, {algorithm}", Array.ConvertAll(expected, v => v + 2), added.ToArray());
        });

    [SkippableTheory]
    [InlineData(ConvolutionAlgorithm.Implicit, 60)]
    [InlineData(ConvolutionAlgorithm.Naive, 20)]
    [InlineData(ConvolutionAlgorithm.Im2col, 20)]
    [InlineData(ConvolutionAlgorithm.Direct, 60)]
    public void KernelGradientOverwritesOrAccumulates(ConvolutionAlgorithm algorithm, int cases) =>
        ForAll(ConvolutionCase.Generator(LargestWork), cases, c =>
        {
            var g = c.Geometry;
            if (!ConvolutionChoice.IsAvailable(algorithm, ConvolutionPass.GradKernel, g, Device)) return;
            using var upstream = Upload(g.Output, c.Upstream);
            using var input = Upload(g.Input, c.Input);
            using var overwritten = Prefilled(g.Kernel, OtherSentinel);
            using var added = Prefilled(g.Kernel, 2);
            ConvolutionOperation.GradKernel(g, upstream, input, overwritten, accumulate: false, algorithm);
            ConvolutionOperation.GradKernel(g, upstream, input, added, accumulate: true, algorithm);
            var expected = ConvolutionReference.GradKernel(g, RandomCases.InDouble(c.Upstream), RandomCases.InDouble(c.Input));
            var tolerance = Tolerance.OfSum(g.OutputPixels);
            tolerance.Check($"convolution kernel gradient, {algorithm}", expected, overwritten.ToArray());
            tolerance.Check($"convolution kernel gradient added to 2, {algorithm}", Array.ConvertAll(expected, v => v + 2),
                added.ToArray());
        });

    [SkippableFact]
    public void NaiveAndImplicitAgreeOnTheDevice() =>
        ForAll(ConvolutionCase.Generator(LargestWork), 20, c =>
        {
            var g = c.Geometry;
            using var input = Upload(g.Input, c.Input);
            using var kernel = Upload(g.Kernel, c.Kernel);
            using var bias = Upload(new Shape(g.OutputChannels), c.BiasValues);
            using var naive = Prefilled(g.Output, Sentinel);
            using var tiled = Prefilled(g.Output, OtherSentinel);
            ConvolutionOperation.Forward(g, input, kernel, bias, naive, c.Relu, ConvolutionAlgorithm.Naive);
            ConvolutionOperation.Forward(g, input, kernel, bias, tiled, c.Relu, ConvolutionAlgorithm.Implicit);
            Tolerance.OfSum(g.PatchLength).Check("naive and tiled convolution", naive.ToArray(), tiled.ToArray());
        });

    [SkippableFact]
    public void TapeGivesAllThreeGradientsThroughBiasAndRelu() =>
        ForAll(ConvolutionCase.Generator(LargestWork), 30, c =>
        {
            var g = c.Geometry;
            using var input = Leaf(g.Input, c.Input);
            using var kernel = Leaf(g.Kernel, c.Kernel);
            using var bias = Leaf(new Shape(g.OutputChannels), c.BiasValues);
            using var upstream = Upload(g.Output, c.Upstream);
            using var tape = new Tape(Device);
            var output = ConvolutionOperation.Apply(tape, input, kernel, bias, c.Padding, g.Stride, c.Relu);
            var y = output.ToArray();
            tape.Backward(output, upstream);
            // If a sum is zero except for rounding, device and reference may disagree on its sign; the device's result decides.
            var masked = RandomCases.InDouble(c.Upstream);
            if (c.Relu) masked = BiasReference.Mask(masked, RandomCases.InDouble(y));
            Tolerance.OfSum(g.KernelHeight * g.KernelWidth * g.OutputChannels).Check("input gradient",
                ConvolutionReference.GradInput(g, masked, RandomCases.InDouble(c.Kernel)), input.Gradient!.ToArray());
            Tolerance.OfSum(g.OutputPixels).Check("kernel gradient",
                ConvolutionReference.GradKernel(g, masked, RandomCases.InDouble(c.Input)), kernel.Gradient!.ToArray());
            Tolerance.OfSum(g.OutputPixels).Check("bias gradient",
                BiasReference.GradBias(masked, g.OutputChannels), bias.Gradient!.ToArray());
            Tolerance.Exact.Check("upstream left alone", c.Upstream, upstream.ToArray());
        });

    [SkippableFact]
    public void NotANumberStaysVisible()
    {
        using var tape = new Tape(Device, recording: false);
        float[] pixels = [1, float.NaN, 3, 4];
        using var input = Upload(new Shape(1, 2, 2, 1), pixels);
        using var kernel = Upload(new Shape(1, 1, 1, 1), [-1]);
        using var bias = Upload(new Shape(1), [0]);
        foreach (var algorithm in new[] { ConvolutionAlgorithm.Naive, ConvolutionAlgorithm.Implicit })
        {
            var output = ConvolutionOperation.Apply(tape, input, kernel, bias, Padding.Valid, relu: true, algorithm: algorithm).ToArray();
            Assert.True(float.IsNaN(output[1]), $"{algorithm}: ReLU turned NaN into {output[1]}");
            Assert.Equal([0, 0, 0], new[] { output[0], output[2], output[3] });
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class ConvolutionOnOpenCl(OpenClDevice device) : ConvolutionTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class ConvolutionOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : ConvolutionTests(device);

[Collection(OnIlgpu.Name)]
public sealed class ConvolutionOnIlgpu(IlgpuDevice device) : ConvolutionTests(device);
