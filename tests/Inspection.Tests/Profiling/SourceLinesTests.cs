using Convolve.Engine.Devices;
using Convolve.Inspection.Profiling;
using Convolve.Inspection.PtxMachine.Syntax;
using Convolve.Inspection.Tests.PtxMachine;

namespace Convolve.Inspection.Tests.Profiling;

/// <summary>The lines of C# that instructions of PTX come from.</summary>
public sealed class SourceLinesTests(CodeWithLines code) : IClassFixture<CodeWithLines>
{
    /// <summary>One kernel of each kind of loop, with shared memory, tensor cores and inline PTX.</summary>
    [Theory]
    [InlineData("relu-forward")]
    [InlineData("softmax-forward")]
    [InlineData("max-pooling-forward")]
    [InlineData("rmsprop")]
    [InlineData("matrix-multiply-gpu")]
    [InlineData("matrix-multiply-tf32")]
    public void InstructionsAreTheSameAndNearlyAllHaveALineOfTheEngine(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        var compiled = PtxKernel.Parse(code.Value.Ptx(kernel, CudaTarget.All[^1]));
        using var plain = new KernelCode();
        // What else a context has compiled may change the order of instructions that do not depend on each other.
        Assert.Equal(Names(PtxKernel.Parse(plain.Ptx(kernel, CudaTarget.All[^1]))), Names(compiled));
        var lines = new SourceLines(compiled);
        Assert.True(lines.Known);
        var known = Enumerable.Range(0, compiled.Instructions.Count).Select(i => lines[i]).OfType<SourceLine>().ToArray();
        Assert.InRange((double)known.Length / compiled.Instructions.Count, 0.7, 1);
        Assert.All(known, line => Assert.NotNull(SourceLines.TextOf(line)));
        Assert.Contains(known, line => line.File == KernelSource.Of(kernel).File);

        static IEnumerable<string> Names(PtxKernel kernel) =>
            kernel.Instructions.Select(instruction => instruction.Name).Order(StringComparer.Ordinal);
    }

    /// <summary>ReLU's comparison, and the load of its input, stand where they are written.</summary>
    [Fact]
    public void AnInstructionBelongsToItsStatement()
    {
        var kernel = PtxKernel.Parse(code.Value.Ptx(KernelCatalogue.Find("relu-forward")!, CudaTarget.Oldest));
        var lines = new SourceLines(kernel);
        Assert.All(Texts("selp.b32"), text => Assert.Contains("x < 0 ? 0 : x", text));
        Assert.All(Texts("ld.global.v4.f32"), text => Assert.Contains("Float4 Load(", text));

        string[] Texts(string instruction) =>
            [.. kernel.Instructions.Index().Where(each => each.Item.Name == instruction)
                .Select(each => SourceLines.TextOf(lines[each.Index]!)!)];
    }

    [Fact]
    public void LocationsAreReadFromPtx()
    {
        var kernel = PtxKernel.Parse(SmallKernel.Text("""
            .loc 1 12 5
            mov.u32 %r1, 1;
            add.u32 %r1, %r1, 1;
            .loc 2 7 9, function_name $L__info0, inlined_at 1 12 5
            add.u32 %r1, %r1, 1;
            """).Replace("sm_90", "sm_90, debug", StringComparison.Ordinal) + """

            .file 1 "/a/First.cs"
            .file 2 "/a/Second.cs"
            .section.debug_info { }
            """);
        Assert.Equal("sm_90", kernel.Target);
        Assert.Equal("/a/Second.cs", kernel.Files[2]);
        Assert.Equal([(1, 12), (1, 12), (2, 7)],
            kernel.Instructions.Skip(5).Take(3).Select(instruction => (instruction.Location!.File, instruction.Location.Line)));
        Assert.Null(kernel.Instructions[0].Location);
    }
}

/// <summary>Compiles kernels with their lines.</summary>
public sealed class CodeWithLines : IDisposable
{
    internal KernelCode Value { get; } = KernelCode.WithLines();

    public void Dispose() => Value.Dispose();
}
