using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>
/// Races in global memory: groups of a launch are never ordered, threads of a group are ordered by barriers. The input has a word for each
/// thread of a group; <c>%r1</c> is the group's number.
/// </summary>
public sealed class GlobalRaceTests
{
    private const int Threads = 64;

    private const string Prologue = """
        mov.u32 %r1, %ctaid.x;
        mul.wide.u32 %rd3, %r0, 4;
        add.u64 %rd3, %rd0, %rd3;

        """;

    [Theory]
    [InlineData("two groups write one element", 2, "st.global.u32 [%rd3], %r1;", "writes bytes that thread 0 of group (0, 0, 0) writes")]
    [InlineData("a group reads what another writes", 2,
        "setp.eq.u32 %p1, %r1, 0; @%p1 st.global.u32 [%rd3], %r0; @!%p1 ld.global.u32 %r2, [%rd3];",
        "reads bytes that thread 0 of group (0, 0, 0) writes")]
    [InlineData("a group writes what another has read", 2,
        "setp.eq.u32 %p1, %r1, 1; @!%p1 ld.global.u32 %r2, [%rd3]; @%p1 st.global.u32 [%rd3], %r0;",
        "writes bytes that group (0, 0, 0) reads")]
    [InlineData("a group writes what several others have read", 3,
        "setp.eq.u32 %p1, %r1, 2; ld.global.u32 %r2, [%rd3]; @%p1 st.global.u32 [%rd3], %r0;", "writes bytes that other groups read")]
    [InlineData("two warps write one element", 1, "st.global.u32 [%rd0], %r1;",
        "writes bytes that thread 0 writes, with no barrier in between")]
    [InlineData("lanes of a warp write one element", 1, "setp.lt.u32 %p1, %r0, 2; @%p1 st.global.u32 [%rd0], %r1;", "thread 0 writes")]
    // Warp 0 runs first: it has read what warp 1 then writes.
    [InlineData("a barrier between two warps is missing", 1,
        "xor.b32 %r2, %r0, 32; mul.wide.u32 %rd4, %r2, 4; add.u64 %rd4, %rd0, %rd4; st.global.u32 [%rd3], %r1; ld.global.u32 %r3, [%rd4];",
        "writes bytes that thread 0 reads, with no barrier in between")]
    [InlineData("an atomic update meets a plain write", 2,
        "setp.eq.u32 %p1, %r1, 0; @%p1 st.global.u32 [%rd3], %r0; @!%p1 red.add.global.u32 [%rd3], 1;",
            "atomically updates bytes that thread 0 of group")]
    [InlineData("a plain read meets an atomic update", 2,
        "setp.eq.u32 %p1, %r1, 0; @%p1 red.add.global.u32 [%rd3], 1; @!%p1 ld.global.u32 %r2, [%rd3];",
            "thread 0 of group (0, 0, 0) atomically updates")]
    [InlineData("a vector overlaps the neighbour's", 1,
        "shr.u32 %r2, %r0, 1; mul.wide.u32 %rd4, %r2, 8; add.u64 %rd4, %rd0, %rd4; st.global.v2.u32 [%rd4], {%r0, %r1};",
            "thread 0 writes")]
    public void RacesAreFound(string fault, int groups, string body, string detail)
    {
        var findings = SmallKernel.Launch(Prologue + body, Threads, groups: groups).Result.Findings;
        Assert.True(findings.Any(finding => finding.Kind == FindingKind.Race && finding.Detail.Contains(detail, StringComparison.Ordinal)),
            $"{fault}: found {string.Join("; ", findings)}");
        Assert.All(findings, finding => Assert.Contains("of input", finding.Address));
    }

    [Theory]
    [InlineData("groups read the same", 3, "ld.global.u32 %r2, [%rd3];")]
    [InlineData("groups write apart", 2,
        "setp.lt.u32 %p1, %r0, 32; shl.b32 %r2, %r1, 7; cvt.u64.u32 %rd4, %r2; add.u64 %rd4, %rd4, %rd3; @%p1 st.global.u32 [%rd4], %r0;")]
    [InlineData("a thread updates its own", 1, "ld.global.u32 %r2, [%rd3]; add.u32 %r2, %r2, 1; st.global.u32 [%rd3], %r2;")]
    [InlineData("groups count atomically", 3, "red.add.global.u32 [%rd0], 1;")]
    [InlineData("a barrier orders warps", 1,
        "xor.b32 %r2, %r0, 32; mul.wide.u32 %rd4, %r2, 4; add.u64 %rd4, %rd0, %rd4; st.global.u32 [%rd3], %r1; bar.sync 0; ld.global.u32 "
            + "%r3, [%rd4];")]
    [InlineData("bar.warp.sync orders lanes", 1,
        "xor.b32 %r2, %r0, 1; mul.wide.u32 %rd4, %r2, 4; add.u64 %rd4, %rd0, %rd4; st.global.u32 [%rd3], %r1; bar.warp.sync 0xFFFFFFFF; "
            + "ld.global.u32 %r3, [%rd4];")]
    public void OrderedAccessesAreNone(string what, int groups, string body)
    {
        var findings = SmallKernel.Launch(Prologue + body, Threads, groups: groups).Result.Findings;
        Assert.True(findings.Count == 0, $"{what}: found {string.Join("; ", findings)}");
    }
}
