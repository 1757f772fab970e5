using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Output of a command: results to standard output, everything else to standard error. Control characters, colours and progress bars go to
/// a terminal only; files and pipes get plain lines.
/// </summary>
/// <param name="Results">Standard output; with <c>--json</c> exactly one document.</param>
/// <param name="Messages">Standard error: progress, notes, warnings, errors.</param>
public sealed record Terminal(TextWriter Results, TextWriter Messages)
{
    /// <summary>The warning that follows every prediction and score.</summary>
    public const string NotForClinicalUse = "Not for clinical use.";

    private const int WidthOfFiles = 160;

    // Wider than any table, to measure its natural width.
    private const int Unbounded = 10_000;

    /// <summary>Columns of the terminal that both writers are treated as; null to detect it.</summary>
    public int? Width { get; init; }

    /// <summary>Whether a terminal may show colours: not if NO_COLOR is set (no-color.org).</summary>
    public bool Colours { get; init; } = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Standard error for a progress display.</summary>
    public IAnsiConsole Progress => Console(Messages);

    /// <summary>Writes the one JSON document of a command.</summary>
    public void WriteJson<T>(T document) => Results.WriteLine(JsonSerializer.Serialize(document, JsonFormat.Options));

    /// <summary>
    /// Writes a table to standard output. If it is wider than the terminal, as few columns as possible are omitted, and a note names them.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="dispensable">Indices of columns that may be omitted, the first one first.</param>
    public void WriteTable(Table table, params int[] dispensable)
    {
        var console = Console(Results);
        var options = RenderOptions.Create(console);
        var (shown, leftOut) = (table, new List<int>());
        foreach (var column in dispensable)
        {
            if (((IRenderable)shown).Measure(options, Unbounded).Max <= console.Profile.Width) break;
            leftOut.Add(column);
            shown = Without(table, leftOut);
        }
        if (console.Profile.Out.IsTerminal) console.Write(shown);
        else
        {
            // Padding to the table's width is useless in a file.
            foreach (var line in Segment.SplitLines(((IRenderable)shown).Render(options, console.Profile.Width)))
                Results.WriteLine(string.Concat(line.Select(segment => segment.Text)).TrimEnd());
        }
        if (leftOut.Count == 0) return;
        var names = leftOut.Order().Select(
            column => string.Concat(table.Columns[column].Header.Render(options, Unbounded).Select(segment => segment.Text)).Trim());
        Note($"too wide for {console.Profile.Width} columns, left out: {string.Join(", ", names)} (--json has everything)");
    }

    /// <summary>A note for the user: one line.</summary>
    public void Note(string text) => Messages.WriteLine(OneLine(text));

    /// <summary>Notes for the user, one line each.</summary>
    public void Notes(IEnumerable<string> texts)
    {
        foreach (var text in texts) Note(text);
    }

    /// <summary>A problem that does not stop the command: one line.</summary>
    public void Warn(string text) => Messages.WriteLine("warning: " + OneLine(text));

    /// <summary>Why the command stops: one line, whatever a file name in it contains.</summary>
    public void Error(string text) => Messages.WriteLine("error: " + OneLine(text));

    private IAnsiConsole Console(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = Width is null ? AnsiSupport.Detect : AnsiSupport.Yes,
            Interactive = Width is null ? InteractionSupport.Detect : InteractionSupport.Yes,
            ColorSystem = Colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        // Files and pipes have no width to fit into.
        if (Width is { } width) console.Profile.Width = width;
        else if (!console.Profile.Out.IsTerminal) console.Profile.Width = WidthOfFiles;
        return console;
    }

    private static Table Without(Table table, IReadOnlyList<int> columns)
    {
        var narrow = new Table().Border(table.Border);
        int[] kept = [.. Enumerable.Range(0, table.Columns.Count).Except(columns)];
        foreach (var column in kept) narrow.AddColumn(table.Columns[column]);
        foreach (var row in table.Rows) narrow.AddRow(kept.Select(column => row[column]));
        return narrow;
    }

    // A file name may contain anything, including control characters for cursor and colours.
    internal static string OneLine(string text) =>
        string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
