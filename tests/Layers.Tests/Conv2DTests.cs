using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Tests;

public abstract class Conv2DTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void SaysWhichAlgorithmsItCanUse()
    {
        using var network = ReferenceNetworks.Cnn(50);
        var first = (Conv2D)network.Layers[0];
        foreach (var algorithm in new[] { ConvolutionAlgorithm.Auto, ConvolutionAlgorithm.Tuned, ConvolutionAlgorithm.Naive,
            ConvolutionAlgorithm.Implicit })
            Assert.True(first.CanUse(algorithm, Device, isFirst: true));
        var forProcessors = Device.Shape == Engine.Devices.KernelShape.Cpu;
        foreach (var algorithm in new[] { ConvolutionAlgorithm.Direct, ConvolutionAlgorithm.Winograd2, ConvolutionAlgorithm.Winograd4 })
            Assert.Equal(forProcessors, first.CanUse(algorithm, Device, isFirst: true));
    }
}

[Collection(OnOpenCl.Name)]
public sealed class Conv2DOnOpenCl(OpenClDevice device) : Conv2DTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class Conv2DOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : Conv2DTests(device);
