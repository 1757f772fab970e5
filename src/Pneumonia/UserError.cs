using Convolve.Engine.Devices;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;

namespace Convolve.Pneumonia;

/// <summary>
/// Something the user can put right: a wrong option, a missing folder, an unreadable file. The message is one line that says
/// what was wrong, where, and what to do; the program prints it on standard error and ends with exit code 2.
/// </summary>
public class UserError : Exception
{
    /// <summary>
    /// The one table of what the user can put right: besides <see cref="UserError"/> the errors of the libraries about a file, a device or a training, whose
    /// messages are such lines themselves. Everything else is a fault of the program.
    /// </summary>
    public static bool Is(Exception e) => e is UserError or WeightFileException or FeatureFileException or DeviceException or DivergedException;

    public UserError(string message) : base(message) { }

    public UserError(string message, Exception cause) : base(message, cause) { }
}
