using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;

namespace Convolve.Inspection.Tests;

/// <summary>The code of a user's kernel can be shown without a device.</summary>
public sealed class OwnKernelCodeTests
{
    [Fact]
    public void OpenClAndPtxAreShown()
    {
        using var code = new KernelCode();
        Assert.Contains("kernel void Kernel_Square(", code.OpenCl<Square>(), StringComparison.Ordinal);
        var ptx = code.Ptx<Square>(CudaTarget.Oldest);
        Assert.Contains("mul", ptx, StringComparison.Ordinal);
        Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
    }
}

public struct Square : IKernel
{
    public Values Input, Output;

    public readonly void Run(int i) => Output[i] = Input[i] * Input[i];
}
