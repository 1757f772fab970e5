using System.Text.RegularExpressions;

namespace Convolve.Documentation.Tests;

/// <summary>
/// A code block of a chapter under a marker that says where it comes from:
/// <c>&lt;!-- source: src/…/File.cs#Type.Member --&gt;</c> (without #: the whole file), <c>&lt;!-- program --&gt;</c>, a complete program,
/// <c>&lt;!-- prints --&gt;</c>, what the program above it prints, <c>&lt;!-- command: kernels show … --&gt;</c>, lines of what the application prints, with
/// <c>…</c> for those left out, and <c>&lt;!-- table: docs/performance.md --&gt;</c>, rows of a table there.
/// </summary>
/// <param name="Chapter">The chapter's path in the repository.</param>
/// <param name="Number">Which of the chapter's marked blocks it is, counted from 0.</param>
/// <param name="Line">The marker's line, counted from 1.</param>
/// <param name="Kind">The word before the colon.</param>
/// <param name="Argument">What follows it.</param>
/// <param name="Text">The block's lines without its fences.</param>
public sealed partial record MarkedBlock(string Chapter, int Number, int Line, string Kind, string Argument, string Text)
{
    /// <summary>With this environment variable set to 1, blocks that are stale are written anew instead of failing the test.</summary>
    public const string UpdateVariable = "CONVOLVE_UPDATE_DOCS";

    /// <summary>Set to write chapters anew.</summary>
    public static bool Updates => Environment.GetEnvironmentVariable(UpdateVariable) == "1";

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every page with checked blocks: README.md and all Markdown files under docs.</summary>
    public static IReadOnlyList<string> Chapters { get; } =
        ["README.md", .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    /// <summary>The marked blocks of a chapter in order.</summary>
    /// <exception cref="FormatException">A marker without a block.</exception>
    public static IReadOnlyList<MarkedBlock> In(string chapter)
    {
        var lines = Read(chapter);
        var blocks = new List<MarkedBlock>();
        for (var i = 0; i < lines.Length; i++)
        {
            var match = Marker().Match(lines[i]);
            if (!match.Success) continue;
            var (begin, end) = Body(chapter, lines, i, match.Groups[1].Value);
            blocks.Add(new MarkedBlock(chapter, blocks.Count, i + 1, match.Groups[1].Value, match.Groups[2].Value.Trim(), string.Join('\n', lines[begin..end])));
        }
        return blocks;
    }

    /// <summary>Fails, naming the block and the way to update it, unless its text is the one expected; in update mode writes that one.</summary>
    public void MustBe(string expected)
    {
        expected = expected.ReplaceLineEndings("\n").TrimEnd('\n');
        if (Text == expected) return;
        if (Updates)
        {
            // Blocks above may have grown or shrunk since this one was read: its number among all stays.
            var lines = Read(Chapter);
            var marker = Enumerable.Range(0, lines.Length).Where(i => Marker().IsMatch(lines[i])).ElementAt(Number);
            var (begin, end) = Body(Chapter, lines, marker, Kind);
            File.WriteAllText(Path.Combine(Root, Chapter), string.Join('\n', [.. lines[..begin], .. expected.Split('\n'), .. lines[end..]]));
            return;
        }
        var (mine, theirs) = (Text.Split('\n'), expected.Split('\n'));
        var differs = Enumerable.Range(0, Math.Max(mine.Length, theirs.Length)).First(i => mine.ElementAtOrDefault(i) != theirs.ElementAtOrDefault(i));
        Assert.Fail($"{this} is stale; its line {differs + 1} is\n  {mine.ElementAtOrDefault(differs)}\nand should be\n  {theirs.ElementAtOrDefault(differs)}\n"
            + $"To update all blocks: {UpdateVariable}=1 dotnet test tests/Documentation.Tests");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Chapter}:{Line}, block \"{Kind}{(Argument == "" ? "" : $": {Argument}")}\"";

    private static string[] Read(string chapter) => File.ReadAllText(Path.Combine(Root, chapter)).ReplaceLineEndings("\n").Split('\n');

    /// <summary>The lines of a block: between fences, or the rows of a table.</summary>
    private static (int Begin, int End) Body(string chapter, string[] lines, int marker, string kind)
    {
        var begin = marker + 1;
        var fenced = kind != "table";
        if (begin >= lines.Length || !lines[begin].StartsWith(fenced ? "```" : "|", StringComparison.Ordinal))
            throw new FormatException($"{chapter}:{marker + 1}: a marker \"{kind}\" must stand right above its {(fenced ? "code block" : "table")}");
        if (fenced) begin++;
        var end = Array.FindIndex(lines, begin, line => fenced ? line == "```" : !line.StartsWith('|'));
        return (begin, end < 0 ? throw new FormatException($"{chapter}:{marker + 1}: the block does not end") : end);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Convolve.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} is in no clone of the repository");
        return folder.FullName;
    }

    [GeneratedRegex(@"^<!-- (source|program|prints|command|table)(?:: (.*?))? -->$")]
    private static partial Regex Marker();
}
