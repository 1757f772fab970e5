using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Inspection.Prediction;
using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Devices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;

namespace Convolve.Inspection.Tests.Prediction;

/// <summary>Predicted times against those of an H200: docs/prediction.md has all cases.</summary>
public sealed class TimeModelTests(KernelCode code) : IClassFixture<KernelCode>
{
    private static readonly Gpu h200 = Gpu.Named("h200");

    [Theory]
    [InlineData(1024, false, 155.8)]
    [InlineData(1024, true, 98.4)]
    [InlineData(2048, false, 527.9)]
    public void ProductsTakeTheMeasuredTimeWithinAQuarter(int size, bool tf32, double microseconds)
    {
        var (predicted, launches) = new TimeModel(h200).Predict(Product(size, tf32));
        Assert.InRange(predicted, microseconds / 1.25, microseconds * 1.25);
        Assert.Equal(2, launches[0].Occupancy.Groups);
    }

    [Fact]
    public void KernelsRankAsMeasured()
    {
        // TFLOP/s of 2048³ on the H200: 193, 156, 153; 60 is today's kernel of tensor cores.
        Assert.True(TimeOf("WideTensorCoreProduct", 128) < TimeOf("TensorCoreProduct", 256));
        Assert.True(TimeOf("TensorCoreProduct", 256) < TimeOf("RoundedTensorCoreProduct", 128));
        Assert.True(TimeOf("RoundedTensorCoreProduct", 128) < TimeOf(2048, tf32: true));
        // float32: 42, 39, 33.
        Assert.True(TimeOf("FusedProduct", 256) < TimeOf(2048, tf32: false, unrolled: true));
        Assert.True(TimeOf(2048, tf32: false, unrolled: true) < TimeOf(2048, tf32: false));
    }

    [Fact]
    public void ElementwiseWorkIsBoundByMemory()
    {
        using var machine = PtxDevice.Counting(h200.Target, h200.Multiprocessors, h200.MemoryBytes);
        using var tape = new Tape(machine.Device, recording: false);
        using var input = Tensor.Uninitialized(machine.Device, new Shape(64, 1 << 20));
        ActivationOperation.Relu(tape, input);
        var launch = new TimeModel(h200).Predict(machine.Recorded[^1]);
        Assert.Equal(Bound.Dram, launch.Limit);
        // 256 MB read and 256 MB written, at 4.8 TB/s.
        Assert.InRange(launch.Microseconds, 2 * 64 * 4 / 4.8, 1.6 * 2 * 64 * 4 / 4.8);
    }

    [Fact]
    public void AnotherGpuHasAnotherTime()
    {
        var launches = Product(2048, tf32: false);
        var t4 = new TimeModel(Gpu.Named("t4"));
        Assert.True(t4.Predict(launches).Microseconds > 3 * new TimeModel(h200).Predict(launches).Microseconds);
        var e = Assert.Throws<ArgumentException>(() => t4.Predict(Product(1024, tf32: true)));
        Assert.Contains("NVIDIA T4 has no tensor cores for TF32", e.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<RecordedLaunch> Product(int size, bool tf32, bool unrolled = false)
    {
        using var machine = PtxDevice.Counting(h200.Target, h200.Multiprocessors, h200.MemoryBytes);
        if (unrolled)
            machine.Rewrite = (name, ptx) => name.StartsWith("GpuBlockProduct", StringComparison.Ordinal) ? UnrolledProduct.Of(ptx) : ptx;
        if (tf32) machine.Device.UseTf32();
        using var tape = new Tape(machine.Device, recording: false);
        var shape = new Shape(size, size);
        using Tensor left = Tensor.Uninitialized(machine.Device, shape), right = Tensor.Uninitialized(machine.Device, shape);
        MatrixMultiplyOperation.Apply(tape, left, right);
        return machine.Recorded;
    }

    private static double TimeOf(int size, bool tf32, bool unrolled = false) =>
        new TimeModel(h200).Predict(Product(size, tf32, unrolled)).Microseconds;

    /// <summary>A product of 2048³ by a kernel of the resources.</summary>
    private double TimeOf(string name, int threads)
    {
        const int Size = 2048, Tile = 128;
        var kernel = ExecutableKernel.Of(RegisterEstimateTests.TextOf(code, name));
        using var memory = new GlobalMemory();
        var (a, b, c) = (Map("a"), Map("b"), Map("c"));
        var arguments = new LaunchArguments(kernel.Kernel)
            .AddView<float>(c).Add(a.Address).Add(b.Address).Add(c.Address).Add(Size).Add(Size).Add(Size);
        var launch = kernel.Sample(memory, new Extent(Size / Tile, Size / Tile), new Extent(threads), arguments.Bytes);
        return new TimeModel(h200).Predict([launch]).Microseconds;

        GlobalArray Map(string array) => memory.Map(array, 0, (long)Size * Size * sizeof(float));
    }
}
