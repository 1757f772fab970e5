using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random batch normalization and the seed of its values.</summary>
public sealed record NormalizationCase(BatchNormalizationGeometry Geometry, bool Relu, int Seed)
{
    public const float Epsilon = 1e-3f, Momentum = 0.7f;

    public Shape Shape => new(Geometry.Rows, Geometry.Channels);

    /// <summary>Values around a mean that differs between channels, sometimes by many standard deviations.</summary>
    public float[] Input => [.. RandomCases.Values(Seed, 1, Shape.Length).Select((v, i) => v + Means[i % Geometry.Channels])];

    public float[] Upstream => RandomCases.Values(Seed, 2, Shape.Length);

    public float[] Scale => RandomCases.Values(Seed, 3, Geometry.Channels, 2);

    public float[] Shift => RandomCases.Values(Seed, 4, Geometry.Channels);

    public float[] RunningMean => RandomCases.Values(Seed, 5, Geometry.Channels);

    public float[] RunningVariance => Array.ConvertAll(RandomCases.Values(Seed, 6, Geometry.Channels), v => v + 1.1f);

    private float[] Means => RandomCases.Values(Seed, 7, Geometry.Channels, Seed % 2 == 0 ? 1 : 30);

    /// <summary>Rows and channels that are not multiples of chunks (64 rows on GPUs, 16384 numbers on CPUs), of 128 pixels, or of
    /// warps.</summary>
    public static Gen<NormalizationCase> Generator(int largestWork) =>
        from channels in Gen.Elements(1, 2, 3, 7, 16, 31, 32, 33, 65, 130)
        from rows in Gen.Elements(1, 2, 5, 63, 64, 65, 127, 128, 129, 511, 700, 1025, 5000, 40000)
        from relu in RandomCases.Coin
        from seed in RandomCases.Seed
        where rows * channels <= largestWork / 4
        select new NormalizationCase(new BatchNormalizationGeometry(rows, channels), relu, seed);
}

public abstract class BatchNormalizationTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void OfABatchItIsTheReference() => ForAll(NormalizationCase.Generator(LargestWork), 60, c =>
    {
        var g = c.Geometry;
        var (x, scale, shift) = InDouble(c);
        var (mean, variance) = BatchNormalizationReference.Moments(g, x);
        using var channels = Channels(c);
        using var input = Leaf(c.Shape, c.Input);
        using var tape = new Tape(Device);
        var output = BatchNormalizationOperation.OfBatch(tape, input, channels.Value, NormalizationCase.Momentum, c.Relu);
        // The farther the mean is from zero, the coarser float32 is around it.
        var largest = (float)x.Max(Math.Abs);
        var deviation = Math.Sqrt(variance.Min() + NormalizationCase.Epsilon);
        var exactness = Tolerance.OfSum(40, largest / deviation * 2);
        exactness.Check("batch normalization",
            BatchNormalizationReference.Forward(g, x, scale, shift, mean, variance, NormalizationCase.Epsilon, c.Relu),
            output.ToArray());
        Tolerance.OfSum(40, largest).Check("running mean",
            [.. mean.Select((m, i) => NormalizationCase.Momentum * c.RunningMean[i] + (1 - NormalizationCase.Momentum) * m)],
                channels.Value.Mean.ToArray());
        Tolerance.OfSum(40, largest).Check("running variance",
            [.. variance.Select((v, i) => NormalizationCase.Momentum * c.RunningVariance[i]
                + (1 - NormalizationCase.Momentum) * v * g.Rows / Math.Max(1, g.Rows - 1))],
            channels.Value.Variance.ToArray());
        var decided = DecidedUpstream(c, mean, variance, exactness.Absolute);
        var u = RandomCases.InDouble(decided);
        using var upstream = Upload(c.Shape, decided);
        tape.Backward(output, upstream);
        var (gradInput, gradScale, gradShift) =
            BatchNormalizationReference.Gradients(g, u, x, scale, shift, NormalizationCase.Epsilon, c.Relu);
        CheckGradients(c, channels.Value, input, gradInput, gradScale, gradShift, largest, deviation);
    });

    [SkippableFact]
    public void OfRunningStatisticsItIsTheReferenceAndLeavesThem() => ForAll(NormalizationCase.Generator(LargestWork), 40, c =>
    {
        var g = c.Geometry;
        var (x, scale, shift) = InDouble(c);
        var (mean, variance) = (RandomCases.InDouble(c.RunningMean), RandomCases.InDouble(c.RunningVariance));
        using var channels = Channels(c);
        using var input = Leaf(c.Shape, c.Input);
        using var tape = new Tape(Device);
        var output = BatchNormalizationOperation.OfRunning(tape, input, channels.Value, c.Relu);
        var largest = (float)x.Max(Math.Abs);
        var deviation = Math.Sqrt(variance.Min() + NormalizationCase.Epsilon);
        var exactness = Tolerance.OfSum(40, largest / deviation * 2);
        exactness.Check("normalization by running statistics",
            BatchNormalizationReference.Forward(g, x, scale, shift, mean, variance, NormalizationCase.Epsilon, c.Relu), output.ToArray());
        Assert.Equal(c.RunningMean, channels.Value.Mean.ToArray());
        Assert.Equal(c.RunningVariance, channels.Value.Variance.ToArray());
        var decided = DecidedUpstream(c, mean, variance, exactness.Absolute);
        var u = RandomCases.InDouble(decided);
        using var upstream = Upload(c.Shape, decided);
        tape.Backward(output, upstream);
        var (gradInput, gradScale, gradShift) =
            BatchNormalizationReference.GradientsOfGiven(g, u, x, scale, shift, mean, variance, NormalizationCase.Epsilon, c.Relu);
        CheckGradients(c, channels.Value, input, gradInput, gradScale, gradShift, largest, deviation);
    });

    [SkippableFact]
    public void GradientsAreAddedToThoseThatAreThere()
    {
        var c = new NormalizationCase(new BatchNormalizationGeometry(70, 33), Relu: true, Seed: 4);
        using var channels = Channels(c);
        using var input = Leaf(c.Shape, c.Input);
        using var upstream = Upload(c.Shape, c.Upstream);
        var gradients = new List<float[]>();
        for (var pass = 1; pass <= 2; pass++)
        {
            using var tape = new Tape(Device);
            tape.Backward(BatchNormalizationOperation.OfBatch(tape, input, channels.Value, 0.9f, relu: true), upstream);
            gradients.Add([.. input.Gradient!.ToArray(), .. channels.Value.Scale.Gradient!.ToArray(),
                .. channels.Value.Shift.Gradient!.ToArray()]);
        }
        Tolerance.Elementwise.Check("twice", Array.ConvertAll(gradients[0], v => 2 * v), gradients[1]);
    }

    [SkippableFact]
    public void MemoryThatHeldOtherValuesDoesNotShow()
    {
        var c = new NormalizationCase(new BatchNormalizationGeometry(1025, 33), Relu: false, Seed: 8);
        var results = new List<float[]>();
        foreach (var left in new[] { Sentinel, OtherSentinel })
        {
            // The operation rents the buffers that these return.
            foreach (var length in new[] { 4 * 33, 2 * 33, 33, c.Shape.Length })
                for (var i = 0; i < 3; i++) Prefilled(new Shape(length), left).Dispose();
            using var channels = Channels(c);
            using var input = Leaf(c.Shape, c.Input);
            using var upstream = Upload(c.Shape, c.Upstream);
            using var tape = new Tape(Device);
            var output = BatchNormalizationOperation.OfBatch(tape, input, channels.Value, 0.9f);
            var values = output.ToArray();
            tape.Backward(output, upstream);
            results.Add([.. values, .. input.Gradient!.ToArray(), .. channels.Value.Scale.Gradient!.ToArray()]);
        }
        Assert.Equal(results[0], results[1]);
    }

    /// <summary>For example, a corner that is black in all images: plain sums of squares would cancel to zero or less.</summary>
    [SkippableFact]
    public void AMeanFarFromAllDeviationsCostsNoDigits()
    {
        const int rows = 3000;
        var values = RandomCases.Values(3, 1, rows);
        var shifted = Array.ConvertAll(values, v => v + 4096f);
        var (_, variance) = BatchNormalizationReference.Moments(new BatchNormalizationGeometry(rows, 1), RandomCases.InDouble(shifted));
        using var one = Upload(new Shape(1), [1]);
        using var zero = Upload(new Shape(1), [0]);
        using var mean = Upload(new Shape(1), [0]);
        using var running = Upload(new Shape(1), [0]);
        using var input = Upload(new Shape(rows, 1), shifted);
        using var tape = new Tape(Device);
        BatchNormalizationOperation.OfBatch(tape, input, new NormalizedChannels(one, zero, mean, running, 1e-3f), momentum: 0);
        var expected = variance[0] * rows / (rows - 1);
        Assert.InRange(running.ToArray()[0], expected * 0.999, expected * 1.001);
    }

    [SkippableFact]
    public void FoldedIntoAConvolutionItIsTheSame() => ForAll(ConvolutionCase.Generator(LargestWork / 4), 30, c =>
    {
        var g = c.Geometry;
        var n = new NormalizationCase(new BatchNormalizationGeometry(1, g.OutputChannels), Relu: true, c.Seed);
        using var channels = Channels(n);
        using var input = Upload(g.Input, c.Input);
        using var kernel = Upload(g.Kernel, c.Kernel);
        using var bias = Upload(new Shape(g.OutputChannels), c.BiasValues);
        var forward = ConvolutionReference.Forward(g, RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Kernel));
        foreach (var given in new[] { null, bias })
        {
            using var tape = new Tape(Device, recording: false);
            var (folded, offset) = BatchNormalizationOperation.Fold(tape, kernel, given, channels.Value);
            using var output = Prefilled(g.Output);
            ConvolutionOperation.Forward(g, input, folded, offset, output, relu: true, ConvolutionAlgorithm.Naive);
            var sums = given is null ? forward : [.. forward.Select((v, i) => v + c.BiasValues[i % g.OutputChannels])];
            var expected = BatchNormalizationReference.Forward(
                new BatchNormalizationGeometry(g.Output.Length / g.OutputChannels, g.OutputChannels), sums,
                RandomCases.InDouble(n.Scale), RandomCases.InDouble(n.Shift), RandomCases.InDouble(n.RunningMean),
                RandomCases.InDouble(n.RunningVariance),
                NormalizationCase.Epsilon, relu: true);
            Tolerance.OfSum(g.KernelHeight * g.KernelWidth * g.InputChannels + 8, 2 / MathF.Sqrt(n.RunningVariance.Min()))
                .Check($"folded convolution {(given is null ? "without" : "with")} bias", expected, output.ToArray());
        }
    });

    [SkippableFact]
    public void ShapesThatDoNotFitAreNamed()
    {
        using var tape = new Tape(Device);
        using var two = Prefilled(new Shape(2));
        using var three = Prefilled(new Shape(3));
        using var input = Prefilled(new Shape(4, 3));
        Assert.Equal("batch normalization: scale, shift and statistics [2] do not fit input [4,3]", Assert.Throws<ArgumentException>(
            () => BatchNormalizationOperation.OfBatch(tape, input, new NormalizedChannels(two, two, two, two, 1e-3f), 0.9f)).Message);
        Assert.Equal("batch normalization: scale [3] and shift or statistics [2] differ", Assert.Throws<ArgumentException>(
            () => BatchNormalizationOperation.OfRunning(tape, input, new NormalizedChannels(three, three, two, three, 1e-3f))).Message);
    }

    private static (double[] Input, double[] Scale, double[] Shift) InDouble(NormalizationCase c) =>
        (RandomCases.InDouble(c.Input), RandomCases.InDouble(c.Scale), RandomCases.InDouble(c.Shift));

    /// <summary>
    /// The upstream gradient, but zero where rounding decides ReLU's mask: there float32 and double may differ, and with
    /// a zero upstream gradient they do not.
    /// </summary>
    private static float[] DecidedUpstream(NormalizationCase c, double[] mean, double[] variance, double within)
    {
        if (!c.Relu) return c.Upstream;
        var (x, scale, shift) = InDouble(c);
        var values = BatchNormalizationReference.Forward(c.Geometry, x, scale, shift, mean, variance, NormalizationCase.Epsilon,
            relu: false);
        float[] decided = [.. c.Upstream.Select((u, i) => Math.Abs(values[i]) <= within ? 0 : u)];
        // Of a few values all may be near zero; of many only few, or the test would check nothing.
        Assert.True(values.Length < 1000 || decided.Count(u => u == 0) < values.Length / 10,
            $"{c}: {decided.Count(u => u == 0)} of {values.Length} values are undecided");
        return decided;
    }

    private static void CheckGradients(
        NormalizationCase c, NormalizedChannels channels, Tensor input, double[] gradInput, double[] gradScale, double[] gradShift,
        double largest, double deviation)
    {
        var coarseness = largest / deviation;
        // A term of the scale's gradient is an upstream value times x̂, at most the largest deviation in standard deviations.
        var sums = Tolerance.OfSum(c.Geometry.Rows, (float)Math.Max(1, coarseness));
        sums.Check("gradient of the scale", gradScale, channels.Scale.Gradient!.ToArray());
        sums.Check("gradient of the shift", gradShift, channels.Shift.Gradient!.ToArray());
        // With few rows its terms, each as large as γ/σ, nearly cancel; the difference has their rounding errors.
        Tolerance.OfSum(20 + (int)coarseness, (float)(2 * c.Scale.Max(Math.Abs) / deviation))
            .Check("gradient of the input", gradInput, input.Gradient!.ToArray());
    }

    private OwnedChannels Channels(NormalizationCase c)
    {
        var shape = new Shape(c.Geometry.Channels);
        return new OwnedChannels(new NormalizedChannels(Leaf(shape, c.Scale), Leaf(shape, c.Shift), Upload(shape, c.RunningMean),
            Upload(shape, c.RunningVariance), NormalizationCase.Epsilon));
    }

    private sealed record OwnedChannels(NormalizedChannels Value) : IDisposable
    {
        public void Dispose()
        {
            foreach (var tensor in new[] { Value.Scale, Value.Shift, Value.Mean, Value.Variance }) tensor.Dispose();
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class BatchNormalizationOnOpenCl(OpenClDevice device) : BatchNormalizationTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class BatchNormalizationOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : BatchNormalizationTests(device);

[Collection(OnIlgpu.Name)]
public sealed class BatchNormalizationOnIlgpu(IlgpuDevice device) : BatchNormalizationTests(device);
