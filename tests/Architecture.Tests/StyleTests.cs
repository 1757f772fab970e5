using System.Text.RegularExpressions;

namespace Convolve.Architecture.Tests;

/// <summary>Rules that neither the compiler nor the formatter knows. What they can check stands in .editorconfig.</summary>
public sealed partial class StyleTests
{
    private const int LongestLine = 140;

    [Fact]
    public void LinesAreNotLong() => Assert.Empty(
        from folder in new[] { "src", "tests", "benchmarks", "samples" }
        from file in Repository.Files(folder)
        from line in file.Lines
        where line.Line.Length > LongestLine
        select $"{file.Path}:{line.Number}: {line.Line.Length} characters");

    /// <summary>A test's name is a sentence in PascalCase: <c>NamesAreWordsAndUnique</c>.</summary>
    [Fact]
    public void TestNamesHaveNoUnderscores() => Assert.Empty(
        from file in Repository.Files("tests")
        from Match test in TestMethod().Matches(file.Text)
        let name = test.Groups["name"].Value
        where name.Contains('_') || !char.IsAsciiLetterUpper(name[0])
        select $"{file.Path}: {name}");

    /// <summary>An alias means that two types have one name: one of them needs another.</summary>
    [Fact]
    public void NoTypeNeedsAnAlias() => Assert.Empty(
        from file in Repository.Files("src")
        from line in file.Lines
        where Alias().IsMatch(line.Line)
        select $"{file.Path}:{line.Number}: {line.Line}");

    /// <summary>
    /// Within <c>Convolve.Engine.Tensors</c> no type is called Tensors: its name would hide the namespace's, and the reverse.
    /// </summary>
    [Fact]
    public void NoTypeHasTheNameOfItsNamespace() => Assert.Empty(
        from file in Repository.Files("src")
        let room = Namespace().Match(file.Text).Groups["last"].Value
        where Regex.IsMatch(file.Text, $@"^(public|internal)[\w ]* (class|struct|record|interface|enum) {room}\b", RegexOptions.Multiline)
        select $"{file.Path}: {room}");

    [GeneratedRegex(@"\[(Skippable)?(Fact|Theory|Property)\b.*?\bpublic (async )?(void|Task) (?<name>\w+)", RegexOptions.Singleline)]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"^\s*(global )?using \w+ =")]
    private static partial Regex Alias();

    [GeneratedRegex(@"^namespace [\w.]*?(?<last>\w+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
