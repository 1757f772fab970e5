using System.Text.Json;
using Convolve.Pneumonia.Scores;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Where a command speaks: results to standard output, everything else to standard error. Control characters, colours and a bar that moves go to a
/// terminal only; a file or a pipe gets plain lines.
/// </summary>
/// <param name="Results">Standard output; with <c>--json</c> exactly one document.</param>
/// <param name="Messages">Standard error: progress, notes, warnings, errors.</param>
public sealed record Terminal(TextWriter Results, TextWriter Messages)
{
    private const int WidthOfFiles = 160;

    // Wider than any table, to ask for the width it would like to have.
    private const int Unbounded = 10_000;

    /// <summary>Columns of a terminal that both writers are taken for; null to find out what they are.</summary>
    public int? Width { get; init; }

    /// <summary>Whether a terminal may show colours: not where the user has set NO_COLOR (no-color.org).</summary>
    public bool Colours { get; init; } = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Standard error for a progress display.</summary>
    public IAnsiConsole Progress => Console(Messages);

    /// <summary>Writes the one JSON document of a command.</summary>
    public void WriteJson<T>(T document) => Results.WriteLine(JsonSerializer.Serialize(document, ScoreJson.Options));

    /// <summary>
    /// Writes a table to standard output. Where it is wider than the terminal, columns are left out, as few as needed, and a note names them.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="dispensable">Columns that may be left out, counted from 0, the first to go first.</param>
    public void WriteTable(Table table, params int[] dispensable)
    {
        IAnsiConsole console = Console(Results);
        RenderOptions options = RenderOptions.Create(console);
        var (shown, leftOut) = (table, new List<int>());
        foreach (int column in dispensable)
        {
            if (((IRenderable)shown).Measure(options, Unbounded).Max <= console.Profile.Width) break;
            leftOut.Add(column);
            shown = Without(table, leftOut);
        }
        if (console.Profile.Out.IsTerminal) console.Write(shown);
        else
        {
            // What pads a line to the table's width is of no use in a file.
            foreach (SegmentLine line in Segment.SplitLines(((IRenderable)shown).Render(options, console.Profile.Width)))
                Results.WriteLine(string.Concat(line.Select(segment => segment.Text)).TrimEnd());
        }
        if (leftOut.Count == 0) return;
        IEnumerable<string> names = leftOut.Order().Select(column => string.Concat(table.Columns[column].Header.Render(options, Unbounded).Select(segment => segment.Text)).Trim());
        Note($"too wide for {console.Profile.Width} columns, left out: {string.Join(", ", names)} (--json has everything)");
    }

    /// <summary>Something the user must know: one line.</summary>
    public void Note(string text) => Messages.WriteLine(OneLine(text));

    /// <summary>Something that went wrong without stopping the command: one line.</summary>
    public void Warn(string text) => Messages.WriteLine("warning: " + OneLine(text));

    /// <summary>Why the command stops: one line, whatever a file name in it contains.</summary>
    public void Error(string text) => Messages.WriteLine("error: " + OneLine(text));

    private IAnsiConsole Console(TextWriter writer)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = Width is null ? AnsiSupport.Detect : AnsiSupport.Yes,
            Interactive = Width is null ? InteractionSupport.Detect : InteractionSupport.Yes,
            ColorSystem = Colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        // A file or a pipe has no width that a table would have to be folded into.
        if (Width is { } width) console.Profile.Width = width;
        else if (!console.Profile.Out.IsTerminal) console.Profile.Width = WidthOfFiles;
        return console;
    }

    private static Table Without(Table table, IReadOnlyList<int> columns)
    {
        var narrow = new Table().Border(table.Border);
        int[] kept = [.. Enumerable.Range(0, table.Columns.Count).Except(columns)];
        foreach (int column in kept) narrow.AddColumn(table.Columns[column]);
        foreach (TableRow row in table.Rows) narrow.AddRow(kept.Select(column => row[column]));
        return narrow;
    }

    // A file name may hold anything, a control character that would move the cursor or change a terminal's colours included.
    internal static string OneLine(string text) => string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
