using System.Text.Json;
using Convolve.Pneumonia.Scores;
using Spectre.Console;

namespace Convolve.Pneumonia.Actions;

/// <summary>Where a command speaks: results to standard output, everything else to standard error.</summary>
/// <param name="Results">Standard output; with <c>--json</c> exactly one document.</param>
/// <param name="Messages">Standard error: progress, notes, warnings, errors.</param>
public sealed record Terminal(TextWriter Results, TextWriter Messages)
{
    private const int WidthOfFiles = 160;

    /// <summary>Standard output for tables: as wide as the terminal, without colour where there is none.</summary>
    public IAnsiConsole Tables => Console(Results);

    /// <summary>Standard error for a progress display.</summary>
    public IAnsiConsole Progress => Console(Messages);

    /// <summary>Writes the one JSON document of a command.</summary>
    public void WriteJson<T>(T document) => Results.WriteLine(JsonSerializer.Serialize(document, ScoreJson.Options));

    /// <summary>Something the user must know: one line.</summary>
    public void Note(string text) => Messages.WriteLine(OneLine(text));

    /// <summary>Something that went wrong without stopping the command: one line.</summary>
    public void Warn(string text) => Messages.WriteLine("warning: " + OneLine(text));

    /// <summary>Why the command stops: one line, whatever a file name in it contains.</summary>
    public void Error(string text) => Messages.WriteLine("error: " + OneLine(text));

    private static IAnsiConsole Console(TextWriter writer)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        // A file or a pipe has no width that a table would have to be folded into.
        if (!console.Profile.Out.IsTerminal) console.Profile.Width = WidthOfFiles;
        return console;
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
