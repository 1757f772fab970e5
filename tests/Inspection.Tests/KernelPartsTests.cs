using Convolve.Engine.Devices;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Tests;

/// <summary>What `kernels show` prints in addition to a kernel's source: its parts, loops and counts.</summary>
public sealed class KernelPartsTests(KernelCode code) : IClassFixture<KernelCode>
{
    public static TheoryData<string> Names => [.. KernelCatalogue.All.Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryTypeParameterIsShown(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        var parts = KernelSource.WithParts(kernel);
        Assert.Equal(KernelSource.Of(kernel), parts[0]);
        Assert.Equal(parts.Count, parts.Distinct().Count());
        foreach (var type in kernel.Forms.SelectMany(form => form.GetGenericArguments()))
            Assert.Contains(parts, part => part.Text.Contains($" struct {type.Name.Split('`')[0]}", StringComparison.Ordinal));
        Assert.All(parts, part => Assert.Equal(part.Text.Count(c => c == '{'), part.Text.Count(c => c == '}')));
    }

    [Fact]
    public void AnOptimizerIsShownWithItsRuleAndItsLoop()
    {
        var parts = KernelSource.WithParts(KernelCatalogue.Find("rmsprop")!);
        Assert.Contains(parts, part => part.Text.Contains("struct RmsPropRule", StringComparison.Ordinal)
            && part.Text.StartsWith("/// <summary>v = ρv", StringComparison.Ordinal)
            && part.Text.Contains("T.Map<SquareRoot>", StringComparison.Ordinal));
        Assert.Contains(parts, part => part.Text.Contains("struct UpdateElements<TRule>", StringComparison.Ordinal));
        Assert.DoesNotContain(parts, part => part.Text.Contains("struct AdamRule", StringComparison.Ordinal));
    }

    /// <summary>64 accumulators per step of k, from four loads of four floats in shared memory: two operations per byte of shared memory,
    /// no access to global memory.</summary>
    [Fact]
    public void TheBusiestLoopOfAProductIsItsStep()
    {
        var ptx = code.Ptx(KernelCatalogue.Find("matrix-multiply-gpu")!, CudaTarget.WithTf32);
        var loop = KernelCounts.OfPtx(KernelLoops.Busiest(PtxKernel.Parse(ptx))!);
        Assert.Equal((64, 128, 64, 0), (loop.MultiplyAdds, loop.FloatOperations, loop.SharedBytesMoved, loop.GlobalBytesMoved));
        Assert.Null(loop.Intensity);
    }

    [Fact]
    public void LoopsAreFoundWhereverTheirBlocksStand()
    {
        const string ptx = """
            .entry Kernel_Test(
            )
            {
            	.reg .pred	%p<2>;
            	.reg .f32	%f<8>;
            	.reg .b64	%rd<2>;
            	mov.f32	%f1, 0f00000000;
            	L_1:
            	@%p1 bra	L_3;
            	L_2:
            	add.f32	%f2, %f1, %f1;
            	st.global.f32	[%rd1], %f2;
            	ret;
            	L_3:
            	ld.global.v4.f32	{%f3, %f4, %f5, %f6}, [%rd1];
            	mul.f32	%f7, %f3, %f4;
            	add.f32	%f1, %f1, %f7;
            	bra	L_1;
            }
            """;
        var (whole, loop) = (KernelCounts.OfPtx(ptx), KernelCounts.OfPtx(KernelLoops.Busiest(PtxKernel.Parse(ptx))!));
        Assert.Equal((3, 20, 3.0 / 20), (whole.FloatOperations, whole.GlobalBytesMoved, whole.Intensity));
        Assert.Equal((2, 16, 1), (loop.FloatOperations, loop.GlobalBytesMoved, loop.MultiplyAdds));
        Assert.Null(KernelLoops.Busiest(PtxKernel.Parse(".entry Kernel_Test()\n{\nret;\n}")));
    }
}
