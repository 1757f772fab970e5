namespace Convolve.Pneumonia;

/// <summary>
/// Something the user can put right: a wrong option, a missing folder, an unreadable file. The message is one line that says
/// what was wrong, where, and what to do; the program prints it on standard error and ends with exit code 2.
/// </summary>
public class UserError : Exception
{
    public UserError(string message) : base(message) { }

    public UserError(string message, Exception cause) : base(message, cause) { }
}
