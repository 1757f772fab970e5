using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Operations;

public abstract class DropoutTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const int Length = 20_000;

    [SkippableTheory]
    [InlineData(0f)]
    [InlineData(0.05f)]
    [InlineData(0.5f)]
    [InlineData(0.9f)]
    public void DropsTheRateAndScalesTheRestAndComesBackThroughTheSameMask(float rate)
    {
        var values = Array.ConvertAll(RandomCases.Values(1, 1, Length), v => v + 2);
        var upstreamValues = Array.ConvertAll(RandomCases.Values(1, 2, Length), v => v + 2);
        using var input = Leaf(new Shape(Length), values);
        using var upstream = Upload(new Shape(Length), upstreamValues);
        for (var pass = 1; pass <= 2; pass++)
        {
            using var tape = new Tape(Device);
            var output = DropoutOperation.Apply(tape, input, rate, key: 99);
            var actual = output.ToArray();
            tape.Backward(output, upstream);
            var dropped = actual.Count(v => v == 0);
            // Six standard deviations of a binomial distribution: a correct generator fails once in 10⁹ runs.
            Assert.InRange(dropped, rate * Length - 6 * Math.Sqrt(Length * rate * (1 - rate)),
                rate * Length + 6 * Math.Sqrt(Length * rate * (1 - rate)));
            Tolerance.Elementwise.Check("dropout", values.Select((v, i) => actual[i] == 0 ? 0 : v / (1 - (double)rate)).ToArray(), actual);
            Tolerance.Elementwise.Check($"dropout gradient, {pass} times",
                upstreamValues.Select((v, i) => actual[i] == 0 ? 0 : pass * v / (1 - (double)rate)).ToArray(), input.Gradient!.ToArray());
        }
    }

    [SkippableFact]
    public void MaskDependsOnTheKeyAndOnNothingElse()
    {
        using var tape = new Tape(Device, recording: false);
        using var ones = Prefilled(new Shape(Length), 1);
        var first = DropoutOperation.Apply(tape, ones, 0.5f, 7).ToArray();
        Tolerance.Exact.Check("mask of the same key", first, DropoutOperation.Apply(tape, ones, 0.5f, 7).ToArray());
        var other = DropoutOperation.Apply(tape, ones, 0.5f, 8).ToArray();
        var equal = first.Zip(other, (a, b) => a == b ? 1 : 0).Sum();
        // Independent masks agree in half of the positions, within six standard deviations.
        Assert.InRange(equal, Length / 2 - 6 * Math.Sqrt(Length) / 2, Length / 2 + 6 * Math.Sqrt(Length) / 2);
    }

    [SkippableFact]
    public void HostAndDeviceDrawTheSameNumbers()
    {
        using var tape = new Tape(Device, recording: false);
        using var ones = Prefilled(new Shape(Length), 1);
        var actual = DropoutOperation.Apply(tape, ones, 0.25f, 1234567).ToArray();
        for (var i = 0; i < Length; i++) Assert.Equal(CounterRandom.Uniform(1234567, (uint)i) < 0.25f, actual[i] == 0);
    }

    [SkippableTheory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(float.NaN)]
    public void RatesThatMakeNoSenseAreRefused(float rate)
    {
        using var tape = new Tape(Device, recording: false);
        using var input = Prefilled(new Shape(1));
        Assert.Contains("dropout: probability",
            Assert.Throws<ArgumentOutOfRangeException>(() => DropoutOperation.Apply(tape, input, rate, 1)).Message);
    }
}

public sealed class CounterRandomTests
{
    [Fact]
    public void UniformNumbersFillTheUnitIntervalEvenly()
    {
        var counts = new int[64];
        for (var i = 0u; i < 64_000; i++)
        {
            var value = CounterRandom.Uniform(CounterRandom.Key(3, 1, 4), i);
            Assert.InRange(value, 0, 0.99999994f);
            counts[(int)(value * 64)]++;
        }
        // Pearson's statistic with 63 degrees of freedom: mean 63, standard deviation 11.2; 130 is six of them above.
        Assert.InRange(counts.Sum(c => (c - 1000.0) * (c - 1000.0) / 1000), 20, 130);
    }

    [Fact]
    public void NeighbouringKeysShareNoNumbers()
    {
        var seen = new HashSet<uint>();
        for (var seed = 0u; seed < 10; seed++)
            for (var step = 0u; step < 100; step++)
                Assert.True(seen.Add(CounterRandom.Key(seed, step)), $"key of {seed},{step} was there before");
        Assert.NotEqual(CounterRandom.Key(1, 2), CounterRandom.Key(2, 1));
        Assert.NotEqual(CounterRandom.Key(1), CounterRandom.Key(1, 0));
    }
}

[Collection(OnOpenCl.Name)]
public sealed class DropoutOnOpenCl(OpenClDevice device) : DropoutTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class DropoutOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : DropoutTests(device);

[Collection(OnIlgpu.Name)]
public sealed class DropoutOnIlgpu(IlgpuDevice device) : DropoutTests(device);
