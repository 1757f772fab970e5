using System.CommandLine;

namespace Convolve.Pneumonia.Shell;

/// <summary>What a command does.</summary>
/// <param name="settings">Its settings.</param>
/// <param name="terminal">The terminal.</param>
/// <param name="cancellation">Stops it.</param>
/// <returns>The exit code.</returns>
internal delegate Task<int> Work<in TSettings>(TSettings settings, Terminal terminal, CancellationToken cancellation);

/// <summary>A command whose options are its settings.</summary>
internal sealed class SettingsCommand<TSettings> : Command where TSettings : new()
{
    /// <summary>Makes the command.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="work">What it does.</param>
    /// <param name="terminal">The terminal.</param>
    public SettingsCommand(string name, string description, Work<TSettings> work, Terminal terminal) : base(name, description)
    {
        var options = new Options(typeof(TSettings), this);
        SetAction((result, cancellation) => work((TSettings)options.Read(result), terminal, cancellation));
    }
}
