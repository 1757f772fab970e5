using Convolve.Inspection.Prediction;

namespace Convolve.Inspection.Tests.Prediction;

/// <summary>The figures of GPUs.</summary>
public sealed class GpuTests
{
    [Fact]
    public void GpusAreFoundByName() => Assert.Equal("NVIDIA H200 SXM", Gpu.Named("H200").Title);

    [Fact]
    public void AnUnknownNameListsTheOthers() =>
        Assert.Equal("no figures of a GPU called 'h300' are known; there are h200, h100, a100, rtx4090, rtx3090, l4, t4",
            Assert.Throws<ArgumentException>(() => Gpu.Named("h300")).Message);

    /// <summary>Peaks of float32 as the white papers and data sheets print them.</summary>
    [Theory]
    [InlineData("h200", 66.9)]
    [InlineData("a100", 19.5)]
    [InlineData("rtx4090", 82.6)]
    [InlineData("rtx3090", 35.6)]
    [InlineData("l4", 30.3)]
    [InlineData("t4", 8.1)]
    public void FiguresGiveThePrintedPeaks(string name, double teraflops) => Assert.Equal(teraflops, Gpu.Named(name).Teraflops, 0.2);
}
