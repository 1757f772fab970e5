using Convolve.Engine;

namespace Convolve.Documentation.Tests;

/// <summary>The samples work; each checks itself and throws if it fails.</summary>
public sealed class SampleTests
{
    [Fact]
    public void OwnKernelAgreesWithItsDefinition()
    {
        var printed = FreeProgram.Printed(typeof(OwnKernel.Swish).Assembly.EntryPoint!);
        Assert.Contains("gradient of input 0, added to", printed, StringComparison.Ordinal);
        Assert.Contains("GB/s", printed, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void OwnNetworkLearns()
    {
        using (var catalogue = new DeviceCatalogue())
            Skip.If(catalogue.Choose()
                .Device.Kind == Engine.Devices.DeviceKind.IlgpuCpu, "training on ILGPU's debugging device takes minutes; install OpenCL");
        Assert.Contains("right", FreeProgram.Printed(typeof(OwnNetwork.Shapes).Assembly.EntryPoint!), StringComparison.Ordinal);
    }
}
