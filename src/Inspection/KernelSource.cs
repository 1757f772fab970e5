using System.Reflection;
using System.Text.RegularExpressions;
using Convolve.Engine.Kernels;

namespace Convolve.Inspection;

/// <summary>The C# text of kernels, which the assembly carries with it.</summary>
public static partial class KernelSource
{
    // Set in Convolve.Engine.csproj: source/Operations/…
    private const string Folder = "source/";

    /// <summary>Where a kernel is written and its text, with the comments right above it.</summary>
    public static SourceText Of(CataloguedKernel kernel)
    {
        var method = kernel.Cpu ?? kernel.Gpu!;
        var declaration = new Regex($@"^    (public|internal) static void {method.Name}[<(]");
        var owner = method.DeclaringType!;
        var type = ClassDeclaration(owner);
        foreach (var file in Files)
        {
            var lines = Read(file);
            if (!lines.Contains($"namespace {owner.Namespace};")) continue;
            var start = Array.FindIndex(lines, type.IsMatch);
            if (start >= 0) start = Array.FindIndex(lines, start, declaration.IsMatch);
            if (start < 0) continue;
            return Piece($"src/Engine/{file[Folder.Length..]}", lines, start, "    ");
        }
        throw new InvalidOperationException($"{kernel}: the source of {owner.Name}.{method.Name} is not among the assembly's resources");
    }

    /// <summary>
    /// A kernel's text and that of what it is made of: the methods of its class that it calls, and the structs that stand for its type
    /// parameters, such as an optimizer's rule, a register tile, or how a matrix is stored, those for processors before those for GPUs.
    /// </summary>
    public static IReadOnlyList<SourceText> WithParts(CataloguedKernel kernel)
    {
        var text = Of(kernel);
        return [text, .. CalledBy(text, kernel), .. kernel.Methods.SelectMany(method => method.GetGenericArguments()).Distinct().SelectMany(Structs)];
    }

    /// <summary>The methods beside a kernel that it calls, and those that these call.</summary>
    private static List<SourceText> CalledBy(SourceText kernel, CataloguedKernel of)
    {
        var lines = Read(Folder + kernel.File["src/Engine/".Length..]);
        var type = (of.Cpu ?? of.Gpu!).DeclaringType!;
        var first = Array.FindIndex(lines, ClassDeclaration(type).IsMatch);
        var last = Array.FindIndex(lines, first, line => line == "}");
        var methods = new List<(string Name, SourceText Text)>();
        for (var i = first; i < last; i++)
            if (HelperDeclaration().Match(lines[i]) is { Success: true } match && !lines[i].TrimEnd().EndsWith("];", StringComparison.Ordinal))
                methods.Add((match.Groups["name"].Value, Piece(kernel.File, lines, i, "    ")));
        var called = new List<SourceText>();
        var open = new Queue<SourceText>([kernel]);
        while (open.TryDequeue(out var caller))
            foreach (var (name, text) in methods)
            {
                if (text.Line == kernel.Line || called.Contains(text) || !Regex.IsMatch(caller.Text, $@"(?<![\w.])(?:{type.Name}\.)?{name}(<[\w, ]+>)?\(")) continue;
                called.Add(text);
                open.Enqueue(text);
            }
        return called;
    }

    private static Regex ClassDeclaration(Type type) => new($@"^(internal|public) (static|sealed) (partial )?class {type.Name}\b");

    /// <summary>A struct's declarations: one, or several where it is written in parts.</summary>
    private static IEnumerable<SourceText> Structs(Type type)
    {
        var declaration = new Regex($@"^(internal|public) (readonly )?(partial )?struct {type.Name}\b");
        var texts = new List<SourceText>();
        foreach (var file in Files)
        {
            var lines = Read(file);
            var start = lines.Contains($"namespace {type.Namespace};") ? Array.FindIndex(lines, declaration.IsMatch) : -1;
            if (start >= 0) texts.Add(Piece($"src/Engine/{file[Folder.Length..]}", lines, start, ""));
        }
        return texts.Count > 0 ? texts : throw new InvalidOperationException($"the source of {type.Name} is not among the assembly's resources");
    }

    /// <summary>A declaration with the comments and attributes right above it, to where its indentation returns.</summary>
    private static SourceText Piece(string file, string[] lines, int start, string indentation)
    {
        var first = start;
        while (lines[first - 1].StartsWith($"{indentation}//", StringComparison.Ordinal) || lines[first - 1].StartsWith($"{indentation}[", StringComparison.Ordinal)) first--;
        // The formatter is part of the checks: a body in braces ends where its indentation returns, one without at its semicolon.
        var open = Array.FindIndex(lines, start, line => line == $"{indentation}{{" || line.EndsWith(';'));
        var last = lines[open].EndsWith(';') ? open : Array.IndexOf(lines, $"{indentation}}}", open);
        return new SourceText(file, first + 1, string.Join('\n', lines[first..(last + 1)].Select(line => indentation.Length > 0 ? Outdent(line) : line)));
    }

    private static IEnumerable<string> Files =>
        typeof(IKernel).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static string Outdent(string line) => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line;

    private static string[] Read(string resource)
    {
        using var reader = new StreamReader(typeof(IKernel).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
    }

    [GeneratedRegex(@"^    (public|internal|private) static [^=(]*?\b(?<name>\w+)(<[\w, ]+>)?\(")]
    private static partial Regex HelperDeclaration();
}

/// <summary>A piece of a source file.</summary>
/// <param name="File">Its path in the repository.</param>
/// <param name="Line">Its first line.</param>
/// <param name="Text">The piece.</param>
public sealed record SourceText(string File, int Line, string Text);
