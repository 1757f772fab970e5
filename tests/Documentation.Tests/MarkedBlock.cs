using System.Text.RegularExpressions;

namespace Convolve.Documentation.Tests;

/// <summary>
/// A code block of a page under a marker that names its source:
/// <c>&lt;!-- source: src/…/File.cs#Type.Member --&gt;</c> (without # the whole file), <c>&lt;!-- program --&gt;</c>, a complete program,
/// <c>&lt;!-- prints --&gt;</c>, the output of the program above it, <c>&lt;!-- command: kernels show … --&gt;</c>, lines of the
/// application's output, with <c>…</c> for omitted ones, and <c>&lt;!-- table: docs/performance.md --&gt;</c>, rows of a table there.
/// </summary>
/// <param name="Chapter">The page's path in the repository.</param>
/// <param name="Number">Index among the page's marked blocks, from 0.</param>
/// <param name="Line">Line of the marker, from 1.</param>
/// <param name="Kind">The word before the colon.</param>
/// <param name="Argument">The text after the colon.</param>
/// <param name="Text">The lines of the block, without fences.</param>
public sealed partial record MarkedBlock(string Chapter, int Number, int Line, string Kind, string Argument, string Text)
{
    /// <summary>If this environment variable is 1, stale blocks are updated instead of failing the test.</summary>
    public const string UpdateVariable = "CONVOLVE_UPDATE_DOCS";

    /// <summary>Whether stale blocks are updated.</summary>
    public static bool Updates => Environment.GetEnvironmentVariable(UpdateVariable) == "1";

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every page with checked blocks: README.md and all Markdown files under docs.</summary>
    public static IReadOnlyList<string> Chapters { get; } =
        ["README.md", .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    /// <summary>The marked blocks of a page, in order.</summary>
    /// <exception cref="FormatException">A marker has no block.</exception>
    public static IReadOnlyList<MarkedBlock> In(string chapter)
    {
        var lines = Read(chapter);
        var blocks = new List<MarkedBlock>();
        for (var i = 0; i < lines.Length; i++)
        {
            var match = Marker().Match(lines[i]);
            if (!match.Success) continue;
            var (begin, end) = Body(chapter, lines, i, match.Groups[1].Value);
            blocks.Add(new MarkedBlock(chapter, blocks.Count, i + 1, match.Groups[1].Value, match.Groups[2].Value.Trim(),
                string.Join('\n', lines[begin..end])));
        }
        return blocks;
    }

    /// <summary>Fails with the block's name and the update command if the text differs from the expected one; in update mode, writes the
    /// expected text.</summary>
    public void MustBe(string expected)
    {
        expected = expected.ReplaceLineEndings("\n").TrimEnd('\n');
        if (Text == expected) return;
        if (Updates)
        {
            // Blocks above may have changed length since this one was read; its index has not changed.
            var lines = Read(Chapter);
            var marker = Enumerable.Range(0, lines.Length).Where(i => Marker().IsMatch(lines[i])).ElementAt(Number);
            var (begin, end) = Body(Chapter, lines, marker, Kind);
            File.WriteAllText(Path.Combine(Root, Chapter),
                string.Join('\n', [.. lines[..begin], .. expected.Split('\n'), .. lines[end..]]));
            return;
        }
        var (mine, theirs) = (Text.Split('\n'), expected.Split('\n'));
        var differs = Enumerable.Range(0, Math.Max(mine.Length, theirs.Length))
            .First(i => mine.ElementAtOrDefault(i) != theirs.ElementAtOrDefault(i));
        Assert.Fail($"{this} is stale; its line {differs + 1} is\n  {mine.ElementAtOrDefault(differs)}\nand should be\n  "
            + $"{theirs.ElementAtOrDefault(differs)}\n"
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
            throw new FormatException(
                $"{chapter}:{marker + 1}: a marker \"{kind}\" must be directly above its {(fenced ? "code block" : "table")}");
        if (fenced) begin++;
        var end = Array.FindIndex(lines, begin, line => fenced ? line == "```" : !line.StartsWith('|'));
        return (begin, end < 0 ? throw new FormatException($"{chapter}:{marker + 1}: the block does not end") : end);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Convolve.sln")))
            folder = folder.Parent
                ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside a clone of the repository");
        return folder.FullName;
    }

    [GeneratedRegex(@"^<!-- (source|program|prints|command|table)(?:: (.*?))? -->$")]
    private static partial Regex Marker();
}
