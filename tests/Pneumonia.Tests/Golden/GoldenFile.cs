using Xunit.Sdk;

namespace Convolve.Pneumonia.Tests.Golden;

/// <summary>
/// Text as the program wrote it when it was last looked at. Scripts rely on it, so a test fails where the program writes something else;
/// a change that is meant is accepted by copying the new text over the stored one.
/// </summary>
internal static class GoldenFile
{
    private const int MostLinesShown = 40;

    /// <summary>Compares a text with a stored one, line by line.</summary>
    /// <param name="name">The file in <c>tests/Pneumonia.Tests/Golden</c>.</param>
    /// <param name="actual">What the program writes now.</param>
    public static void Check(string name, string actual)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Golden", name), changed = path + ".new";
        var stored = File.Exists(path) ? Lines(File.ReadAllText(path)) : [];
        var lines = Lines(actual);
        if (stored.SequenceEqual(lines)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(changed, string.Join('\n', lines));
        throw new XunitException(
            $"{name} differs from the stored text; if that is meant, copy {changed} to tests/Pneumonia.Tests/Golden/{name}\n"
            + string.Join('\n', Difference(stored, lines).Take(MostLinesShown)));
    }

    private static string[] Lines(string text) => [.. text.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())];

    // From the first line that differs to the last.
    private static IEnumerable<string> Difference(string[] stored, string[] actual)
    {
        var first = stored.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        var last = stored.Skip(first).Reverse().Zip(actual.Skip(first).Reverse()).TakeWhile(pair => pair.First == pair.Second).Count();
        return
        [
            $"line {first + 1}:",
            .. stored[first..^last].Select(line => "- " + line),
            .. actual[first..^last].Select(line => "+ " + line),
        ];
    }
}
