using Convolve.Inspection.PtxMachine.Counting;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>Every counter, on kernels whose counts are known without executing them.</summary>
public sealed class CounterTests
{
    [Theory]
    [InlineData("add.f32 %f1, 0f3F800000, 0f3F800000;", InstructionClass.Float)]
    [InlineData("mul.f32 %f1, 0f3F800000, 0f3F800000;", InstructionClass.Float)]
    [InlineData("fma.rn.f32 %f1, 0f3F800000, 0f3F800000, 0f3F800000;", InstructionClass.Float)]
    [InlineData("add.s32 %r1, %r0, 1;", InstructionClass.Integer)]
    [InlineData("setp.lt.u32 %p1, %r0, 1;", InstructionClass.Integer)]
    [InlineData("div.u32 %r1, %r0, 3;", InstructionClass.Integer)]
    [InlineData("sqrt.approx.f32 %f1, 0f3F800000;", InstructionClass.SpecialFunction)]
    [InlineData("ex2.approx.f32 %f1, 0f3F800000;", InstructionClass.SpecialFunction)]
    [InlineData("div.rn.f32 %f1, 0f3F800000, 0f3F800000;", InstructionClass.SpecialFunction)]
    [InlineData("cvt.rn.f32.u32 %f1, %r0;", InstructionClass.Conversion)]
    [InlineData("mov.u32 %r1, 7;", InstructionClass.Move)]
    [InlineData("ld.global.u32 %r1, [%rd0];", InstructionClass.Global)]
    [InlineData("red.add.global.u32 [%rd0], 1;", InstructionClass.Global)]
    [InlineData(".shared .align 4 .b8 s[4096]; st.shared.u32 [s], %r0;", InstructionClass.Shared)]
    [InlineData(".local .align 4 .b8 l[8]; st.local.u32 [l], %r0;", InstructionClass.Local)]
    [InlineData("ld.param.b64 %rd3, [input];", InstructionClass.Parameter)]
    [InlineData("bar.sync 0;", InstructionClass.Control)]
    [InlineData("bra.uni next; next:", InstructionClass.Control)]
    [InlineData("shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xFFFFFFFF;", InstructionClass.Warp)]
    [InlineData("activemask.b32 %r1;", InstructionClass.Warp)]
    public void AnInstructionCountsOnceForEachWarpInItsClass(string statement, InstructionClass kind)
    {
        const int Warps = 3, Groups = 2;
        var with = Count(statement);
        var without = Count("");
        foreach (var each in Enum.GetValues<InstructionClass>())
            Assert.Equal(each == kind ? Warps * Groups : 0,
                with.Instructions.GetValueOrDefault(each) - without.Instructions.GetValueOrDefault(each));
        Assert.Equal(Warps * Groups, with.WarpInstructions - without.WarpInstructions);

        static LaunchCounts Count(string body) => SmallKernel.Launch(body, Warps * 32, groups: Groups).Result.Counts!;
    }

    /// <summary>Of a loop of five turns, and of one side of a branch that one of two warps takes.</summary>
    [Fact]
    public void EveryLineHasItsOwnCount()
    {
        const string Body = """
            mov.u32 %r1, 0;
            loop:
            add.u32 %r1, %r1, 1;
            setp.lt.u32 %p1, %r1, 5;
            @%p1 bra loop;
            setp.lt.u32 %p2, %r0, 32;
            @%p2 bra skip;
            mov.u32 %r2, 1;
            skip:
            """;
        var counts = SmallKernel.Launch(Body, threads: 64).Result.Counts!;
        long[] expected = [2, 0, 10, 10, 10, 2, 2, 1, 0];
        for (var line = 0; line < expected.Length; line++)
            Assert.Equal(expected[line], counts.Kernel.Instructions.Zip(counts.Executions)
                .Where(pair => pair.First.Line == SmallKernel.FirstLine + line).Sum(pair => pair.Second));
        Assert.Equal(counts.WarpInstructions, counts.Executions.Sum());
    }

    [Theory]
    [InlineData("fma.rn.f32 %f1, %f2, %f2, %f2;", 32)]
    [InlineData("mul.f32 %f1, %f2, %f2; add.f32 %f1, %f1, %f2;", 32)]
    [InlineData("mul.f32 %f1, %f2, %f2; add.f32 %f3, %f2, %f2;", 0)]
    public void MultiplyAddsAreThoseOfAllLanes(string statements, long expected) =>
        Assert.Equal(expected, SmallKernel.Launch($"mov.f32 %f2, 0f3F800000; {statements}").Result.Counts!.MultiplyAdds);

    /// <summary>Lane i accesses shared memory at byte i · stride: wavefronts, and how many of them banks in conflict add.</summary>
    [Theory]
    // 32 words in 32 banks, in 16 banks, in one.
    [InlineData("u32", 4, 1, 0)]
    [InlineData("u32", 8, 2, 1)]
    [InlineData("u32", 128, 32, 31)]
    // An odd stride meets every bank.
    [InlineData("u32", 132, 1, 0)]
    // All lanes want the same word.
    [InlineData("u32", 0, 1, 0)]
    // 256 bytes need two wavefronts, 512 need four; broadcast, one for each half of the warp.
    [InlineData("v2.u32", 8, 2, 0)]
    [InlineData("v4.u32", 16, 4, 0)]
    [InlineData("v4.u32", 0, 2, 0)]
    // Sixteen lanes with four words each in the same four banks.
    [InlineData("v4.u32", 128, 32, 28)]
    public void WavefrontsFollowFromTheStride(string type, int stride, int wavefronts, int conflicts)
    {
        foreach (var instruction in new[] { "ld", "st" })
        {
            var values = type == "u32" ? "%r2" : type == "v2.u32" ? "{%r2, %r3}" : "{%r2, %r3, %r4, %r5}";
            var access = instruction == "ld" ? $"ld.shared.{type} {values}, [%r1];" : $"st.shared.{type} [%r1], {values};";
            var counted = Counted($"""
                .shared .align 16 .b8 tile[4224];
                mov.u32 %r2, 1; mov.u32 %r3, 1; mov.u32 %r4, 1; mov.u32 %r5, 1;
                mov.u32 %r6, tile;
                mad.lo.u32 %r1, %r0, {stride}, %r6;
                {access}
                """, line: 4);
            Assert.Equal((1, 32, wavefronts, wavefronts - conflicts, 0),
                ((int)counted.Requests, (int)counted.Lanes, (int)counted.Wavefronts, (int)counted.MinimalWavefronts, (int)counted.Sectors));
        }
    }

    /// <summary>Lane i reads global memory at byte first + i · stride.</summary>
    [Theory]
    // 32 neighbouring floats: 128 bytes in four sectors of 32, five where they begin between two.
    [InlineData("u32", 0, 4, 4, 4)]
    [InlineData("u32", 4, 4, 5, 4)]
    [InlineData("u32", 32, 4, 4, 4)]
    // Every other float: half of each sector is wasted. One float of each sector.
    [InlineData("u32", 0, 8, 8, 4)]
    [InlineData("u32", 0, 32, 32, 4)]
    // All lanes read one word.
    [InlineData("u32", 0, 0, 1, 1)]
    [InlineData("v2.u32", 0, 8, 8, 8)]
    [InlineData("v4.u32", 0, 16, 16, 16)]
    [InlineData("v4.u32", 0, 32, 32, 16)]
    [InlineData("u8", 0, 1, 1, 1)]
    public void SectorsFollowFromAlignmentAndStride(string type, int first, int stride, int sectors, int minimum)
    {
        var values = type switch { "v2.u32" => "{%r2, %r3}", "v4.u32" => "{%r2, %r3, %r4, %r5}", _ => "%r2" };
        var counted = Counted($"""
            mul.wide.u32 %rd3, %r0, {stride};
            add.u64 %rd3, %rd0, %rd3;
            ld.global.{type} {values}, [%rd3+{first}];
            """, line: 2);
        var bytes = type switch { "u8" => 1, "u32" => 4, "v2.u32" => 8, _ => 16 };
        Assert.Equal((1, sectors, minimum, 32 * bytes),
            ((int)counted.Requests, (int)counted.Sectors, (int)counted.MinimalSectors, (int)counted.Bytes));
        Assert.Equal(sectors, counted.SectorsPerRequest);
    }

    /// <summary>Lanes that a guard leaves out move nothing.</summary>
    [Fact]
    public void OnlyLanesThatTakePartMoveBytes()
    {
        var counted = Counted("""
            setp.lt.u32 %p1, %r0, 3;
            mul.wide.u32 %rd3, %r0, 32;
            add.u64 %rd3, %rd0, %rd3;
            @%p1 ld.global.u32 %r2, [%rd3];
            """, line: 3);
        Assert.Equal((1, 3, 3, 1, 12),
            ((int)counted.Requests, (int)counted.Lanes, (int)counted.Sectors, (int)counted.MinimalSectors, (int)counted.Bytes));
    }

    /// <summary>cp.async reads global and writes shared memory.</summary>
    [Fact]
    public void CopiesCountInBothMemories()
    {
        const string Body = """
            .shared .align 16 .b8 tile[512];
            mul.wide.u32 %rd3, %r0, 16;
            add.u64 %rd3, %rd0, %rd3;
            mov.u32 %r1, tile;
            mad.lo.u32 %r1, %r0, 16, %r1;
            cp.async.cg.shared.global [%r1], [%rd3], 16;
            cp.async.wait_all;
            """;
        var accesses = SmallKernel.Launch(Body, input: new uint[128])
            .Result.Counts!.Accesses.Where(access => access.Instruction.Operation == "cp").ToArray();
        Assert.Equal([(0L, 16L), (4L, 0L)], accesses.Select(access => (access.Wavefronts, access.Sectors)));
    }

    private static AccessCount Counted(string body, int line) =>
        SmallKernel.Launch(body, input: new uint[512]).Result.Counts!.Accesses.Single(access => access.Instruction.Line ==
            SmallKernel.FirstLine + line);
}
