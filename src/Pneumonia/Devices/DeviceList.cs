using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Devices;

/// <summary>Settings of <c>devices</c>.</summary>
public sealed record DevicesSettings
{
    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Json]
    public bool Json { get; init; }
}

/// <summary>One row of <c>devices</c>.</summary>
/// <param name="Name">The driver's name of the device.</param>
/// <param name="Kind">The value of <c>--device</c> that selects it.</param>
/// <param name="MemoryMiB">Memory that kernels may use.</param>
/// <param name="Driver">Platform and version.</param>
/// <param name="Chosen">Whether the given <c>--device</c> selects it.</param>
/// <param name="SelfTest">"passed", or the error.</param>
public sealed record DeviceRow(string Name, string Kind, long MemoryMiB, string Driver, bool Chosen, string SelfTest);

/// <summary>Lists the devices, the chosen one, and their self-tests.</summary>
public static class DeviceList
{
    public static Task<int> RunAsync(DevicesSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var catalogue = new DeviceCatalogue();
        var choice = catalogue.Choose(settings.Device);
        DeviceRow[] rows = [.. catalogue.Devices.Select(device => new DeviceRow(device.Name, device.KindName, device.MemoryBytes >> 20,
            device.Driver, ReferenceEquals(device, choice.Device), SelfTest(catalogue, device)))];
        if (settings.Json)
        {
            terminal.WriteJson(new { devices = rows, chosen = choice.Device.Name, reason = choice.Reason });
            return Task.FromResult(0);
        }
        foreach (var row in rows)
        {
            terminal.Results.WriteLine($"{(row.Chosen ? "*" : " ")} {row.Kind,-7}{row.Name}");
            terminal.Results.WriteLine($"         {row.MemoryMiB} MiB, {row.Driver}, self-test {row.SelfTest}");
        }
        terminal.Results.WriteLine($"chosen: {choice.Device.Name} — {choice.Reason}");
        return Task.FromResult(0);
    }

    private static string SelfTest(DeviceCatalogue catalogue, DeviceDescription description)
    {
        try
        {
            using var device = catalogue.Open(description);
            return "passed";
        }
        catch (DeviceException e)
        {
            return $"FAILED: {e.Message}";
        }
    }
}
