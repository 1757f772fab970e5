namespace Convolve.Engine.Tests.Tensors;

/// <summary>On PoCL, kernels crash with buffers beyond 2 GiB, whatever the device reports.</summary>
[Collection(OnOpenCl.Name)]
public sealed class LargestBufferTests(OpenClDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void NoBufferIsLargerThanKernelsReach() =>
        Assert.InRange(Device.Description.LargestAllocationBytes, 1, int.MaxValue);
}
