using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Tests.PtxMachine;

public sealed class ParserTests
{
    [Fact]
    public void DirectivesAndDeclarationsAreRead()
    {
        var kernel = PtxKernel.Parse("""
            // A comment.
            .version 8.0
            .target sm_75
            .address_size 64
            .visible .entry Sum(
                .param .align 8 .b8 values[16],
                .param .b32 count, .param .f32 factor
            )
            .maxntid 128, 2, 1
            .minnctapersm 3
            {
                .reg .pred %p<2>; .reg .b32 %r<3>, total;
                .shared .align 16 .b8 tile[100];
                .shared .align 8 .f32 sums[4];
                .local .align 4 .b8 depot[12];
                /* another
                   comment */
                mov.b32 %r0, %tid.x;
                loop:
                @!%p1 bra.uni loop;
                ret;
            }
            """);
        Assert.Equal(("Sum", "sm_75", 256, 3), (kernel.Name, kernel.Target, kernel.MaximalThreads, kernel.GroupsPerMultiprocessor));
        Assert.Equal([(0, 16), (16, 4), (20, 4)], kernel.Parameters.Select(parameter => (parameter.Offset, parameter.Bytes)));
        Assert.Equal(["%p0", "%p1", "%r0", "%r1", "%r2", "total"], kernel.Registers.Select(register => register.Name));
        Assert.Equal([("tile", 0, 100), ("sums", 104, 16), ("depot", 0, 12)],
            kernel.Variables.Select(variable => (variable.Name, variable.Offset, variable.Bytes)));
        Assert.Equal((120, 12, 24), (kernel.SharedBytes, kernel.LocalBytes, kernel.ParameterBytes));
        Assert.Equal(["mov.b32", "bra.uni", "ret"], kernel.Instructions.Select(instruction => instruction.Name));
        Assert.Equal(1, kernel.Labels["loop"]);
        Assert.True(kernel.Instructions[1].Guard!.Negated);
        Assert.Equal(20, kernel.Instructions[1].Line);
        Assert.Equal("@!%p1 bra.uni loop;", kernel.LineText(20));
    }

    [Fact]
    public void NamesInsideBracesHideThoseOutside()
    {
        var instructions = PtxKernel.Parse(SmallKernel.Text("{ .reg .f32 %r1; mov.f32 %r1, 0f3F800000; } mov.b32 %r1, 7;")).Instructions;
        var inner = instructions.Single(instruction => instruction.Name == "mov.f32").Operand<RegisterOperand>(0).Register;
        var outer = instructions.Single(instruction => instruction.Name == "mov.b32").Operand<RegisterOperand>(0).Register;
        Assert.NotEqual(inner, outer);
        Assert.Equal("f32", inner.Type.ToString());
    }

    [Theory]
    [InlineData("nonsense.f32 %f1, %f2;", "nonsense.f32")]
    [InlineData("add.f16 %f1, %f2, %f3;", "add.f16")]
    [InlineData("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1}, {%r1}, {%r2}, {%f1};", "mma.sync.aligned.m16n8k16")]
    [InlineData("bar.sync 1;", "bar.sync")]
    [InlineData("ld.f32 %f1, [%rd0];", "ld.f32")]
    [InlineData("ld.global.L2.f32 %f1, [%rd0];", "ld.global.L2.f32")]
    [InlineData("mov.u32 %r1, %clock;", "%clock")]
    [InlineData("add.s32 %r1, %r2, %unknown;", "%unknown")]
    [InlineData("add.s32 %r1, %r2, nobody;", "nobody")]
    [InlineData("add.s32 %r1, %r2, %rd1;", "add.s32")]
    [InlineData("add.s32 %r1, %r2;", "add.s32")]
    [InlineData("bra nowhere;", "nowhere")]
    [InlineData(".sampler %r1;", ".sampler")]
    public void WhatIsNotKnownFailsByNameWithItsLine(string statement, string name)
    {
        var error = Assert.Throws<PtxException>(() => ExecutableKernel.Of(SmallKernel.Text($"mov.u32 %r1, 1;\n{statement}")));
        Assert.Contains(name, error.Message);
        Assert.Equal(SmallKernel.FirstLine + 1, error.Line);
    }
}
