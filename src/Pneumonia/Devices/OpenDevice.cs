using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Tracing;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Devices;

/// <summary>A device opened for a command, and the reason for the choice.</summary>
public sealed class OpenDevice : IDisposable
{
    private readonly DeviceCatalogue catalogue;

    private OpenDevice(DeviceCatalogue catalogue, DeviceChoice choice, Device device)
    {
        this.catalogue = catalogue;
        Choice = choice;
        Device = device;
    }

    /// <summary>The device and the reason for it.</summary>
    public DeviceChoice Choice { get; }

    /// <summary>The device, its self-test passed.</summary>
    public Device Device { get; }

    /// <summary>
    /// Opens the device that <c>--device</c> selects. Prints nothing, so that a later error is the only line.
    /// </summary>
    /// <param name="request">The value of <c>--device</c>.</param>
    /// <param name="tf32">Whether to multiply on tensor cores.</param>
    /// <param name="trace">Records what the device does until it is closed; null for nothing.</param>
    /// <exception cref="DeviceException">There is no such device, or it computes wrong results.</exception>
    /// <exception cref="UserError">It does not support <c>--tf32</c>.</exception>
    public static OpenDevice For(string request, bool tf32 = false, ExecutionTrace? trace = null)
    {
        using var span = trace?.Phase("open device");
        var catalogue = new DeviceCatalogue();
        Device? device = null;
        try
        {
            var choice = catalogue.Choose(request);
            device = catalogue.Open(choice.Device);
            if (tf32) UseTf32(device);
            // Closing the device ends the recording.
            if (trace is not null) device.StartTrace(trace);
            return new OpenDevice(catalogue, choice, device);
        }
        catch
        {
            device?.Dispose();
            catalogue.Dispose();
            throw;
        }
    }

    private static void UseTf32(Device device)
    {
        try
        {
            device.UseTf32();
        }
        catch (DeviceException e)
        {
            throw UserError.From(e, "--tf32", advice: "leave it out, or choose such a device with --device");
        }
    }

    /// <summary>Whether a device is ILGPU's debugging device, which has smaller defaults.</summary>
    public static bool IsSlow(DeviceDescription device) => device.Kind == DeviceKind.IlgpuCpu;

    /// <summary>Prints the device and the reason, after all input has been checked.</summary>
    public void Announce(Terminal terminal) => terminal.Note(Announcement);

    /// <summary>The device and the reason, in one line.</summary>
    public string Announcement => $"device: {Choice.Device} — {Choice.Reason}";

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        catalogue.Dispose();
    }
}
