using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>Faults injected into correct kernels: each is found, by its kind and at its statement.</summary>
public sealed class FaultTests
{
    private const int Threads = 64;

    /// <summary>Adds 64 numbers in shared memory, halving the threads, and keeps each thread's own number in local memory.</summary>
    private const string Sum = """
        .shared .align 16 .b8 values[256];
        .local .align 4 .b8 own[8];
        mul.wide.u32 %rd3, %r0, 4;
        add.u64 %rd4, %rd0, %rd3;
        ld.global.u32 %r4, [%rd4];
        mov.u64 %rd5, values;
        add.u64 %rd6, %rd5, %rd3;
        st.shared.u32 [%rd6], %r4;
        mov.u64 %rd7, own;
        st.local.u32 [%rd7+4], %r4;
        shfl.sync.bfly.b32 %r9, %r4, 1, 31, 0xFFFFFFFF;
        bar.sync 0;
        mov.u32 %r1, 32;
        next:
        setp.ge.u32 %p1, %r0, %r1;
        @%p1 bra skip;
        add.u32 %r2, %r0, %r1;
        mul.wide.u32 %rd8, %r2, 4;
        add.u64 %rd8, %rd5, %rd8;
        ld.shared.u32 %r5, [%rd8];
        ld.shared.u32 %r6, [%rd6];
        add.u32 %r6, %r6, %r5;
        st.shared.u32 [%rd6], %r6;
        skip:
        barrier.sync 0;
        shr.u32 %r1, %r1, 1;
        setp.ne.u32 %p2, %r1, 0;
        @%p2 bra.uni next;
        ld.local.u32 %r7, [%rd7+4];
        ld.shared.u32 %r8, [%rd5];
        add.u32 %r8, %r8, %r7;
        div.u32 %r8, %r8, %r7;
        st.global.u32 [%rd2], %r8;
        """;

    /// <summary>Copies 16 bytes for each thread with cp.async, and reads what the neighbour has copied.</summary>
    private const string Copy = """
        .shared .align 16 .b8 tile[1024];
        mul.wide.u32 %rd3, %r0, 16;
        add.u64 %rd4, %rd0, %rd3;
        shl.b32 %r1, %r0, 4;
        mov.u32 %r2, tile;
        add.u32 %r1, %r2, %r1;
        cp.async.cg.shared.global [%r1], [%rd4], 16;
        cp.async.commit_group;
        cp.async.wait_group 0;
        bar.sync 0;
        xor.b32 %r3, %r0, 1;
        shl.b32 %r3, %r3, 4;
        add.u32 %r3, %r2, %r3;
        ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r3];
        st.global.u32 [%rd2], %r5;
        """;

    /// <summary>What stands where a fault is injected, what is put there, and what shall be found at which statement.</summary>
    public static TheoryData<string, string, string, string, FindingKind, string> SmallFaults => new()
    {
        { nameof(Sum), "a barrier is missing before the loop", "bar.sync 0;\nmov.u32 %r1, 32;", "mov.u32 %r1, 32;",
            FindingKind.Race, "st.shared.u32 [%rd6], %r4;" },
        { nameof(Sum), "a barrier is missing in the loop", "barrier.sync 0;", "", FindingKind.Race, "ld.shared.u32 %r5, [%rd8];" },
        { nameof(Sum), "an index is one too large", "add.u32 %r2, %r0, %r1;", "add.u32 %r2, %r0, %r1; add.u32 %r2, %r2, 1;",
            FindingKind.OutOfBounds, "ld.shared.u32 %r5, [%rd8];" },
        { nameof(Sum), "an unsigned index is below zero", "add.u32 %r2, %r0, %r1;", "sub.u32 %r2, %r0, 1;",
            FindingKind.OutOfBounds, "ld.shared.u32 %r5, [%rd8];" },
        { nameof(Sum), "a store goes to the next element", "st.shared.u32 [%rd6], %r4;", "st.shared.u32 [%rd6+4], %r4;",
            FindingKind.OutOfBounds, "st.shared.u32 [%rd6+4], %r4;" },
        { nameof(Sum), "a stride is twice as long", "add.u64 %rd6, %rd5, %rd3;", "add.u64 %rd6, %rd5, %rd3; add.u64 %rd6, %rd6, %rd3;",
            FindingKind.OutOfBounds, "st.shared.u32 [%rd6], %r4;" },
        { nameof(Sum), "a read leaves the input", "ld.global.u32 %r4, [%rd4];", "ld.global.u32 %r4, [%rd4+4];",
            FindingKind.OutOfBounds, "ld.global.u32 %r4, [%rd4+4];" },
        { nameof(Sum), "a read begins before the input", "ld.global.u32 %r4, [%rd4];", "ld.global.u32 %r4, [%rd4-4];",
            FindingKind.OutOfBounds, "ld.global.u32 %r4, [%rd4-4];" },
        { nameof(Sum), "a write leaves the output", "st.global.u32 [%rd2], %r8;", "st.global.u32 [%rd2+8], %r8;",
            FindingKind.OutOfBounds, "st.global.u32 [%rd2+8], %r8;" },
        { nameof(Sum), "a write goes to no array", "st.global.u32 [%rd2], %r8;", "st.global.u32 [%rd3], %r8;",
            FindingKind.OutOfBounds, "st.global.u32 [%rd3], %r8;" },
        { nameof(Sum), "local memory is left", "st.local.u32 [%rd7+4], %r4;", "st.local.u32 [%rd7+8], %r4;",
            FindingKind.OutOfBounds, "st.local.u32 [%rd7+8], %r4;" },
        { nameof(Sum), "an address is odd", "ld.global.u32 %r4, [%rd4];", "ld.global.u32 %r4, [%rd4+2];",
            FindingKind.Misaligned, "ld.global.u32 %r4, [%rd4+2];" },
        { nameof(Sum), "a vector begins between its multiples", "ld.shared.u32 %r8, [%rd5];", "ld.shared.v2.u32 {%r8, %r7}, [%rd5+4];",
            FindingKind.Misaligned, "ld.shared.v2.u32 {%r8, %r7}, [%rd5+4];" },
        { nameof(Sum), "half of the values are not stored", "st.shared.u32 [%rd6], %r4;", "setp.lt.u32 %p3, %r0, 32; @%p3 st.shared.u32 "
            + "[%rd6], %r4;", FindingKind.UninitializedRead, "ld.shared.u32 %r5, [%rd8];" },
        { nameof(Sum), "local memory is read elsewhere", "ld.local.u32 %r7, [%rd7+4];", "ld.local.u32 %r7, [%rd7];",
            FindingKind.UninitializedRead, "ld.local.u32 %r7, [%rd7];" },
        { nameof(Sum), "a counter does not begin", "mov.u32 %r1, 32;", "",
            FindingKind.UninitializedRegister, "setp.ge.u32 %p1, %r0, %r1;" },
        { nameof(Sum), "some lanes leave a register unset", "shfl.sync.bfly.b32 %r9, %r4, 1, 31, 0xFFFFFFFF;", "setp.lt.u32 %p3, %r0, 9; "
            + "@%p3 mov.u32 %r10, 1; add.u32 %r10, %r10, 1;",
                FindingKind.UninitializedRegister, "setp.lt.u32 %p3, %r0, 9; @%p3 mov.u32 %r10, 1; add.u32 %r10, %r10, 1;" },
        { nameof(Sum), "a barrier stands inside a branch", "st.shared.u32 [%rd6], %r6;\nskip:\nbarrier.sync 0;", "st.shared.u32 [%rd6], "
            + "%r6;\nbarrier.sync 0;\nskip:", FindingKind.DivergentBarrier, "barrier.sync 0;" },
        { nameof(Sum), "lanes end before a barrier", "bar.sync 0;", "setp.gt.u32 %p3, %r0, 40; @%p3 ret;\nbar.sync 0;",
            FindingKind.DivergentBarrier, "bar.sync 0;" },
        { nameof(Sum), "a warp ends before a barrier", "bar.sync 0;", "setp.gt.u32 %p3, %r0, 31; @%p3 ret;\nbar.sync 0;",
            FindingKind.DivergentBarrier, "bar.sync 0;" },
        { nameof(Sum), "warps wait at different barriers", "bar.sync 0;", "setp.gt.u32 %p3, %r0, 31; @%p3 bra other;\nbar.sync 0;\nbra "
            + "both;\nother:\nbarrier.sync 0;\nboth:", FindingKind.DivergentBarrier, "bar.sync 0;" },
        { nameof(Sum), "a branch is not uniform", "@%p1 bra skip;", "@%p1 bra.uni skip;",
            FindingKind.DivergentBranch, "@%p1 bra.uni skip;" },
        { nameof(Sum), "all threads write one element", "st.shared.u32 [%rd6], %r4;", "st.shared.u32 [%rd6], %r4; st.shared.u32 "
            + "[%rd5], %r4;", FindingKind.Race, "st.shared.u32 [%rd6], %r4; st.shared.u32 [%rd5], %r4;" },
        { nameof(Sum), "a value is overwritten while others read it", "ld.shared.u32 %r8, [%rd5];", "ld.shared.u32 %r8, [%rd5]; "
            + "setp.eq.u32 %p3, %r0, 63;\n@%p3 st.shared.u32 [%rd5], %r0;", FindingKind.Race, "@%p3 st.shared.u32 [%rd5], %r0;" },
        { nameof(Sum), "an integer is divided by zero", "div.u32 %r8, %r8, %r7;", "sub.u32 %r7, %r7, %r7;\ndiv.u32 %r8, %r8, %r7;",
            FindingKind.DivisionByZero, "div.u32 %r8, %r8, %r7;" },
        { nameof(Sum), "a shuffle misses lanes", "shfl.sync.bfly.b32 %r9, %r4, 1, 31, 0xFFFFFFFF;", "setp.gt.u32 %p3, %r0, 5;\n@%p3 "
            + "shfl.sync.bfly.b32 %r9, %r4, 1, 31, 0xFFFFFFFF;",
                FindingKind.DivergentWarp, "@%p3 shfl.sync.bfly.b32 %r9, %r4, 1, 31, 0xFFFFFFFF;" },
        { nameof(Sum), "a loop does not end", "shr.u32 %r1, %r1, 1;", "", FindingKind.EndlessLoop, "" },
        { nameof(Copy), "a copy is not waited for", "cp.async.wait_group 0;", "",
            FindingKind.CopyNotAwaited, "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r3];" },
        { nameof(Copy), "a wait leaves one group too many", "cp.async.wait_group 0;", "cp.async.wait_group 1;",
            FindingKind.CopyNotAwaited, "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r3];" },
        { nameof(Copy), "a copy belongs to no group", "cp.async.commit_group;", "",
            FindingKind.CopyNotAwaited, "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r3];" },
        { nameof(Copy), "a barrier is missing behind the wait", "bar.sync 0;", "",
            FindingKind.Race, "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r3];" },
        { nameof(Copy), "a copy reads past the input", "[%rd4], 16;", "[%rd4+16], 16;",
            FindingKind.OutOfBounds, "cp.async.cg.shared.global [%r1], [%rd4+16], 16;" },
        { nameof(Copy), "a copy writes past the tile", "[%r1], [%rd4], 16;", "[%r1+16], [%rd4], 16;",
            FindingKind.OutOfBounds, "cp.async.cg.shared.global [%r1+16], [%rd4], 16;" },
        { nameof(Copy), "a copy is not aligned", "[%r1], [%rd4], 16;", "[%r1+8], [%rd4], 16;",
            FindingKind.Misaligned, "cp.async.cg.shared.global [%r1+8], [%rd4], 16;" },
        { nameof(Copy), "copies overlap", "shl.b32 %r1, %r0, 4;", "and.b32 %r1, %r0, 62; shl.b32 %r1, %r1, 4;",
            FindingKind.CopyNotAwaited, "cp.async.cg.shared.global [%r1], [%rd4], 16;" },
        { nameof(Copy), "a thread writes where its copy does", "cp.async.commit_group;", "st.shared.u32 [%r1], "
            + "%r0;\ncp.async.commit_group;", FindingKind.CopyNotAwaited, "st.shared.u32 [%r1], %r0;" },
        { nameof(Copy), "the next copy overtakes a reader", "st.global.u32 [%rd2], %r5;", "cp.async.cg.shared.global [%r1], [%rd0], "
            + "16;\nst.global.u32 [%rd2], %r5;", FindingKind.Race, "cp.async.cg.shared.global [%r1], [%rd0], 16;" },
    };

    /// <summary>The same for products of matrices, which the sanitizer or a wrong result gives away.</summary>
    public static TheoryData<string, string, string, string, FindingKind> ProductFaults => new()
    {
        { "TensorCoreProduct", "a wait leaves one group too many", "cp.async.wait_group 1;", "cp.async.wait_group 2;",
            FindingKind.CopyNotAwaited },
        { "TensorCoreProduct", "the wait is missing", "cp.async.wait_group 1;", "", FindingKind.CopyNotAwaited },
        { "TensorCoreProduct", "the barrier is missing", "bar.sync\t0;", "", FindingKind.Race },
        { "TensorCoreProduct", "a matrix begins behind the tiles", "{a0, a1, a2, a3}, [ta+0]", "{a0, a1, a2, a3}, [ta+49152]",
            FindingKind.OutOfBounds },
        { "TensorCoreProduct", "a matrix is not aligned", "{a0, a1, a2, a3}, [ta+0]", "{a0, a1, a2, a3}, [ta+4]", FindingKind.Misaligned },
        { "TensorCoreProduct", "two stages share their memory", "mov.b32\t%r2, 32768;", "mov.b32\t%r2, 0;", FindingKind.CopyNotAwaited },
        { "TensorCoreProduct", "a step of the factor is too long", "add.s64\t%rd46, %rd24, 128;", "add.s64\t%rd46, %rd24, 256;",
            FindingKind.OutOfBounds },
        { "FusedProduct", "the wait is missing", "cp.async.wait_group 0;", "", FindingKind.CopyNotAwaited },
        { "FusedProduct", "the barrier is missing", "bar.sync\t0;", "", FindingKind.Race },
    };

    [Fact]
    public void CorrectKernelsHaveNone()
    {
        Assert.Equal(Enumerable.Range(1, Threads).Select(value => (ulong)((2080 + value) / value)), Output(nameof(Sum)));
        Assert.Equal(Enumerable.Range(0, Threads).Select(thread => (ulong)((thread ^ 1) * 4 + 2)), Output(nameof(Copy)));

        static ulong[] Output(string kernel) => SmallKernel.Run(TextOf(kernel), Threads, InputOf(kernel));
    }

    [Theory]
    [MemberData(nameof(SmallFaults))]
    public void FaultsOfSmallKernelsAreFound(string kernel, string fault, string original, string injected, FindingKind kind,
        string statement)
    {
        var body = Inject(TextOf(kernel), original, injected);
        var finding = Find(() => SmallKernel.Launch(body, Threads, InputOf(kernel)).Result.Findings, kind, fault);
        Assert.Equal("small", finding.Kernel);
        if (statement.Length > 0) Assert.Equal(statement, finding.Statement);
        Assert.Equal(finding.Statement, SmallKernel.Text(body).Split('\n')[finding.Line - 1].Trim());
        Assert.Contains($"PTX line {finding.Line}", finding.ToString());
    }

    [Theory]
    [MemberData(nameof(ProductFaults))]
    public void FaultsOfProductsAreFound(string kernel, string fault, string original, string injected, FindingKind kind) =>
        Find(() => ProductRun.Of(Inject(ProductRun.Text(kernel), original, injected)).Findings, kind, fault);

    /// <summary>A swizzle on one side only brings wrong values; one that is wrong on both sides costs time, which the counters
    /// show.</summary>
    [Fact]
    public void WrongSwizzlesAreFound()
    {
        var text = ProductRun.Text("TensorCoreProduct");
        const string Stored = "xor.b32\t%r13, %r10, %r12;", Read = "xor.b32\t%r55, %r52, %r54;";
        var oneSided = Inject(text, Stored, "mov.b32\t%r13, %r10;");
        Assert.True(ProductRun.Of(oneSided).Error > 0.1);
        var matrices = ProductRun.Of(text).Counts.Accesses.First(access => access.Instruction.Operation == "ldmatrix");
        Assert.Equal(4, matrices.WavefrontsPerRequest);
        // Without a swizzle, two rows of 64 bytes each second bank group share their banks: eight rows of a matrix lie in four groups of
        // banks.
        var conflicting = ProductRun.Of(Inject(oneSided, Read, "mov.b32\t%r55, %r52;"));
        Assert.True(conflicting.Counts.Accesses.First(access => access.Instruction.Operation == "ldmatrix").WavefrontsPerRequest > 4);
    }

    private static string TextOf(string kernel) => kernel == nameof(Sum) ? Sum : Copy;

    private static uint[] InputOf(string kernel) =>
        [.. Enumerable.Range(1, kernel == nameof(Sum) ? Threads : Threads * 4).Select(i => (uint)i)];

    private static string Inject(string text, string original, string injected)
    {
        Assert.Contains(original, text);
        var at = text.IndexOf(original, StringComparison.Ordinal);
        return text[..at] + injected + text[(at + original.Length)..];
    }

    private static Finding Find(Func<IReadOnlyList<Finding>> run, FindingKind kind, string fault)
    {
        IReadOnlyList<Finding> findings;
        try
        {
            findings = run();
        }
        catch (KernelFaultException e)
        {
            findings = e.Findings;
        }
        var found = findings.FirstOrDefault(finding => finding.Kind == kind);
        Assert.True(found is not null, $"{fault}: {kind} was not found, but: {string.Join("; ", findings)}");
        return found!;
    }
}
