using Convolve.Engine;
using Convolve.Engine.Devices;

namespace Convolve.Pneumonia.Tests.Devices;

/// <summary>Whether convolutions are fast enough here to train in a test.</summary>
public static class OpenCl
{
    public static void SkipIfMissing()
    {
        using var catalogue = new DeviceCatalogue();
        Skip.If(catalogue.Devices.All(device => device.Kind == DeviceKind.IlgpuCpu),
            $"no OpenCL and no GPU here; {DeviceCatalogue.InstallAdvice}");
    }
}
