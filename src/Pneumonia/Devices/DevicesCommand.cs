using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Devices;

internal sealed class DevicesCommand : Command
{
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<bool> json = SharedOption.Json();

    public DevicesCommand(Terminal terminal) : base("devices", "list the devices, the one chosen and why, and its self-test")
    {
        Add(device);
        Add(json);
        SetAction((result, cancellation) => DeviceList.RunAsync(
            new DevicesSettings(result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json)), terminal, cancellation));
    }
}
