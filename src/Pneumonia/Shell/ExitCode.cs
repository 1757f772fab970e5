namespace Convolve.Pneumonia.Shell;

/// <summary>Exit codes of the program.</summary>
public static class ExitCode
{
    /// <summary>The command did what it was asked for.</summary>
    public const int Done = 0;

    /// <summary>A fault of the program, or a check that did not hold.</summary>
    public const int Fault = 1;

    /// <summary>Bad usage or bad input: an error that the user can fix.</summary>
    public const int BadUsage = 2;

    /// <summary>Stopped by a signal; <see cref="Interruption"/> says which.</summary>
    public const int Stopped = 130;
}
