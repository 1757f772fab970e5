using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Data;

/// <summary><c>data</c>, which has only subcommands.</summary>
internal sealed class DataCommand : Command
{
    public DataCommand(Terminal terminal) : base("data", "look at image folders") => Add(new DataCheckCommand(terminal));
}
