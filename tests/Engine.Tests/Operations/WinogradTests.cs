using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>
/// Winograd's transforms trade multiplications for rounding error: results must be within 2e-5 of the largest value, far below the 1e-3
/// that training tolerates.
/// </summary>
public abstract class WinogradTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const double LargestError = 2e-5;

    private static Gen<ConvolutionCase> Generator(int largestWork) =>
        from batch in Gen.Choose(1, 3)
        from height in Gen.Elements(1, 3, 4, 5, 6, 7, 9, 12, 17)
        from width in Gen.Elements(1, 2, 4, 5, 6, 8, 11, 13, 18)
        from channels in Gen.Elements(1, 3, 16, 31, 32, 33, 129)
        from filters in Gen.Elements(1, 5, 31, 32, 33, 65)
        from padding in Gen.Elements(Padding.Valid, Padding.Same, Padding.Of(2), Padding.Of(3))
        from bias in RandomCases.Coin
        from relu in RandomCases.Coin
        from seed in RandomCases.Seed
        where padding != Padding.Valid || (height >= 3 && width >= 3)
        let geometry = ConvolutionGeometry.Create(new Shape(batch, height, width, channels), new Shape(3, 3, channels, filters), padding)
        where geometry.Flops / 2 <= largestWork
        select new ConvolutionCase(geometry, padding, bias, relu, seed);

    /// <summary>Both sizes of tile: F(2×2) and F(4×4).</summary>
    public static TheoryData<ConvolutionAlgorithm> Sizes => new(ConvolutionAlgorithm.Winograd2, ConvolutionAlgorithm.Winograd4);

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void ForwardIsTheSumOfItsDefinition(ConvolutionAlgorithm algorithm) => ForAll(Generator(LargestWork), 30, c =>
    {
        var g = c.Geometry;
        using var input = Upload(g.Input, c.Input);
        using var kernel = Upload(g.Kernel, c.Kernel);
        using var bias = Upload(new Shape(g.OutputChannels), c.BiasValues);
        using var output = Prefilled(g.Output);
        ConvolutionOperation.Forward(g, input, kernel, c.Bias ? bias : null, output, c.Relu, algorithm);
        var expected = ConvolutionReference.Forward(g, InDouble(c.Input), InDouble(c.Kernel), c.Bias ? InDouble(c.BiasValues) : null);
        if (c.Relu) expected = Array.ConvertAll(expected, v => Math.Max(0, v));
        Check("winograd forward", expected, output);
    });

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void InputGradientOverwritesOrAccumulates(ConvolutionAlgorithm algorithm) => ForAll(Generator(LargestWork), 30, c =>
    {
        var g = c.Geometry;
        using var upstream = Upload(g.Output, c.Upstream);
        using var kernel = Upload(g.Kernel, c.Kernel);
        var expected = ConvolutionReference.GradInput(g, InDouble(c.Upstream), InDouble(c.Kernel));
        using var overwritten = Prefilled(g.Input);
        ConvolutionOperation.GradInput(g, upstream, kernel, overwritten, accumulate: false, algorithm);
        Check("winograd input gradient", expected, overwritten);
        using var added = Prefilled(g.Input, 2);
        ConvolutionOperation.GradInput(g, upstream, kernel, added, accumulate: true, algorithm);
        Check("winograd input gradient, added", Array.ConvertAll(expected, v => v + 2), added);
    });

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void KernelGradientOverwritesOrAccumulates(ConvolutionAlgorithm algorithm) => ForAll(Generator(LargestWork), 30, c =>
    {
        var g = c.Geometry;
        using var upstream = Upload(g.Output, c.Upstream);
        using var input = Upload(g.Input, c.Input);
        var expected = ConvolutionReference.GradKernel(g, InDouble(c.Upstream), InDouble(c.Input));
        using var overwritten = Prefilled(g.Kernel);
        ConvolutionOperation.GradKernel(g, upstream, input, overwritten, accumulate: false, algorithm);
        Check("winograd kernel gradient", expected, overwritten);
        using var added = Prefilled(g.Kernel, 2);
        ConvolutionOperation.GradKernel(g, upstream, input, added, accumulate: true, algorithm);
        Check("winograd kernel gradient, added", Array.ConvertAll(expected, v => v + 2), added);
    });

    [SkippableFact]
    public void ALayerOfVggAgreesWithTheImplicitProduct()
    {
        // More blocks of tiles than work items, depths beyond one block of the kernel, several register tiles of columns.
        var g = ConvolutionGeometry.Create(new Shape(2, 37, 41, 130), new Shape(3, 3, 130, 96), Padding.Same);
        if (g.Flops / 2 > 100.0 * LargestWork) return;
        using var input = Upload(g.Input, RandomCases.Values(1, 1, g.Input.Length));
        using var kernel = Upload(g.Kernel, RandomCases.Values(1, 2, g.Kernel.Length));
        using var winograd = Prefilled(g.Output);
        using var implicitly = Prefilled(g.Output, OtherSentinel);
        ConvolutionOperation.Forward(g, input, kernel, null, winograd, false, ConvolutionAlgorithm.Winograd4);
        ConvolutionOperation.Forward(g, input, kernel, null, implicitly, false, ConvolutionAlgorithm.Implicit);
        Check("winograd", InDouble(implicitly.ToArray()), winograd);
    }

    [SkippableFact]
    public void AlongLinesForwardIsTheSumOfItsDefinition() => ForAll(LinesGenerator(LargestWork), 60, c =>
    {
        var g = c.Geometry;
        if (!ConvolutionChoice.IsAvailable(ConvolutionAlgorithm.WinogradLines, ConvolutionPass.Forward, g, Device)) return;
        using var input = Upload(g.Input, c.Input);
        using var kernel = Upload(g.Kernel, c.Kernel);
        using var bias = Upload(new Shape(g.OutputChannels), c.BiasValues);
        var expected = ConvolutionReference.Forward(g, InDouble(c.Input), InDouble(c.Kernel), c.Bias ? InDouble(c.BiasValues) : null);
        if (c.Relu) expected = Array.ConvertAll(expected, v => Math.Max(0, v));
        // The tiles of AVX2 and of AVX-512.
        var lanes = Device.VectorLanes;
        foreach (var width in new[] { 8, 16 })
            try
            {
                Device.VectorLanes = width;
                using var output = Prefilled(g.Output);
                ConvolutionOperation.Forward(g, input, kernel, c.Bias ? bias : null, output, c.Relu, ConvolutionAlgorithm.WinogradLines);
                Check($"winograd along lines, {width} lanes", expected, output);
            }
            finally
            {
                Device.VectorLanes = lanes;
            }
    });

    // Kernels of any height; only the width must be three.
    private static Gen<ConvolutionCase> LinesGenerator(int largestWork) =>
        from batch in Gen.Choose(1, 3)
        from height in Gen.Elements(1, 3, 5, 12, 13, 25)
        from width in Gen.Elements(1, 3, 4, 7, 8, 9, 10, 11, 19)
        from channels in Gen.Elements(1, 2, 3, 4, 8, 17)
        from filters in Gen.Elements(1, 5, 16, 17, 31, 32, 33, 64)
        from kernelHeight in Gen.Choose(1, 5)
        from padding in Gen.Elements(Padding.Valid, Padding.Same, Padding.Of(2), Padding.Of(3))
        from bias in RandomCases.Coin
        from relu in RandomCases.Coin
        from seed in RandomCases.Seed
        where padding != Padding.Valid || (height >= kernelHeight && width >= 3)
        let geometry = ConvolutionGeometry.Create(new Shape(batch, height, width, channels),
            new Shape(kernelHeight, 3, channels, filters), padding)
        where geometry.Flops / 2 <= largestWork
        select new ConvolutionCase(geometry, padding, bias, relu, seed);

    private static double[] InDouble(float[] values) => RandomCases.InDouble(values);

    private static void Check(string what, double[] expected, Tensor actual) =>
        new Tolerance(LargestError * expected.Max(Math.Abs), 0).Check(what, expected, actual.ToArray());
}

[Collection(OnOpenCl.Name)]
public sealed class WinogradOnOpenCl(OpenClDevice device) : WinogradTests(device);

[Collection(OnIlgpu.Name)]
public sealed class WinogradOnIlgpu(IlgpuDevice device) : WinogradTests(device);
