using Convolve.Engine.Devices;
using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Syntax;
using Convolve.Inspection.Tests.PtxMachine;

namespace Convolve.Inspection.Tests.Prediction;

/// <summary>Registers that <c>ptxas</c> gave to kernels for sm_90, and the estimates from their PTX.</summary>
public sealed class RegisterEstimateTests(KernelCode code) : IClassFixture<KernelCode>
{
    /// <summary>What <c>ptxas -v</c> said; an estimate may be off by a tenth.</summary>
    [Theory]
    [InlineData("matrix-multiply-gpu", 105)]
    [InlineData("unrolled", 127)]
    [InlineData("FusedProduct", 128)]
    [InlineData("TensorCoreProduct", 128)]
    [InlineData("WideTensorCoreProduct", 205)]
    [InlineData("RoundedTensorCoreProduct", 192)]
    public void EstimatesAreNearTheAssemblersRegisters(string name, int registers)
    {
        var estimate = RegisterEstimate.Of(PtxKernel.Parse(TextOf(code, name)));
        Assert.InRange(estimate.Count, 0.9 * registers, 1.1 * registers);
        Assert.Equal(0, estimate.SpilledBytes);
    }

    [Theory]
    // Three groups of 128 threads have 168 registers a thread, three less than the values of the wide product take.
    [InlineData("WideTensorCoreProduct", 3, 168)]
    [InlineData("WideTensorCoreProduct", 4, 128)]
    [InlineData("TensorCoreProduct", 4, 64)]
    [InlineData("matrix-multiply-gpu", 3, 80)]
    public void TightLaunchBoundsSpill(string name, int groups, int limit)
    {
        var text = TextOf(code, name).Replace(".minnctapersm 2", $".minnctapersm {groups}", StringComparison.Ordinal);
        var estimate = RegisterEstimate.Of(PtxKernel.Parse(text));
        Assert.Equal((limit, limit), (estimate.Limit, estimate.Count));
        Assert.Equal((estimate.Needed - limit) * sizeof(float), estimate.SpilledBytes);
        Assert.InRange(estimate.SpilledBytes, 4, 1600);
    }

    [Fact]
    public void ValuesShareRegistersWhereTheyAreNotAliveTogether() =>
        // Two loaded words, the address of two registers, and the thread's number at first; then one sum, and at last another.
        Assert.Equal(5, RegisterEstimate.Of(PtxKernel.Parse(SmallKernel.Text("""
            mul.wide.u32 %rd3, %r0, 4;
            add.u64 %rd4, %rd0, %rd3;
            ld.global.v2.u32 {%r1, %r2}, [%rd4];
            add.u32 %r3, %r1, %r2;
            mul.lo.u32 %r3, %r3, %r3;
            st.global.u32 [%rd2], %r3;
            """))).Count);

    [Fact]
    public void CopiesConstantsAndEqualComputationsTakeNoInstruction()
    {
        var operations = MachineCode.Of(PtxKernel.Parse(SmallKernel.Text("""
            mov.u32 %r1, 7;
            add.u32 %r2, %r0, %r1;
            add.u32 %r3, %r0, 7;
            add.u32 %r4, %r0, %r1;
            mov.u32 %r5, %r4;
            mul.lo.u32 %r6, %r2, %r5;
            add.u32 %r7, %r6, %r2;
            mul.lo.u32 %r8, %r0, 9;
            st.global.u32 [%rd2], %r7;
            """))).Block(0).Select(operation => operation.Instruction.Name);
        Assert.Equal(["mov.u32", "add.u64", "add.u32", "add.u32", "st.global.u32", "ret"], operations);
    }

    internal static string TextOf(KernelCode code, string name) => name switch
    {
        "unrolled" => UnrolledProduct.Of(code.Ptx(KernelCatalogue.Find("matrix-multiply-gpu")!, CudaTarget.All[^1])),
        _ when KernelCatalogue.Find(name) is { } kernel => code.Ptx(kernel, CudaTarget.All[^1]),
        _ => ProductRun.Text(name),
    };
}
