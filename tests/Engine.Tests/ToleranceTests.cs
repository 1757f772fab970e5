using Xunit.Sdk;

namespace Convolve.Engine.Tests;

/// <summary>The comparison itself fails when it should.</summary>
public sealed class ToleranceTests
{
    [Theory]
    [InlineData(1.0, float.NaN)]
    [InlineData(double.NaN, float.NaN)]
    [InlineData(1.0, float.PositiveInfinity)]
    [InlineData(1.0, 1.0001f)]
    [InlineData(0.0, 1e-6f)]
    public void Rejects(double expected, float actual)
    {
        var error = Assert.Throws<XunitException>(() => Tolerance.Elementwise.Check("probe", [0, expected], [0, actual]));
        Assert.StartsWith("probe: 1 of 2 values are wrong, the worst at index 1", error.Message);
    }

    [Fact]
    public void RejectsAnotherLength() =>
        Assert.Throws<XunitException>(() => new Tolerance(1e9, 1e9).Check("probe", new double[2], new float[3]));

    [Fact]
    public void AcceptsWhatIsClose() => Tolerance.Elementwise.Check("probe", [1.0, 0, 1e6], [1.000001f, 1e-8f, 1e6f]);
}
