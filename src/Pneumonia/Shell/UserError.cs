using Convolve.Engine.Devices;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// An error that the user can fix: a wrong option, a missing folder, an unreadable file. The message is one line that says
/// what was wrong, where, and what to do; the program prints it on standard error and exits with code 2.
/// </summary>
public class UserError : Exception
{
    /// <summary>
    /// The list of errors that the user can fix: <see cref="UserError"/>, and errors of the libraries about a file, a device or a training,
    /// whose messages have the same form. All others are faults of the program.
    /// </summary>
    public static bool Is(Exception e) => e is UserError or WeightFileException or FeatureFileException or DeviceException
        or DivergedException;

    public UserError(string message) : base(message) { }

    public UserError(string message, Exception cause) : base(message, cause) { }
}
