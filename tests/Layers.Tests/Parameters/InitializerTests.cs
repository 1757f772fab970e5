using Convolve.Layers.Parameters;


namespace Convolve.Layers.Tests.Parameters;

public sealed class InitializerTests
{
    private const int Length = 50_000, FanIn = 75, FanOut = 25;

    public static TheoryData<string, Initializer, double> Uniforms => new()
    {
        { "glorot", Initializer.GlorotUniform, Math.Sqrt(6.0 / (FanIn + FanOut)) },
        { "he", Initializer.HeUniform, Math.Sqrt(6.0 / FanIn) },
    };

    [Theory]
    [MemberData(nameof(Uniforms))]
    public void UniformFillsItsRange(string name, Initializer initializer, double limit)
    {
        var values = Fill(initializer, 1);
        Assert.True(values.All(v => Math.Abs(v) <= limit), $"{name}: {values.Max(MathF.Abs)} is outside ±{limit}");
        Assert.InRange(values.Max(), 0.999 * limit, limit);
        Assert.InRange(values.Min(), -limit, -0.999 * limit);
        // Mean 0 and variance limit²/3, each within six standard errors.
        Assert.InRange(values.Average(v => (double)v), -6 * limit / Math.Sqrt(3.0 * Length), 6 * limit / Math.Sqrt(3.0 * Length));
        Assert.InRange(values.Average(v => (double)v * v) / (limit * limit / 3), 1 - 6 * 0.9 / Math.Sqrt(Length),
            1 + 6 * 0.9 / Math.Sqrt(Length));
    }

    [Fact]
    public void NormalHasItsVarianceAndTails()
    {
        var values = Fill(Initializer.HeNormal, 1);
        var deviation = Math.Sqrt(2.0 / FanIn);
        Assert.InRange(values.Average(v => (double)v), -6 * deviation / Math.Sqrt(Length), 6 * deviation / Math.Sqrt(Length));
        Assert.InRange(values.Average(v => (double)v * v) / (deviation * deviation), 1 - 6 * Math.Sqrt(2.0 / Length),
            1 + 6 * Math.Sqrt(2.0 / Length));
        // 4.55 % of a normal distribution lies beyond two standard deviations.
        var beyond = values.Count(v => Math.Abs(v) > 2 * deviation) / (double)Length;
        Assert.InRange(beyond, 0.0455 - 6 * 0.00093, 0.0455 + 6 * 0.00093);
        Assert.All(values, v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void ZerosAreZeros() => Assert.All(Fill(Initializer.Zeros, 1), v => Assert.Equal(0, v));

    [Fact]
    public void KeyFixesTheValues()
    {
        foreach (var initializer in new[] { Initializer.GlorotUniform, Initializer.HeUniform, Initializer.HeNormal })
        {
            Assert.Equal(Fill(initializer, 1), Fill(initializer, 1));
            Assert.NotEqual(Fill(initializer, 1), Fill(initializer, 2));
        }
    }

    private static float[] Fill(Initializer initializer, uint key)
    {
        var values = new float[Length];
        initializer.Fill(values, FanIn, FanOut, key);
        return values;
    }
}
