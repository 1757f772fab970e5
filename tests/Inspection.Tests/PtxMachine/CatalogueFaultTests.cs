using System.Text.RegularExpressions;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Devices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>Faults injected into the PTX of the engine's own kernels, which their operations then launch on the machine.</summary>
public sealed class CatalogueFaultTests
{
    private const string Product = "GpuBlockProduct<LeftMatrix, RightMatrix>", Relu = "ActivationForward<Relu>",
        SoftmaxForward = "SoftmaxForward";

    /// <summary>A kernel, a fault, which match of a pattern it replaces (counted from 0), and what must be found.</summary>
    public static TheoryData<string, string, string, int, string, FindingKind> Faults => new()
    {
        { Product, "the barrier before the loop is missing", @"bar\.sync\s+0;", 0, "", FindingKind.Race },
        { Product, "the barrier in the loop is missing", @"bar\.sync\s+0;", 1, "", FindingKind.Race },
        { Product, "only some threads reach the barrier", @"bar\.sync\s+0;", 0, "@%p2 bar.sync 0;", FindingKind.DivergentBarrier },
        { Product, "one row too many is read", @"setp\.gt\.s32(\s+%p\d+, %r\d+, 0;)", 0, "setp.ge.s32$1", FindingKind.OutOfBounds },
        { Product, "a vector load from shared memory is not aligned",
            @"(ld\.shared\.v4\.f32\s+\{[^}]*\}, \[%rd\d+)\]", 0, "$1+4]", FindingKind.Misaligned },
        { Product, "a vector store leaves the shared array",
            @"(st\.shared\.v4\.f32\s+\[%rd\d+)\]", 0, "$1+32768]", FindingKind.OutOfBounds },
        { Relu, "the loop runs once too often", @"setp\.ge\.s32(\s+%p1,)", 0, "setp.gt.s32$1", FindingKind.OutOfBounds },
        { Relu, "the stride of the loop is one byte short",
            @"mul\.wide\.u32(\s+%rd\d+, %r\d+,) 16;", 0, "mul.wide.u32$1 15;", FindingKind.Misaligned },
        { SoftmaxForward, "a row beyond the last is computed", @"setp\.ge\.s32(\s+%p1,)", 0, "setp.gt.s32$1", FindingKind.OutOfBounds },
        { SoftmaxForward, "a counter does not begin", @"mov\.b32\s+%r\d+, 1;", 0, "", FindingKind.UninitializedRegister },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void FaultsAreFoundInTheEnginesKernels(string kernel, string fault, string pattern, int match, string replacement,
        FindingKind kind)
    {
        using var machine = new PtxDevice(CudaTarget.Oldest);
        var injected = false;
        machine.Rewrite = (name, ptx) => name == kernel ? Inject(ptx) : ptx;
        IReadOnlyList<Finding> findings = [];
        try
        {
            Run(machine.Device, kernel);
        }
        catch (KernelFaultException e)
        {
            findings = e.Findings;
        }
        Assert.True(injected, $"{kernel} was not launched");
        var found = findings.FirstOrDefault(finding => finding.Kind == kind);
        Assert.True(found is not null, $"{fault}: {kind} was not found, but: {string.Join("; ", findings)}");
        Assert.Equal(kernel, found!.Kernel);

        string Inject(string ptx)
        {
            injected = true;
            var place = Regex.Matches(ptx, pattern)[match];
            return ptx[..place.Index] + place.Result(replacement) + ptx[(place.Index + place.Length)..];
        }
    }

    [Fact]
    public void LaunchesAreCounted()
    {
        using var machine = new PtxDevice(CudaTarget.Oldest) { Options = new LaunchOptions(Count: true) };
        LaunchResult? product = null;
        machine.Launched = (name, result) => product = name == Product ? result : product;
        Run(machine.Device, Product);
        var counts = product!.Counts!;
        // Tiles of 128 × 128 sums and blocks of eight depths, whatever the sizes.
        Assert.Equal(128 * 128 * 24, counts.MultiplyAdds);
        Assert.Equal(256, counts.ThreadsPerGroup);
        var loads = counts.Accesses.Where(access => access.Instruction.Has("shared") && access.Instruction.Operation == "ld").ToArray();
        Assert.NotEmpty(loads);
        // Rows are the same for the lanes of a half warp, columns are neighbours: 16 bytes a lane, without conflicts.
        Assert.All(loads, access => Assert.Equal(2, access.WavefrontsPerRequest));
        Assert.Equal(2, counts.OccupancyOn(CudaTarget.All[^1]).Groups);
    }

    private static void Run(Device device, string kernel)
    {
        using var tape = new Tape(device, recording: false);
        if (kernel == Product)
        {
            using var left = Tensor.FromValues(device, new Shape(70, 20), RandomCases.Values(1, 1, 70 * 20));
            using var right = Tensor.FromValues(device, new Shape(20, 33), RandomCases.Values(1, 2, 20 * 33));
            MatrixMultiplyOperation.Apply(tape, left, right);
            return;
        }
        using var input = Tensor.FromValues(device, new Shape(256, 4), RandomCases.Values(1, 1, 1024));
        if (kernel == Relu) ActivationOperation.Relu(tape, input);
        else SoftmaxOperation.Apply(tape, input);
    }
}
