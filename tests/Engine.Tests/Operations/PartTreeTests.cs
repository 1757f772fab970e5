using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Operations;

public abstract class PartTreeTests(OpenedDevice opened) : DeviceTests(opened)
{
    /// <summary>Around the 16 parts without a tree, the 64 of a group, and the two levels; rows with and without fours.</summary>
    [SkippableTheory]
    [InlineData(1, 16)]
    [InlineData(1, 17)]
    [InlineData(3, 64)]
    [InlineData(4, 65)]
    [InlineData(31, 130)]
    [InlineData(33, 100)]
    [InlineData(132, 90)]
    [InlineData(8, 1100)]
    [InlineData(5, 2112)]
    public void AddsEveryPartOnceAndLeavesFew(int length, int count)
    {
        var values = RandomCases.Values(length, count, length * count);
        using var parts = Upload(new Shape(count, length), values);
        var sums = Sums();
        Tolerance.OfSum(count).Check("sums of parts", BiasReference.GradBias(RandomCases.InDouble(values), length), sums);
        Assert.Equal(sums, Sums());

        float[] Sums()
        {
            using var gradient = Prefilled(new Shape(length));
            using var tree = new PartTree(Device, parts.View, length, count);
            if (Device.Shape == KernelShape.Cpu) Assert.Equal(count, tree.Count);
            else Assert.InRange(tree.Count, 1, 16);
            BiasGradientOperation.SumOfParts(Device, parts.View, gradient, length, count, accumulate: false);
            return gradient.ToArray();
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class PartTreeOnOpenCl(OpenClDevice device) : PartTreeTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class PartTreeOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : PartTreeTests(device);

[Collection(OnIlgpu.Name)]
public sealed class PartTreeOnIlgpu(IlgpuDevice device) : PartTreeTests(device);
