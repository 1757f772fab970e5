using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Addition;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Tensors;

/// <summary>Operations refuse tensors of mismatched shapes and name both; and tensor memory.</summary>
[Collection(OnIlgpu.Name)]
public sealed class TensorTests(IlgpuDevice device) : DeviceTests(device)
{
    [SkippableFact]
    public void OperationsNameThemselvesAndTheirShapes()
    {
        using var tape = new Tape(Device);
        using var vector = Prefilled(new Shape(3));
        using var row = Prefilled(new Shape(1, 4));
        using var matrix = Prefilled(new Shape(2, 3));
        using var image = Prefilled(new Shape(1, 4, 4, 2));
        using var kernel = Prefilled(new Shape(3, 3, 2, 5));
        Refuses("convolution: bias [3] does not fit kernel [3,3,2,5]",
            () => ConvolutionOperation.Apply(tape, image, kernel, vector, Padding.Valid));
        Refuses("dense: input [2,3] does not fit weights [1,4]", () => DenseOperation.Apply(tape, matrix, row, vector));
        Refuses("dense: bias [3] does not fit weights [1,4]", () => DenseOperation.Apply(tape, Prefilled(new Shape(2, 1)), row, vector));
        Refuses("addition: shapes [3] and [2,3] differ", () => AdditionOperation.Apply(tape, vector, matrix));
        Refuses("softmax: input [3] must be [rows, classes]", () => SoftmaxOperation.Apply(tape, vector));
        Refuses("global average pooling: input [2,3] must be [N,H,W,C]", () => AveragePoolingOperation.ApplyGlobal(tape, matrix));
        Refuses("binary cross-entropy: logits [2,3] must be [N,1] and targets [3] [N]",
            () => LossOperation.BinaryCrossEntropy(tape, matrix, vector));
        Refuses("softmax cross-entropy: logits [2,3] must be [N, classes] and targets [3] [N]",
            () => LossOperation.SoftmaxCrossEntropy(tape, matrix, vector));
        using var targets = Prefilled(new Shape(2));
        Refuses("softmax cross-entropy: sample weights [3] do not fit targets [2]",
            () => LossOperation.SoftmaxCrossEntropy(tape, matrix, targets, vector));
        Refuses("reshape: [2,3] has 6 elements, [4] has 4", () => matrix.Reshape(new Shape(4)));
        Refuses("tensor [2,3] has 6 elements, but 5 were given", () => matrix.CopyFrom(new float[5]));
        Refuses("tensor [2,3] has 6 elements, but 7 were given", () => matrix.CopyTo(new float[7]));
        Refuses("tensor [2,3] has 6 elements, but 7 were given", () => Tensor.FromValues(Device, matrix.Shape, new float[7]).Dispose());
    }

    [SkippableFact]
    public void MemoryIsRentedAgainOnceReturnedAndNeverBefore()
    {
        var pool = Device.Pool;
        var used = pool.UsedBytes;
        var first = Tensor.Filled(Device, new Shape(3000), 1);
        var allocations = pool.Allocations;
        using var second = Tensor.Filled(Device, new Shape(3000), 2);
        Tolerance.Exact.Check("first", Enumerable.Repeat(1f, 3000).ToArray(), first.ToArray());
        var view = first.Reshape(new Shape(30, 100));
        first.Dispose();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.ToArray());
        using var third = Tensor.Filled(Device, new Shape(3000), 3);
        Tolerance.Exact.Check("view of the first", Enumerable.Repeat(1f, 3000).ToArray(), view.ToArray());
        view.Dispose();
        allocations = pool.Allocations;
        using var fourth = Tensor.Filled(Device, new Shape(2999), 4);
        Assert.Equal(allocations, pool.Allocations);
        fourth.Dispose();
        third.Dispose();
        second.Dispose();
        Assert.Equal(used, pool.UsedBytes);
        pool.Trim();
        Assert.Equal(used, pool.UsedBytes);
        Assert.True(pool.AllocatedBytes >= used);
        Assert.True(pool.PeakBytes >= used + 3 * 12_000);
    }

    [SkippableFact]
    public void TooMuchMemoryIsRefusedInOneLine()
    {
        using var catalogue = new DeviceCatalogue();
        var opencl = catalogue.Devices.FirstOrDefault(d => d.Kind == DeviceKind.OpenClCpu);
        Skip.If(opencl is null, "only an OpenCL device says how large a buffer may be");
        using var opened = catalogue.Open(opencl!);
        var floats = (int)Math.Min(int.MaxValue, opencl!.LargestAllocationBytes / sizeof(float) + 1024);
        var used = opened.Pool.UsedBytes;
        var error = Assert.Throws<DeviceException>(() => Tensor.Uninitialized(opened, new Shape(floats)));
        Assert.StartsWith("out of device memory", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(used, opened.Pool.UsedBytes);
    }

    private static void Refuses(string message, Action mistake) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(mistake).Message);
}
