using System.Reflection;
using System.Text.RegularExpressions;

namespace Convolve.Engine.Kernels;

/// <summary>The C# text of kernels, which the assembly carries with it.</summary>
public static class KernelSource
{
    // Set in Convolve.Engine.csproj: source/Operations/…
    private const string Folder = "source/";

    /// <summary>Where a kernel is written and its text, with the comments right above it.</summary>
    public static SourceText Of(CataloguedKernel kernel)
    {
        var method = kernel.Cpu ?? kernel.Gpu!;
        var declaration = new Regex($@"^    (public|internal) static void {method.Name}[<(]");
        var type = new Regex($@"^(internal|public) (static|sealed) (partial )?class {method.DeclaringType!.Name}\b");
        foreach (var file in Files)
        {
            var lines = Read(file);
            if (!lines.Contains($"namespace {method.DeclaringType.Namespace};")) continue;
            var start = Array.FindIndex(lines, type.IsMatch);
            if (start >= 0) start = Array.FindIndex(lines, start, declaration.IsMatch);
            if (start < 0) continue;
            var first = start;
            while (lines[first - 1].StartsWith("    //", StringComparison.Ordinal) || lines[first - 1].StartsWith("    [", StringComparison.Ordinal)) first--;
            // The formatter is part of the checks: a member ends where its indentation returns.
            var last = Array.FindIndex(lines, start, line => line == "    }" || (line.EndsWith(';') && !line.StartsWith("     ", StringComparison.Ordinal)));
            return new SourceText($"src/Engine/{file[Folder.Length..]}", first + 1, string.Join('\n', lines[first..(last + 1)].Select(Outdent)));
        }
        throw new InvalidOperationException($"{kernel}: the source of {method.DeclaringType.Name}.{method.Name} is not among the assembly's resources");
    }

    private static IEnumerable<string> Files =>
        typeof(KernelSource).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static string Outdent(string line) => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line;

    private static string[] Read(string resource)
    {
        using var reader = new StreamReader(typeof(KernelSource).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
    }
}

/// <summary>A piece of a source file.</summary>
/// <param name="File">Its path in the repository.</param>
/// <param name="Line">Its first line.</param>
/// <param name="Text">The piece.</param>
public sealed record SourceText(string File, int Line, string Text);
