using Convolve.Inspection.PtxMachine.Counting;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>Kernels with <c>cp.async</c>, <c>ldmatrix</c>, <c>mma.sync</c> and swizzles, which an H200 has run: right products, nothing
/// found.</summary>
public sealed class ProductTests
{
    [Theory]
    // Factors are cut to ten bits of fraction.
    [InlineData("TensorCoreProduct", 2e-3)]
    [InlineData("FusedProduct", 1e-6)]
    public void ProductsAreRightAndNothingIsFound(string kernel, double tolerance)
    {
        var run = ProductRun.Of(ProductRun.Text(kernel));
        Assert.Empty(run.Findings);
        Assert.InRange(run.Error, 0, tolerance);
    }

    [Fact]
    public void CountsAreThoseOfTheLoops()
    {
        var run = ProductRun.Of(ProductRun.Text("TensorCoreProduct"));
        Assert.Equal(128 * 128 * 64, run.Counts.MultiplyAdds);
        // Eight warps, eight steps of eight depths, 4 × 4 products each.
        Assert.Equal(8 * 8 * 16, run.Counts.Instructions[InstructionClass.Tensor]);
        // The swizzle leaves no conflict: four matrices of eight rows are four wavefronts, 32 words in 32 banks are one.
        Assert.All(run.Counts.Accesses, access => Assert.Equal(
            access.Instruction.Operation switch
            {
                "ldmatrix" => 4,
                "ld" when access.Instruction.Has("shared") => 1,
                _ => access.WavefrontsPerRequest
            }, access.WavefrontsPerRequest));
        // Both factors are read once, in whole sectors; the sums are written in pieces of 32 bytes.
        Assert.Equal((2 * 128 * 64 + 128 * 128) * sizeof(float) / 32, run.Counts.GlobalSectors);
    }

    [Fact]
    public void MultiplyAddsOfFusedProductsAreCounted() =>
        Assert.Equal(128 * 128 * 64, ProductRun.Of(ProductRun.Text("FusedProduct")).Counts.MultiplyAdds);
}
