using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Devices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Sampling;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>A device that counts launches by a few of their groups finds what executing all of them finds.</summary>
public sealed class SamplingTests
{
    [Theory]
    // Groups alike; groups at the last row and column smaller, of several splits; loops that some groups go through once more; tiles across
    // images.
    [InlineData("product", 256, 256, 64)]
    [InlineData("product", 260, 200, 70)]
    [InlineData("product", 130, 20, 2500)]
    [InlineData("relu", 300, 1024, 0)]
    [InlineData("convolution", 2, 12, 8)]
    public void CountsAreThoseOfAllGroups(string operation, int a, int b, int c)
    {
        var full = new List<(string Name, LaunchCounts Counts)>();
        using (var machine = new PtxDevice(CudaTarget.Oldest) { Options = new LaunchOptions(Sanitize: false, Count: true) })
        {
            machine.Launched = (name, result) => full.Add((name, result.Counts!));
            Run(machine.Device, operation, a, b, c);
        }
        using var counting = PtxDevice.Counting(CudaTarget.Oldest, multiprocessors: 2, memory: 1L << 30);
        Run(counting.Device, operation, a, b, c);
        Assert.Equal(full.Select(launch => launch.Name), counting.Recorded.Select(launch => launch.Name));
        foreach (var ((_, expected), launch) in full.Zip(counting.Recorded))
        {
            Assert.Equal(expected.Executions, launch.Counts.Executions);
            Assert.Equal(expected.MultiplyAdds, launch.Counts.MultiplyAdds);
            Assert.Equal(expected.Accesses.Select(Describe), launch.Counts.Accesses.Select(Describe));
            Assert.Equal(launch.Counts.GlobalSectors, launch.Arrays.Sum(array => array.LoadedSectors + array.StoredSectors));
        }
    }

    [Fact]
    public void AFewGroupsOfALargeProductAreExecuted()
    {
        const int Size = 4096;
        using var counting = PtxDevice.Counting(CudaTarget.All[^1], multiprocessors: 132, memory: 1L << 40);
        // 4096 · 4096 · 64 multiply-adds; the tensors alone would take 64 MB.
        Run(counting.Device, "product", Size, Size, 64);
        var launch = counting.Recorded.Single(launch => launch.Name.StartsWith("GpuBlockProduct", StringComparison.Ordinal));
        Assert.True(launch.IsSampled);
        Assert.InRange(launch.ExecutedGroups, 1, 8);
        Assert.Equal((long)Size * Size * 64, launch.Counts.MultiplyAdds);
    }

    [Fact]
    public void ADeviceThatCountsHasNoValues()
    {
        using var counting = PtxDevice.Counting(CudaTarget.Oldest, multiprocessors: 2, memory: 1L << 30);
        Assert.False(counting.Device.Computes);
        using var tape = new Tape(counting.Device, recording: false);
        using var input = Tensor.FromValues(counting.Device, new Shape(4), [1, 2, 3, 4]);
        Assert.All(ActivationOperation.Relu(tape, input).ToArray(), value => Assert.Equal(0, value));
        Assert.False(Assert.Single(counting.Recorded).IsSampled);
    }

    private static object Describe(AccessCount access) =>
        (access.Instruction.Line, access.Requests, access.Lanes, access.Wavefronts, access.Sectors, access.Bytes);

    private static void Run(Device device, string operation, int a, int b, int c)
    {
        using var tape = new Tape(device, recording: false);
        switch (operation)
        {
            case "product":
                using (Tensor left = Tensor.Zeros(device, new Shape(a, c)), right = Tensor.Zeros(device, new Shape(c, b)))
                    MatrixMultiplyOperation.Apply(tape, left, right);
                break;
            case "relu":
                using (var input = Tensor.Zeros(device, new Shape(a, b))) ActivationOperation.Relu(tape, input);
                break;
            default:
                using (Tensor images = Tensor.Zeros(device, new Shape(a, b, b, c)), kernel = Tensor.Zeros(device, new Shape(3, 3, c, 16)))
                    ConvolutionOperation.Apply(tape, images, kernel, null, Padding.Of(1), algorithm: ConvolutionAlgorithm.Implicit);
                break;
        }
    }
}
