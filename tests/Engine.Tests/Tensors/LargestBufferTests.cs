namespace Convolve.Engine.Tests.Tensors;

/// <summary>A buffer beyond 2 GiB ends in a fault inside kernels on PoCL, whatever the device offers.</summary>
[Collection(OnOpenCl.Name)]
public sealed class LargestBufferTests(OpenClDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void NoBufferIsLargerThanKernelsReach() =>
        Assert.InRange(Device.Description.LargestAllocationBytes, 1, int.MaxValue);
}
