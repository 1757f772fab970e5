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

    /// <summary>With the error behind it, which <c>--verbose</c> shows.</summary>
    protected UserError(string message, Exception? cause) : base(message, cause) { }

    /// <summary>Another error as one that the user can fix. This is the only way to put words around an error's message.</summary>
    /// <param name="cause">The error; line breaks in its message become spaces.</param>
    /// <param name="where">What it is about, such as an option or a file; stands before the message.</param>
    /// <param name="given">The settings that it depends on; stand after the message, in parentheses.</param>
    /// <param name="advice">What to do; stands at the end.</param>
    public static UserError From(Exception cause, string? where = null, string? given = null, string? advice = null) => new(
        (where is null ? "" : $"{where}: ") + cause.Message.ReplaceLineEndings(" ") + (given is null ? "" : $" ({given})")
            + (advice is null ? "" : $"; {advice}"), cause);
}
