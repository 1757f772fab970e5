using Convolve.Engine.Devices;

namespace Convolve.Engine.Tests.Devices;

public sealed class DeviceDescriptionTests
{
    [Theory]
    [InlineData(1, 8, "x")]
    [InlineData(2, 8, "x")]
    [InlineData(4, 8, "x")]
    [InlineData(5, 32, "x, sums in 32 parts")]
    [InlineData(8, 32, "x, sums in 32 parts")]
    [InlineData(12, 64, "x, sums in 64 parts")]
    [InlineData(64, 256, "x, sums in 256 parts")]
    public void AProcessorsNameTellsTheirNumberWhereSumsAreCutIntoMoreParts(int cores, int parts, string name)
    {
        Assert.Equal(parts, DeviceDescription.SumPartsOf(cores));
        Assert.Equal(name, DeviceDescription.NameOfProcessor("x", cores));
    }
}
