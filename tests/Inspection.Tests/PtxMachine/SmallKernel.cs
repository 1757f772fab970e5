using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>
/// A kernel of a few lines, with registers of every type declared and three arguments: <c>%rd0</c> is where its input begins, <c>%rd1</c>
/// its output, and <c>%rd2</c> is the output's place of the thread, eight bytes for each; <c>%r0</c> is the thread's number.
/// </summary>
internal static class SmallKernel
{
    /// <summary>The text around a body.</summary>
    public static string Text(string body) => $$"""
        .version 8.0
        .target sm_90
        .address_size 64
        .visible .entry small(
            .param .b64 input,
            .param .b64 output
        )
        {
            .reg .pred %p<8>;
            .reg .b16 %rs<8>;
            .reg .b32 %r<40>;
            .reg .b64 %rd<40>;
            .reg .f32 %f<40>;
            .reg .f64 %fd<8>;
            ld.param.b64 %rd0, [input];
            ld.param.b64 %rd1, [output];
            mov.u32 %r0, %tid.x;
            mul.wide.u32 %rd2, %r0, 8;
            add.u64 %rd2, %rd1, %rd2;
        {{body}}
            ret;
        }
        """;

    /// <summary>The line of a body's first line in the text.</summary>
    public const int FirstLine = 20;

    /// <summary>Runs a body in one group and gives what it wrote: <paramref name="words"/> words of 64 bits for each thread, where it wrote
    /// less the rest is zero.</summary>
    public static ulong[] Run(string body, int threads = 32, uint[]? input = null)
    {
        var (result, output) = Launch(body, threads, input);
        Assert.Empty(result.Findings);
        return output;
    }

    /// <summary>The same with the sanitizer's findings and the counts.</summary>
    public static (LaunchResult Result, ulong[] Output) Launch(string body, int threads = 32, uint[]? input = null, int groups = 1)
    {
        var kernel = ExecutableKernel.Of(Text(body));
        using var memory = new GlobalMemory();
        var from = memory.Allocate<uint>("input", input ?? new uint[threads]);
        var to = memory.Allocate<ulong>("output", new ulong[threads]);
        var arguments = new LaunchArguments(kernel.Kernel).Add(from.Address).Add(to.Address);
        var result = kernel.Launch(memory, new Extent(groups), new Extent(threads), arguments.Bytes,
            new LaunchOptions(Count: true) { MaximalBlocks = 100_000 });
        return (result, to.Read<ulong>());
    }
}
