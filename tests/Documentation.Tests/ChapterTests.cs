using System.Text.RegularExpressions;
using Convolve.Pneumonia;
using Convolve.Pneumonia.Shell;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Convolve.Documentation.Tests;

/// <summary>Keeps the pages up to date: quotes, printed output and measurements are compared with their sources.</summary>
public sealed partial class ChapterTests
{
    public static TheoryData<string> Chapters => [.. MarkedBlock.Chapters];

    [Theory]
    [MemberData(nameof(Chapters))]
    public void QuotesAreTheSource(string chapter)
    {
        foreach (var block in MarkedBlock.In(chapter).Where(b => b.Kind == "source"))
        {
            var parts = block.Argument.Split('#');
            block.MustBe(About(block, () => SourceMember.Read(parts[0], parts.ElementAtOrDefault(1))));
        }
    }

    [Theory]
    [MemberData(nameof(Chapters))]
    public void ProgramsRunAndPrintWhatIsSaid(string chapter)
    {
        var blocks = MarkedBlock.In(chapter);
        for (var i = 0; i < blocks.Count; i++)
        {
            if (blocks[i].Kind != "program") continue;
            var printed = About(blocks[i], () => FreeProgram.Run(blocks[i].Text));
            if (blocks.ElementAtOrDefault(i + 1) is { Kind: "prints" } prints) prints.MustBe(printed);
        }
        Assert.All(blocks.Where(b => b.Kind == "prints"), b =>
            Assert.True(b.Number > 0 && blocks[b.Number - 1].Kind == "program", $"{b} is not below a program"));
    }

    [Theory]
    [MemberData(nameof(Chapters))]
    public async Task CommandsPrintTheLinesShown(string chapter)
    {
        foreach (var block in MarkedBlock.In(chapter).Where(b => b.Kind == "command"))
        {
            var (output, errors) = (new StringWriter(), new StringWriter());
            var code = await CommandLine.RunAsync(block.Argument.Split(' '), new Terminal(output, errors), CancellationToken.None);
            Assert.True(code == ExitCode.Done, $"{block}: exit code {code}: {errors}");
            var printed = output.ToString().ReplaceLineEndings("\n").Split('\n');
            var at = 0;
            foreach (var line in block.Text.Split('\n').Select(line => line.Trim()).Where(line => line is not ("" or "…")))
            {
                at = Array.FindIndex(printed, at, candidate => Plain(candidate) == Plain(line));
                Assert.True(at >= 0, $"{block} is stale: the command does not print this line, or not after the lines above it:\n  {line}");
                at++;
            }
        }
        static string Plain(string line) => Spaces().Replace(line.Trim(), " ");
    }

    [Theory]
    [MemberData(nameof(Chapters))]
    public void MeasuredTablesStandWhereTheirCommandsAre(string chapter)
    {
        foreach (var block in MarkedBlock.In(chapter).Where(b => b.Kind == "table"))
        {
            var there = File.ReadAllLines(Path.Combine(MarkedBlock.Root, block.Argument));
            foreach (var row in block.Text.Split('\n'))
                Assert.True(there.Contains(row), $"{block} is stale: {block.Argument} has no row\n  {row}\nCopy the rows from there.");
        }
    }

    [Theory]
    [MemberData(nameof(Chapters))]
    public void LinksAndPicturesLeadSomewhere(string chapter)
    {
        var folder = Path.GetDirectoryName(Path.Combine(MarkedBlock.Root, chapter))!;
        var text = Fences().Replace(File.ReadAllText(Path.Combine(MarkedBlock.Root, chapter)), "");
        foreach (Match link in Links().Matches(text))
        {
            var target = link.Groups[1].Value.Split('#')[0];
            if (target == "" || target.Contains("://", StringComparison.Ordinal)) continue;
            Assert.True(Path.Exists(Path.Combine(folder, target)), $"{chapter} links to {target}, which is not there");
        }
    }

    /// <summary>The application accepts every command that the pages show.</summary>
    [Theory]
    [MemberData(nameof(Chapters))]
    public void CommandLinesAreUnderstood(string chapter)
    {
        foreach (Match command in Commands().Matches(File.ReadAllText(Path.Combine(MarkedBlock.Root, chapter))))
        {
            var words = command.Groups[1].Value.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var errors = CommandLine.Errors(words);
            Assert.True(errors.Count == 0,
                $"{chapter}: the application does not understand \"{command.Groups[1].Value}\": {string.Join("; ", errors)}");
        }
    }

    private static T About<T>(MarkedBlock block, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{block}: {e.Message}", e);
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fences();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"^dotnet run --project src/Pneumonia -- (.+)$", RegexOptions.Multiline)]
    private static partial Regex Commands();
}
