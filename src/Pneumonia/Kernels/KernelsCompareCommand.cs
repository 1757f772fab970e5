using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

/// <summary><c>kernels compare</c>, which has only subcommands: one per operation.</summary>
internal sealed class KernelsCompareCommand : Command
{
    public KernelsCompareCommand(Terminal terminal) : base("compare", "an operation's algorithms side by side on one shape, beside the device's peak")
    {
        Add(new CompareConvolutionCommand(terminal));
        Add(new CompareProductCommand(terminal));
    }
}
