using Convolve.Inspection.Prediction;
using Convolve.Inspection.Profiling;
using Convolve.Inspection.PtxMachine.Counting;

namespace Convolve.Inspection.Tests.Profiling;

public sealed class KernelProfileTests
{
    private static readonly Gpu gpu = Gpu.Named("h200");

    /// <summary>ReLU of 100·72·72·32 floats, four a thread, in a grid that strides.</summary>
    [Fact]
    public void AnElementwiseKernelMovesEachByteOnce()
    {
        const int Elements = 100 * 72 * 72 * 32;
        var profile = KernelProfile.Of(KernelCatalogue.Find("relu-forward")!, gpu);
        Assert.Equal(2L * Elements * sizeof(float), profile.GlobalBytes);
        Assert.Equal(profile.GlobalBytes / 32, profile.Counts.GlobalSectors);
        Assert.Equal(profile.Counts.GlobalSectors, profile.MinimalSectors);
        Assert.Equal(16, profile.SectorsPerRequest);
        Assert.Null(profile.InstructionsPerMultiplyAdd);
        Assert.Equal(0, profile.Counts.SharedWavefronts);
        Assert.Equal(Bound.Dram, profile.Prediction.Limit);
        Assert.Empty(profile.Findings);
        Assert.True(profile.HasLines);
    }

    [Fact]
    public void TheCostsOfAProductAreThoseOfItsInnerLoop()
    {
        var profile = KernelProfile.Of(KernelCatalogue.Find("matrix-multiply-gpu")!, gpu);
        Assert.Equal(1024L * 1024 * 1024, profile.Counts.MultiplyAdds);
        Assert.InRange(profile.InstructionsPerMultiplyAdd!.Value, 1, 2);
        Assert.Equal(profile.Instructions.Values.Sum(), profile.Lines.Sum(line => line.Instructions));
        Assert.Equal(profile.Counts.SharedWavefronts, profile.Lines.Sum(line => line.Wavefronts));
        Assert.Equal(profile.Counts.GlobalSectors, profile.Lines.Sum(line => line.Sectors));
        var multiplyAdds = profile.Lines.Where(line => line.Line?.File.EndsWith("Tile8x8.cs", StringComparison.Ordinal) == true)
            .Sum(line => line.Instructions);
        Assert.InRange((double)multiplyAdds / profile.Instructions.Values.Sum(), 0.6, 0.9);
    }

    /// <summary>An optimizer's kernel reads from a table how much to do: counted without values it would do nothing.</summary>
    [Fact]
    public void KernelsThatDependOnValuesAreExecutedWithThem()
    {
        var profile = KernelProfile.Of(KernelCatalogue.Find("rmsprop")!, gpu);
        Assert.False(profile.Launch.IsSampled);
        // Weights, gradients and mean squares are read, weights and mean squares are written; each thread reads the row of its piece.
        Assert.Equal(5 * 1_000_000 * sizeof(float) + 123 * 256 * 28, profile.GlobalBytes);
        Assert.True(profile.Instructions[InstructionClass.SpecialFunction] > 0);
    }

    [Theory]
    [InlineData("matrix-multiply-cpu-3x32", "h200", "no form for GPUs")]
    [InlineData("matrix-multiply-tf32", "t4", "needs sm_80 or newer")]
    public void WhatCannotBeProfiledSaysWhy(string kernel, string name, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() =>
            KernelProfile.Of(KernelCatalogue.Find(kernel)!, Gpu.Named(name))).Message);
}
