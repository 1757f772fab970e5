namespace Convolve.Pneumonia.Shell;

/// <summary>A result could not be written to standard output, which is full or closed.</summary>
public sealed class UnwritableOutput(string reason, Exception? cause = null)
    : UserError($"standard output: cannot be written: {reason}", cause);
