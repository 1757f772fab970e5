using Convolve.Engine.Devices;

namespace Convolve.Pneumonia.Actions;

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

    /// <summary>Opens what <c>--device</c> asks for and says which device that is and why.</summary>
    /// <exception cref="UserError">There is no such device, or it computes wrong results.</exception>
    public static OpenDevice For(string request, Terminal terminal)
    {
        var catalogue = new DeviceCatalogue();
        try
        {
            DeviceChoice choice = catalogue.Choose(request);
            var opened = new OpenDevice(catalogue, choice, catalogue.Open(choice.Device));
            terminal.Note($"device: {choice.Device} — {choice.Reason}");
            return opened;
        }
        catch (DeviceException e)
        {
            catalogue.Dispose();
            throw new UserError(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        catalogue.Dispose();
    }
}
