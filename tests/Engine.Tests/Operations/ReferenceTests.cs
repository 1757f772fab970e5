using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Pooling;
using Xunit.Sdk;

namespace Convolve.Engine.Tests.Operations;

/// <summary>
/// Checks the double-precision references that all devices are compared with: analytic gradients against
/// central differences, under a random upstream gradient, and linear operations against the adjoint identity ⟨J·v,u⟩ = ⟨v,Jᵀ·u⟩.
/// </summary>
public sealed class ReferenceTests
{
    private const int LargestWork = 20_000;

    [Fact]
    public void ConvolutionIsLinearInItsInputAndInItsKernel() => RandomCases.ForAll(ConvolutionCase.Generator(LargestWork), 100, c =>
    {
        var g = c.Geometry;
        var (x, w, u) = (RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Kernel), RandomCases.InDouble(c.Upstream));
        var product = Dot(ConvolutionReference.Forward(g, x, w), u);
        Close("adjoint in the input", product, Dot(x, ConvolutionReference.GradInput(g, u, w)), 1e-10);
        Close("adjoint in the kernel", product, Dot(w, ConvolutionReference.GradKernel(g, u, x)), 1e-10);
        var bias = RandomCases.InDouble(c.BiasValues);
        Close("adjoint in the bias", Dot(ConvolutionReference.Forward(g, x, w, bias), u) - product,
            Dot(bias, BiasReference.GradBias(u, g.OutputChannels)), 1e-10);
    });

    [Fact]
    public void PoolingIsLinearWithFixedWinners() => RandomCases.ForAll(PoolingCase.Generator(LargestWork), 100, c =>
    {
        var g = c.Geometry;
        var (x, u) = (RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Upstream));
        Close("adjoint of max pooling", Dot(PoolingReference.Max(g, x), u), Dot(x, PoolingReference.MaxGradient(g, u, x)), 1e-10);
        Close("adjoint of average pooling", Dot(PoolingReference.Average(g, x), u), Dot(x, PoolingReference.AverageGradient(g, u)), 1e-10);
    });

    [Fact]
    public void ProductIsLinearInBothFactors() => RandomCases.ForAll(ProductCase.Generator(LargestWork), 60, c =>
    {
        var (a, b, u) = (RandomCases.InDouble(c.LeftValues), RandomCases.InDouble(c.RightValues), RandomCases.InDouble(c.Upstream));
        // dA = U·op(B)ᵀ and dB = op(A)ᵀ·U, as products of the same reference, written for factors that are not transposed.
        var plain = c with { TransposeLeft = false, TransposeRight = false };
        var product = Dot(MatrixMultiplyReference.Forward(plain.Geometry, a, b), u);
        var gradLeft = MatrixMultiplyReference.Forward(
            MatrixMultiplyGeometry.Create(new(c.Rows, c.Columns), new(c.Depth, c.Columns), transposeRight: true), u, b);
        var gradRight = MatrixMultiplyReference.Forward(
            MatrixMultiplyGeometry.Create(new(c.Rows, c.Depth), new(c.Rows, c.Columns), transposeLeft: true), a, u);
        Close("adjoint in the left factor", product, Dot(a, gradLeft), 1e-10);
        Close("adjoint in the right factor", product, Dot(b, gradRight), 1e-10);
    });

    [Fact]
    public void ActivationSlopesAreTheirDifferences() => RandomCases.ForAll(LogitsCase.Generator, 20, c =>
    {
        if (c.Rows > 300) return;
        var (x, u) = (RandomCases.InDouble(c.Values), RandomCases.InDouble(c.Upstream));
        foreach (var v in x.Take(50))
        {
            Close("sigmoid slope", Difference(z => ActivationReference.Sigmoid(z), v), ActivationReference.SigmoidSlope(v), 1e-7);
            if (Math.Abs(v) > 1e-3)
                Close("relu slope", Difference(z => ActivationReference.Relu(z), v), ActivationReference.ReluSlope(v), 1e-7);
        }
        CheckGradient("softmax", x, v => Dot(ActivationReference.Softmax(v, c.Columns), u),
            ActivationReference.SoftmaxGradient(u, ActivationReference.Softmax(x, c.Columns), c.Columns));
    });

    [Fact]
    public void LossGradientsAreTheirDifferences() => RandomCases.ForAll(LossCase.Generator(1, 2, 3, 7), 40, c =>
    {
        var z = RandomCases.InDouble(c.Logits);
        var w = c.Weights is { } weights ? RandomCases.InDouble(weights) : null;
        if (c.Classes == 1)
        {
            var t = RandomCases.InDouble(c.Probabilities);
            CheckGradient("binary cross-entropy", z, v => LossReference.BinaryCrossEntropy(v, t, w),
                LossReference.BinaryCrossEntropyGradient(z, t, w));
        }
        else
        {
            CheckGradient("softmax cross-entropy", z, v => LossReference.SoftmaxCrossEntropy(v, c.Labels, c.Classes, w),
                LossReference.SoftmaxCrossEntropyGradient(z, c.Labels, c.Classes, w));
        }
    });

    [Fact]
    public void ConvolutionThenPoolingHasTheGradientOfItsDifferences() => RandomCases.ForAll(ConvolutionCase.Generator(2000), 40, c =>
    {
        // Not linear: a square after the convolution, and max pooling over all of it if it fits.
        var g = c.Geometry;
        var pooling = PoolingGeometry.Create(g.Output, Math.Min(2, g.OutputHeight), Math.Min(2, g.OutputWidth), 1);
        var (x, w) = (RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Kernel));
        var u = RandomCases.InDouble(RandomCases.Values(c.Seed, 9, pooling.Output.Length));
        double Loss(double[] input) =>
            Dot(PoolingReference.Max(pooling, Array.ConvertAll(ConvolutionReference.Forward(g, input, w), y => y * y)), u);
        var forward = ConvolutionReference.Forward(g, x, w);
        var back = PoolingReference.MaxGradient(pooling, u, Array.ConvertAll(forward, y => y * y));
        var gradient = ConvolutionReference.GradInput(g, [.. back.Select((d, i) => 2 * forward[i] * d)], w);
        CheckGradient("convolution, square, max pooling", x, Loss, gradient);
    });

    [Fact]
    public void BatchNormalizationHasTheGradientsOfItsDifferences() => RandomCases.ForAll(NormalizationCase.Generator(LargestWork), 60, c =>
    {
        // Without ReLU, because differences across its kink are meaningless and its mask is a single line.
        var g = c.Geometry;
        const double epsilon = NormalizationCase.Epsilon;
        var (x, u) = (RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Upstream));
        var (scale, shift) = (RandomCases.InDouble(c.Scale), RandomCases.InDouble(c.Shift));
        double Loss(double[] input, double[] gamma, double[] beta)
        {
            var (mean, variance) = BatchNormalizationReference.Moments(g, input);
            return Dot(BatchNormalizationReference.Forward(g, input, gamma, beta, mean, variance, epsilon, relu: false), u);
        }
        var (gradInput, gradScale, gradShift) = BatchNormalizationReference.Gradients(g, u, x, scale, shift, epsilon, relu: false);
        CheckGradient("batch normalization: input", x, v => Loss(v, scale, shift), gradInput);
        CheckGradient("batch normalization: scale", scale, v => Loss(x, v, shift), gradScale);
        CheckGradient("batch normalization: shift", shift, v => Loss(x, scale, v), gradShift);
    });

    /// <summary>Central differences in a few random directions: one derivative each, for any number of inputs.</summary>
    private static void CheckGradient(string operation, double[] x, Func<double[], double> function, double[] gradient)
    {
        for (var probe = 0; probe < 3; probe++)
        {
            var direction = RandomCases.InDouble(RandomCases.Values(probe, 77, x.Length));
            var difference = Difference(step => function([.. x.Select((v, i) => v + step * direction[i])]), 0);
            Close($"{operation}: derivative in direction {probe}", difference, Dot(direction, gradient), 1e-5);
        }
    }

    private static double Difference(Func<double, double> function, double at)
    {
        const double step = 1e-6;
        return (function(at + step) - function(at - step)) / (2 * step);
    }

    private static double Dot(double[] left, double[] right)
    {
        Assert.Equal(left.Length, right.Length);
        double sum = 0;
        for (var i = 0; i < left.Length; i++) sum += left[i] * right[i];
        return sum;
    }

    private static void Close(string what, double expected, double actual, double tolerance)
    {
        if (!(Math.Abs(expected - actual) <= tolerance * (1 + Math.Abs(expected))))
            throw new XunitException($"{what}: {expected:R} and {actual:R} differ");
    }
}
