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

    /// <summary>
    /// Opens what <c>--device</c> asks for, without a word: what is wrong with the rest of a command shall be the only line it prints.
    /// </summary>
    /// <exception cref="UserError">There is no such device, or it computes wrong results.</exception>
    public static OpenDevice For(string request)
    {
        var catalogue = new DeviceCatalogue();
        try
        {
            DeviceChoice choice = catalogue.Choose(request);
            return new OpenDevice(catalogue, choice, catalogue.Open(choice.Device));
        }
        catch (DeviceException e)
        {
            catalogue.Dispose();
            throw new UserError(e.Message, e);
        }
    }

    /// <summary>Says which device computes and why; for when nothing is left that the user may have got wrong.</summary>
    public void Announce(Terminal terminal) => terminal.Note($"device: {Choice.Device} — {Choice.Reason}");

    /// <inheritdoc/>
    public void Dispose()
    {
        Device.Dispose();
        catalogue.Dispose();
    }
}
