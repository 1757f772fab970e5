namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>devices</c> was asked for.</summary>
public sealed record DevicesSettings(string Device, bool Json);

/// <summary>Lists the devices, the one chosen, and its self-test.</summary>
public static class DeviceList
{
    public static Task<int> RunAsync(DevicesSettings settings, Terminal terminal, CancellationToken cancellation) =>
        throw new NotImplementedException("devices");
}
