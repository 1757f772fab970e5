using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Devices;

/// <summary>A device opened for a command, and why it was chosen.</summary>
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
    /// Opens what <c>--device</c> asks for, without a word: what is wrong with the rest of a command shall be the only line it prints.
    /// </summary>
    /// <param name="request">What <c>--device</c> says.</param>
    /// <param name="tf32">Whether to multiply on tensor cores.</param>
    /// <exception cref="DeviceException">There is no such device, or it computes wrong results.</exception>
    /// <exception cref="UserError">It cannot do what <c>--tf32</c> asks for.</exception>
    public static OpenDevice For(string request, bool tf32 = false)
    {
        var catalogue = new DeviceCatalogue();
        Device? device = null;
        try
        {
            DeviceChoice choice = catalogue.Choose(request);
            device = catalogue.Open(choice.Device);
            if (tf32) UseTf32(device);
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
            throw new UserError($"--tf32: {e.Message}; leave it out, or choose such a device with --device", e);
        }
    }

    /// <summary>Says which device computes and why; for when nothing is left that the user may have got wrong.</summary>
    public void Announce(Terminal terminal) => terminal.Note(Announcement);

    /// <summary>Which device computes and why, in one line.</summary>
    public string Announcement => $"device: {Choice.Device} — {Choice.Reason}";

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        catalogue.Dispose();
    }
}
