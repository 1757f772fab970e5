using System.Text.RegularExpressions;
using Convolve.Engine.Kernels;

namespace Convolve.Inspection;

/// <summary>The C# text of kernels, which the engine's assembly carries with it.</summary>
public static partial class KernelSource
{
    // Set in Convolve.Engine.csproj: source/Operations/…
    private const string Folder = "source/";

    /// <summary>Where a kernel is written and its text, with the comments and attributes right above it.</summary>
    public static SourceText Of(CataloguedKernel kernel) => Structs(KernelForm.Written(kernel.Cpu ?? kernel.Gpu!)).First();

    /// <summary>
    /// A kernel's text and that of what it is made of: what it uses of its own file, the structs that stand for its type parameters, such
    /// as an optimizer's rule, a register tile, or how a matrix is stored, and the loop around it, for CPUs before that for GPUs.
    /// </summary>
    public static IReadOnlyList<SourceText> WithParts(CataloguedKernel kernel)
    {
        var text = Of(kernel);
        return [.. UsedBy(text).Prepend(text).Concat(kernel.Forms.SelectMany(Parts).SelectMany(Structs)).Distinct()];
    }

    /// <summary>The text of a line; null if its file is not among the resources.</summary>
    internal static string? Line(Profiling.SourceLine line)
    {
        var resource = line.File.StartsWith("src/Engine/", StringComparison.Ordinal) ? Folder + line.File["src/Engine/".Length..] : "";
        if (!Files.Contains(resource)) return null;
        var lines = Read(resource);
        return line.Number <= lines.Length ? lines[line.Number - 1].Trim() : null;
    }

    /// <summary>The structs beside a kernel that it uses, the methods that it calls of the classes there, and what these use.</summary>
    private static List<SourceText> UsedBy(SourceText kernel)
    {
        var lines = Read(Folder + kernel.File["src/Engine/".Length..]);
        var candidates = new List<(string Pattern, SourceText Text)>();
        for (var i = 0; i < lines.Length; i++)
            if (StructDeclaration().Match(lines[i]) is { Success: true } type && Piece(kernel.File, lines, i, "") is var piece
                && !piece.Text.Contains("[Kernel(", StringComparison.Ordinal))
                candidates.Add(($@"\b{type.Groups["name"].Value}\b", piece));
            else if (MethodDeclaration().Match(lines[i]) is { Success: true } method)
                candidates.Add(($@"\b{method.Groups["name"].Value}(<[\w, ]+>)?\(", Piece(kernel.File, lines, i, "    ")));
        var used = new List<SourceText>();
        var open = new Queue<SourceText>([kernel]);
        while (open.TryDequeue(out var user))
            foreach (var (pattern, text) in candidates)
            {
                // A method that stands inside the kernel is shown with it; an attribute also names what other closed forms use.
                if (IsInside(text, kernel) || used.Any(other => IsInside(text, other))
                    || !Regex.IsMatch(WithoutAttributes(user.Text), pattern)) continue;
                used.Add(text);
                open.Enqueue(text);
            }
        return used;

        static string WithoutAttributes(string text) =>
            string.Join('\n', text.Split('\n').Where(line => !line.StartsWith('[') && !line.StartsWith("//", StringComparison.Ordinal)));

        static bool IsInside(SourceText inner, SourceText outer) =>
            inner.Line >= outer.Line && inner.Line < outer.Line + outer.Text.Count(c => c == '\n') + 1;
    }

    /// <summary>What a kernel's type parameters stand for, and the loop around it.</summary>
    private static IEnumerable<Type> Parts(Type launched)
    {
        var kernel = KernelForm.Written(launched);
        return [.. kernel.GetGenericArguments(), .. kernel == launched ? (Type[])[] : [launched, .. launched.GetGenericArguments()[..^1]]];
    }

    /// <summary>A struct's declarations: one, or several where it is written in parts.</summary>
    private static List<SourceText> Structs(Type type)
    {
        var declaration = new Regex($@"^(internal|public) (readonly )?(partial )?struct {type.Name.Split('`')[0]}\b");
        var texts = new List<SourceText>();
        foreach (var file in Files)
        {
            var lines = Read(file);
            var start = lines.Contains($"namespace {type.Namespace};") ? Array.FindIndex(lines, declaration.IsMatch) : -1;
            if (start >= 0) texts.Add(Piece($"src/Engine/{file[Folder.Length..]}", lines, start, ""));
        }
        return texts.Count > 0 ? texts
            : throw new InvalidOperationException($"the source of {type.Name} is not among the assembly's resources");
    }

    /// <summary>A declaration with the comments and attributes right above it, to where its indentation returns.</summary>
    private static SourceText Piece(string file, string[] lines, int start, string indentation)
    {
        var first = start;
        while (lines[first - 1].StartsWith($"{indentation}//", StringComparison.Ordinal)
            || lines[first - 1].StartsWith($"{indentation}[", StringComparison.Ordinal)) first--;
        // The formatter is part of the checks: a body in braces ends where its indentation returns, one without at its semicolon.
        var open = Array.FindIndex(lines, start, line => line == $"{indentation}{{" || line.EndsWith(';'));
        var last = lines[open].EndsWith(';') ? open : Array.IndexOf(lines, $"{indentation}}}", open);
        return new SourceText(file, first + 1,
            string.Join('\n', lines[first..(last + 1)].Select(line => indentation.Length > 0 ? Outdent(line) : line)));
    }

    private static IEnumerable<string> Files =>
        typeof(IKernel).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    private static string Outdent(string line) => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line;

    private static string[] Read(string resource)
    {
        using var reader = new StreamReader(typeof(IKernel).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
    }

    [GeneratedRegex(@"^(internal|public) (readonly )?(partial )?struct (?<name>\w+)")]
    private static partial Regex StructDeclaration();

    [GeneratedRegex(@"^    (public|internal|private) static [^=(]*?\b(?<name>\w+)(<[\w, ]+>)?\(")]
    private static partial Regex MethodDeclaration();
}

/// <summary>A piece of a source file.</summary>
/// <param name="File">Its path in the repository.</param>
/// <param name="Line">Its first line.</param>
/// <param name="Text">The piece.</param>
public sealed record SourceText(string File, int Line, string Text);
