using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random pooling and the seed of its values.</summary>
public sealed record PoolingCase(PoolingGeometry Geometry, int Seed)
{
    public float[] Input => RandomCases.Values(Seed, 1, Geometry.Input.Length);

    /// <summary>Values with many equal ones, so that windows have ties.</summary>
    public float[] InputWithTies => Array.ConvertAll(Input, v => MathF.Round(v * 2));

    public float[] Upstream => RandomCases.Values(Seed, 2, Geometry.Output.Length);

    public static Gen<PoolingCase> Generator(int largestWork) =>
        from batch in Gen.Choose(1, 3)
        from height in Gen.Choose(1, 20)
        from width in Gen.Choose(1, 20)
        from channels in Gen.Elements(1, 2, 3, 4, 7, 8, 12, 31, 32, 33, 36, 64, 65)
        from windowHeight in Gen.Choose(1, Math.Min(height, 7))
        from windowWidth in Gen.Choose(1, Math.Min(width, 7))
        from stride in Gen.Choose(1, 4)
        from seed in RandomCases.Seed
        let geometry = PoolingGeometry.Create(new Shape(batch, height, width, channels), windowHeight, windowWidth, stride)
        where geometry.Output.Length * windowHeight * windowWidth <= largestWork / 4
        select new PoolingCase(geometry, seed);
}

public abstract class PoolingTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void MaxTakesTheLargestAndItsGradientGoesToTheFirstOfThem() =>
        ForAll(PoolingCase.Generator(LargestWork), 60, c =>
        {
            foreach (var values in new[] { c.Input, c.InputWithTies })
            {
                var g = c.Geometry;
                using var input = Upload(g.Input, values);
                using var output = Prefilled(g.Output);
                using var alone = Prefilled(g.Output);
                using var winners = Prefilled(MaxPoolingOperation.Winners(Device, g).Shape);
                using var upstream = Upload(g.Output, c.Upstream);
                using var overwritten = Prefilled(g.Input, OtherSentinel);
                using var added = Prefilled(g.Input, 2);
                MaxPoolingOperation.Forward(g, input, output, winners);
                MaxPoolingOperation.Forward(g, input, alone, null);
                MaxPoolingOperation.GradInput(g, upstream, winners, overwritten, accumulate: false);
                MaxPoolingOperation.GradInput(g, upstream, winners, added, accumulate: true);
                var expected = PoolingReference.Max(g, RandomCases.InDouble(values));
                Tolerance.Exact.Check("max pooling", expected, output.ToArray());
                Tolerance.Exact.Check("max pooling without winners", expected, alone.ToArray());
                var gradient = PoolingReference.MaxGradient(g, RandomCases.InDouble(c.Upstream), RandomCases.InDouble(values));
                var tolerance = Tolerance.OfSum(g.WindowHeight * g.WindowWidth);
                tolerance.Check("max pooling gradient", gradient, overwritten.ToArray());
                tolerance.Check("max pooling gradient added to 2", Array.ConvertAll(gradient, v => v + 2), added.ToArray());
            }
        });

    [SkippableFact]
    public void WithReluItIsBitForBitReluAndThenPooling() =>
        ForAll(PoolingCase.Generator(LargestWork), 40, c =>
        {
            foreach (var values in new[] { c.Input, c.InputWithTies })
            {
                var g = c.Geometry;
                // Some windows pass nothing, and the signs of zeros and NaN must also match.
                values[0] = -0f;
                if (c.Seed % 3 == 0) values[^1] = float.NaN;
                using var upstream = Upload(g.Output, c.Upstream);
                var results = new List<(float[] Output, float[] Gradient)>();
                foreach (var fused in new[] { false, true })
                {
                    using var input = Leaf(g.Input, values);
                    using var tape = new Tape(Device);
                    var rectified = fused ? input : ActivationOperation.Relu(tape, input);
                    var output = MaxPoolingOperation.Apply(tape, rectified, g.WindowHeight, g.WindowWidth, g.Stride, relu: fused);
                    var outputValues = output.ToArray();
                    tape.Backward(output, upstream);
                    // Masked values are upstream · 0 there and 0 here, so their signs may differ.
                    results.Add((outputValues, Array.ConvertAll(input.Gradient!.ToArray(), v => v == 0 ? 0 : v)));
                }
                Assert.Equal(Bits(results[0].Output), Bits(results[1].Output));
                Assert.Equal(Bits(results[0].Gradient), Bits(results[1].Gradient));
            }
        });

    [SkippableFact]
    public void WindowsWhoseWinnerDoesNotFitIntoAByteAreRefused()
    {
        using var input = Prefilled(new Shape(1, 16, 16, 1));
        using var tape = new Tape(Device);
        Assert.StartsWith("max pooling: window 16x16 has more than 255 positions",
            Assert.Throws<ArgumentException>(() => MaxPoolingOperation.Apply(tape, input, 16, 16, 1)).Message);
        // 255 positions fit; the last one wins.
        using var row = Leaf(new Shape(1, 15, 17, 1), [.. Enumerable.Range(0, 255).Select(i => (float)i)]);
        using var upstream = Prefilled(new Shape(1, 1, 1, 1), 3);
        tape.Backward(MaxPoolingOperation.Apply(tape, row, 15, 17, 1), upstream);
        Assert.Equal([.. Enumerable.Repeat(0f, 254), 3], row.Gradient!.ToArray());
    }

    [SkippableFact]
    public void AverageIsTheMeanAndItsGradientIsSharedOut() =>
        ForAll(PoolingCase.Generator(LargestWork), 40, c =>
        {
            var g = c.Geometry;
            using var input = Leaf(g.Input, c.Input);
            using var upstream = Upload(g.Output, c.Upstream);
            var tolerance = Tolerance.OfSum(g.WindowHeight * g.WindowWidth);
            var gradient = PoolingReference.AverageGradient(g, RandomCases.InDouble(c.Upstream));
            // Twice: the first pass overwrites, the second adds.
            for (var pass = 1; pass <= 2; pass++)
            {
                using var tape = new Tape(Device);
                var output = AveragePoolingOperation.Apply(tape, input, g.WindowHeight, g.WindowWidth, g.Stride);
                tolerance.Check("average pooling", PoolingReference.Average(g, RandomCases.InDouble(c.Input)), output.ToArray());
                tape.Backward(output, upstream);
                tolerance.Check($"average pooling gradient, {pass} times", Array.ConvertAll(gradient, v => v * pass),
                    input.Gradient!.ToArray());
            }
        });

    [SkippableFact]
    public void GlobalAverageIsTheMeanOfEachChannel() =>
        ForAll(PoolingCase.Generator(LargestWork), 20, c =>
        {
            var shape = c.Geometry.Input;
            var (batch, positions, channels) = (shape[0], shape[1] * shape[2], shape[3]);
            var values = c.Input;
            using var input = Leaf(shape, values);
            var upstreamValues = RandomCases.Values(c.Seed, 5, batch * channels);
            using var upstream = Upload(new Shape(batch, channels), upstreamValues);
            using var tape = new Tape(Device);
            var output = AveragePoolingOperation.ApplyGlobal(tape, input);
            var actual = output.ToArray();
            tape.Backward(output, upstream);
            var expected = new double[batch * channels];
            var gradient = new double[values.Length];
            for (var i = 0; i < values.Length; i++)
            {
                var o = i / (positions * channels) * channels + i % channels;
                expected[o] += (double)values[i] / positions;
                gradient[i] = (double)upstreamValues[o] / positions;
            }
            Tolerance.OfSum(positions).Check("global average pooling", expected, actual);
            Tolerance.Elementwise.Check("global average pooling gradient", gradient, input.Gradient!.ToArray());
        });

    // NaN at any position of the window: every comparison with NaN is false.
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void NotANumberWinsWhereverItStands(int place)
    {
        float[] values = [1, 2, 3, 4];
        values[place] = float.NaN;
        using var input = Upload(new Shape(1, 2, 2, 1), values);
        var g = PoolingGeometry.Create(input.Shape, 2, 2, 2);
        using var output = Prefilled(g.Output);
        using var alone = Prefilled(g.Output);
        using var winners = Prefilled(MaxPoolingOperation.Winners(Device, g).Shape);
        MaxPoolingOperation.Forward(g, input, output, winners);
        MaxPoolingOperation.Forward(g, input, alone, null);
        Assert.True(float.IsNaN(output.ToArray()[0]), $"NaN at {place} of 4 became {output.ToArray()[0]}");
        Assert.True(float.IsNaN(alone.ToArray()[0]), $"NaN at {place} of 4 became {alone.ToArray()[0]} without winners");
        Assert.Equal(place, FirstWinner(winners));
    }

    [SkippableFact]
    public void WindowsOfMinusInfinityKeepTheirFirstValue()
    {
        using var input = Upload(new Shape(1, 1, 2, 1), [float.NegativeInfinity, float.NegativeInfinity]);
        var g = PoolingGeometry.Create(input.Shape, 1, 2, 1);
        using var output = Prefilled(g.Output);
        using var winners = Prefilled(MaxPoolingOperation.Winners(Device, g).Shape);
        MaxPoolingOperation.Forward(g, input, output, winners);
        Assert.Equal(float.NegativeInfinity, output.ToArray()[0]);
        Assert.Equal(0, FirstWinner(winners));
    }

    private static int FirstWinner(Tensor winners) => BitConverter.SingleToInt32Bits(winners.ToArray()[0]) & 0xff;

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}

[Collection(OnOpenCl.Name)]
public sealed class PoolingOnOpenCl(OpenClDevice device) : PoolingTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class PoolingOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : PoolingTests(device);

[Collection(OnIlgpu.Name)]
public sealed class PoolingOnIlgpu(IlgpuDevice device) : PoolingTests(device);
