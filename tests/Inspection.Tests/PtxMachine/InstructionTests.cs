namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>Single instructions, on numbers for which the rules of PTX differ from those of other languages.</summary>
public sealed class InstructionTests
{
    [Theory]
    [InlineData("add.s32 %r1, %r2, %r3;", 0x7FFFFFFF, 1, 0x80000000)]
    [InlineData("sub.u32 %r1, %r2, %r3;", 0, 1, 0xFFFFFFFF)]
    [InlineData("mul.lo.s32 %r1, %r2, %r3;", 0x10001, 0x10001, 0x20001)]
    [InlineData("mul.hi.s32 %r1, %r2, %r3;", 0xFFFFFFFF, 5, 0xFFFFFFFF)]
    [InlineData("mul.hi.u32 %r1, %r2, %r3;", 0xFFFFFFFF, 5, 4)]
    [InlineData("div.s32 %r1, %r2, %r3;", 0xFFFFFFF9, 2, 0xFFFFFFFD)]
    [InlineData("div.u32 %r1, %r2, %r3;", 0xFFFFFFF9, 2, 0x7FFFFFFC)]
    [InlineData("div.s32 %r1, %r2, %r3;", 0x80000000, 0xFFFFFFFF, 0x80000000)]
    [InlineData("rem.s32 %r1, %r2, %r3;", 0xFFFFFFF9, 2, 0xFFFFFFFF)]
    [InlineData("min.s32 %r1, %r2, %r3;", 0xFFFFFFFF, 2, 0xFFFFFFFF)]
    [InlineData("min.u32 %r1, %r2, %r3;", 0xFFFFFFFF, 2, 2)]
    [InlineData("shl.b32 %r1, %r2, %r3;", 1, 31, 0x80000000)]
    [InlineData("shl.b32 %r1, %r2, %r3;", 1, 32, 0)]
    [InlineData("shl.b32 %r1, %r2, %r3;", 1, 0xFFFFFFFF, 0)]
    [InlineData("shr.s32 %r1, %r2, %r3;", 0x80000000, 40, 0xFFFFFFFF)]
    [InlineData("shr.u32 %r1, %r2, %r3;", 0x80000000, 31, 1)]
    [InlineData("shr.u32 %r1, %r2, %r3;", 0x80000000, 32, 0)]
    [InlineData("xor.b32 %r1, %r2, %r3;", 0xF0F0, 0xFF00, 0x0FF0)]
    [InlineData("setp.lt.s32 %p1, %r2, %r3; selp.b32 %r1, 1, 0, %p1;", 0xFFFFFFFF, 0, 1)]
    [InlineData("setp.lt.u32 %p1, %r2, %r3; selp.b32 %r1, 1, 0, %p1;", 0xFFFFFFFF, 0, 0)]
    [InlineData("setp.hi.u32 %p1, %r2, %r3; selp.b32 %r1, 1, 0, %p1;", 0xFFFFFFFF, 0, 1)]
    [InlineData("mov.pred %p1, 1; @!%p1 mov.b32 %r2, 9; mov.b32 %r1, %r2;", 4, 0, 4)]
    [InlineData("cvt.s32.s8 %r1, %r2;", 0x1FF, 0, 0xFFFFFFFF)]
    [InlineData("cvt.u8.u32 %r1, %r2;", 0x1FF, 0, 0xFF)]
    [InlineData("cvt.u16.u32 %rs1, %r2; cvt.u32.u16 %r1, %rs1;", 0x12345, 0, 0x2345)]
    [InlineData("popc.b32 %r1, %r2;", 0xF00F, 0, 8)]
    [InlineData("clz.b32 %r1, %r2;", 0x00010000, 0, 15)]
    [InlineData("brev.b32 %r1, %r2;", 1, 0, 0x80000000)]
    [InlineData("cnot.b32 %r1, %r2;", 0, 0, 1)]
    public void Integers(string statements, uint a, uint b, uint expected) =>
        Assert.All(SmallKernel.Run($"mov.b32 %r2, {a}; mov.b32 %r3, {b}; {statements} st.global.u32 [%rd2], %r1;"),
            result => Assert.Equal(expected, result));

    [Theory]
    [InlineData("mul.wide.s32 %rd3, %r2, %r3;", 0xFFFFFFFF, 4, 0xFFFFFFFFFFFFFFFC)]
    [InlineData("mul.wide.u32 %rd3, %r2, %r3;", 0xFFFFFFFF, 4, 0x3FFFFFFFC)]
    [InlineData("mov.b64 %rd4, 10; mad.wide.s32 %rd3, %r2, %r3, %rd4;", 0xFFFFFFFF, 4, 6)]
    [InlineData("cvt.s64.s32 %rd3, %r2;", 0x80000000, 0, 0xFFFFFFFF80000000)]
    [InlineData("cvt.u64.u32 %rd3, %r2;", 0x80000000, 0, 0x80000000)]
    [InlineData("cvt.s64.s32 %rd4, %r2; mul.hi.s64 %rd3, %rd4, %rd4;", 0x80000000, 0, 0)]
    [InlineData("mov.b64 %rd4, -1; mul.hi.u64 %rd3, %rd4, %rd4;", 0, 0, 0xFFFFFFFFFFFFFFFE)]
    [InlineData("mov.b64 %rd4, 1; shl.b64 %rd3, %rd4, %r2;", 40, 0, 1ul << 40)]
    public void LongIntegers(string statements, uint a, uint b, ulong expected) =>
        Assert.All(SmallKernel.Run($"mov.b32 %r2, {a}; mov.b32 %r3, {b}; {statements} st.global.u64 [%rd2], %rd3;"),
            result => Assert.Equal(expected, result));

    [Theory]
    // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴: the last term is lost when the product is rounded by itself.
    [InlineData("fma.rn.f32 %f1, %f2, %f2, %f3;", 1 + 1f / 4096, -1 - 1f / 2048, 1f / 16777216)]
    [InlineData("mul.f32 %f1, %f2, %f2; add.f32 %f1, %f1, %f3;", 1 + 1f / 4096, -1 - 1f / 2048, 0)]
    [InlineData("min.f32 %f1, %f2, %f3;", float.NaN, 2, 2)]
    [InlineData("max.NaN.f32 %f1, %f2, %f3;", float.NaN, 2, float.NaN)]
    [InlineData("min.f32 %f1, %f2, %f3;", 0f, -0f, -0f)]
    [InlineData("add.ftz.f32 %f1, %f2, %f3;", 1e-39f, 0, 0)]
    [InlineData("add.f32 %f1, %f2, %f3;", 1e-39f, 0, 1e-39f)]
    [InlineData("copysign.f32 %f1, %f2, %f3;", -1, 3, -3)]
    [InlineData("ex2.approx.f32 %f1, %f2;", 3, 0, 8)]
    [InlineData("lg2.approx.f32 %f1, %f2;", 8, 0, 3)]
    [InlineData("rcp.rn.f32 %f1, %f2;", 4, 0, 0.25f)]
    [InlineData("rsqrt.approx.f32 %f1, %f2;", 4, 0, 0.5f)]
    [InlineData("sqrt.rn.f32 %f1, %f2;", 2, 0, 1.41421354f)]
    [InlineData("div.rn.f32 %f1, %f2, %f3;", 1, 3, 1f / 3)]
    [InlineData("cvt.rmi.f32.f32 %f1, %f2;", -1.5f, 0, -2)]
    [InlineData("cvt.rni.f32.f32 %f1, %f2;", 2.5f, 0, 2)]
    [InlineData("cvt.rna.tf32.f32 %r1, %f2; mov.b32 %f1, %r1;", 1 + 1f / 2048, 0, 1 + 1f / 1024)]
    [InlineData("neg.f32 %f1, %f2;", 0f, 0, -0f)]
    [InlineData("abs.f32 %f1, %f2;", -3, 0, 3)]
    [InlineData("setp.ne.f32 %p1, %f2, %f3; selp.f32 %f1, 0f3F800000, 0f00000000, %p1;", float.NaN, 1, 0)]
    [InlineData("setp.neu.f32 %p1, %f2, %f3; selp.f32 %f1, 0f3F800000, 0f00000000, %p1;", float.NaN, 1, 1)]
    [InlineData("setp.gtu.f32 %p1, %f2, %f3; selp.f32 %f1, 0f3F800000, 0f00000000, %p1;", float.NaN, 1, 1)]
    [InlineData("setp.gt.f32 %p1, %f2, %f3; selp.f32 %f1, 0f3F800000, 0f00000000, %p1;", 2, 1, 1)]
    [InlineData("testp.notanumber.f32 %p1, %f2; selp.f32 %f1, 0f3F800000, 0f00000000, %p1;", float.NaN, 1, 1)]
    public void Floats(string statements, float a, float b, float expected) =>
        Assert.All(SmallKernel.Run($"mov.f32 %f2, {Literal(a)}; mov.f32 %f3, {Literal(b)}; {statements} st.global.f32 [%rd2], %f1;"),
            result => Assert.Equal(expected, BitConverter.UInt32BitsToSingle((uint)result)));

    [Theory]
    [InlineData("cvt.rzi.s32.f32", -1.7f, -1)]
    [InlineData("cvt.rni.s32.f32", 2.5f, 2)]
    [InlineData("cvt.rzi.s32.f32", 1e20f, int.MaxValue)]
    [InlineData("cvt.rzi.s32.f32", -1e20f, int.MinValue)]
    [InlineData("cvt.rzi.s32.f32", float.NaN, 0)]
    [InlineData("cvt.rzi.u32.f32", -5f, 0)]
    public void FloatsBecomeIntegersWithinTheirRange(string instruction, float value, int expected) =>
        Assert.All(SmallKernel.Run($"mov.f32 %f1, {Literal(value)}; {instruction} %r1, %f1; st.global.u32 [%rd2], %r1;"),
            result => Assert.Equal(expected, (int)result));

    [Fact]
    public void WhatIsShorterThanARegisterFillsIt()
    {
        var bytes = SmallKernel.Run("ld.global.s8 %r1, [%rd0]; ld.global.u8 %r2, [%rd0+1]; add.s32 %r1, %r1, %r2; st.global.u32 "
            + "[%rd2], %r1;", threads: 1, input: [0x80FE]);
        Assert.Equal(unchecked((uint)(-2 + 0x80)), bytes[0]);
    }

    [Fact]
    public void VectorsMoveTheirElementsInOrder()
    {
        var words = SmallKernel.Run("""
            ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0];
            st.global.v2.u32 [%rd2], {%r4, %r2};
            """, threads: 1, input: [10, 11, 12, 13]);
        Assert.Equal(11ul << 32 | 13, words[0]);
    }

    [Fact]
    public void AtomicsAddEveryLane()
    {
        var words = SmallKernel.Run("atom.add.global.u32 %r1, [%rd0], 3; st.global.u32 [%rd2], %r1;", threads: 64, input: [5]);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (ulong)(5 + 3 * i)), words);
    }

    [Theory]
    [InlineData("shfl.sync.idx.b32 %r1, %r0, 5, 31, 0xFFFFFFFF;", "5 5 5 5 5 5 5 5")]
    [InlineData("shfl.sync.up.b32 %r1|%p1, %r0, 2, 0, 0xFFFFFFFF; @!%p1 mov.b32 %r1, 99;", "99 99 0 1 2 3 4 5")]
    [InlineData("shfl.sync.down.b32 %r1, %r0, 1, 31, 0xFFFFFFFF;", "1 2 3 4 5 6 7 8")]
    [InlineData("shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xFFFFFFFF;", "1 0 3 2 5 4 7 6")]
    // Segments of four lanes: 0x1C00 is the mask of the segment's bits.
    [InlineData("shfl.sync.down.b32 %r1, %r0, 1, 0x1C03, 0xFFFFFFFF;", "1 2 3 3 5 6 7 7")]
    [InlineData("setp.gt.u32 %p1, %r0, 2; vote.sync.ballot.b32 %r1, %p1, 0xFFFFFFFF; and.b32 %r1, %r1, 255;", "248 248 248 248 248 248 "
        + "248 248")]
    [InlineData("setp.gt.u32 %p1, %r0, 2; vote.sync.any.pred %p2, %p1, 0xFFFFFFFF; selp.b32 %r1, 1, 0, %p2;", "1 1 1 1 1 1 1 1")]
    [InlineData("setp.gt.u32 %p1, %r0, 2; vote.sync.all.pred %p2, !%p1, 0xFFFFFFFF; selp.b32 %r1, 1, 0, %p2;", "0 0 0 0 0 0 0 0")]
    public void LanesExchangeValues(string statements, string expected) =>
        Assert.Equal(expected, string.Join(' ', SmallKernel.Run($"{statements} st.global.u32 [%rd2], %r1;").Take(8)));

    private static string Literal(float value) => $"0f{BitConverter.SingleToUInt32Bits(value):X8}";
}
