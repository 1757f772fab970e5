using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

/// <summary><c>kernels</c>, which has only subcommands.</summary>
internal sealed class KernelsCommand : Command
{
    public KernelsCommand(Terminal terminal) : base("kernels", "look at the kernels and the code they compile to")
    {
        Add(new KernelsListCommand(terminal));
        Add(new KernelsShowCommand(terminal));
        Add(new KernelsCompareCommand(terminal));
    }
}
