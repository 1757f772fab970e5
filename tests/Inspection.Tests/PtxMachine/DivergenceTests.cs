namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>Lanes that part and meet again.</summary>
public sealed class DivergenceTests
{
    /// <summary>Every lane counts the steps from its number to 1 (Collatz): loops of different lengths with a branch inside.</summary>
    [Fact]
    public void EveryLaneGoesItsOwnWay()
    {
        const string Body = """
            add.u32 %r1, %r0, 1;
            mov.u32 %r2, 0;
            loop:
            setp.le.u32 %p1, %r1, 1;
            @%p1 bra done;
            add.u32 %r2, %r2, 1;
            and.b32 %r3, %r1, 1;
            setp.ne.u32 %p2, %r3, 0;
            @%p2 bra odd;
            shr.u32 %r1, %r1, 1;
            bra loop;
            odd:
            mad.lo.u32 %r1, %r1, 3, 1;
            bra loop;
            done:
            st.global.u32 [%rd2], %r2;
            """;
        Assert.Equal(Enumerable.Range(1, 70).Select(Steps), SmallKernel.Run(Body, threads: 70));

        static ulong Steps(int number)
        {
            var steps = 0ul;
            for (; number > 1; steps++) number = number % 2 == 0 ? number / 2 : 3 * number + 1;
            return steps;
        }
    }

    /// <summary>Behind a branch the lanes execute together again: what follows counts once for the warp.</summary>
    [Fact]
    public void LanesMeetWhereAllWaysLeadThrough()
    {
        const string Body = """
            setp.lt.u32 %p1, %r0, 7;
            @%p1 bra less;
            mov.u32 %r1, 1;
            bra join;
            less:
            mov.u32 %r1, 2;
            join:
            vote.sync.ballot.b32 %r2, %p1, 0xFFFFFFFF;
            add.u32 %r1, %r1, %r2;
            st.global.u32 [%rd2], %r1;
            """;
        Assert.Equal(Enumerable.Range(0, 32).Select(lane => 127ul + (lane < 7 ? 2ul : 1)), SmallKernel.Run(Body));
    }

    [Fact]
    public void LanesThatEndEarlyDoNotHoldUpTheOthers()
    {
        const string Body = """
            setp.lt.u32 %p1, %r0, 5;
            @%p1 ret;
            setp.gt.u32 %p2, %r0, 20;
            @%p2 bra end;
            st.global.u32 [%rd2], %r0;
            end:
            """;
        Assert.Equal(Enumerable.Range(0, 32).Select(lane => lane is >= 5 and <= 20 ? (ulong)lane : 0), SmallKernel.Run(Body));
    }

    /// <summary>A group larger than a warp, and not a multiple of one, passes values through shared memory.</summary>
    [Fact]
    public void BarriersOrderWarps()
    {
        const string Body = """
            .shared .align 4 .b8 values[400];
            mul.wide.u32 %rd3, %r0, 4;
            mov.u64 %rd4, values;
            add.u64 %rd3, %rd4, %rd3;
            st.shared.u32 [%rd3], %r0;
            bar.sync 0;
            sub.u32 %r1, 99, %r0;
            mul.wide.u32 %rd5, %r1, 4;
            add.u64 %rd5, %rd4, %rd5;
            ld.shared.u32 %r2, [%rd5];
            st.global.u32 [%rd2], %r2;
            """;
        Assert.Equal(Enumerable.Range(0, 100).Select(thread => 99ul - (ulong)thread), SmallKernel.Run(Body, threads: 100));
    }

    [Fact]
    public void LocalMemoryIsEveryThreadsOwn()
    {
        const string Body = """
            .local .align 4 .b8 own[8];
            mov.u64 %rd3, own;
            st.local.u32 [%rd3+4], %r0;
            ld.local.u32 %r1, [%rd3+4];
            st.global.u32 [%rd2], %r1;
            """;
        Assert.Equal(Enumerable.Range(0, 40).Select(thread => (ulong)thread), SmallKernel.Run(Body, threads: 40));
    }
}
