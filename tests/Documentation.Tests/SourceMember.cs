using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Convolve.Documentation.Tests;

/// <summary>Extracts a member of a source file, without documentation comments and attributes, with plain comments, unindented.</summary>
public static class SourceMember
{
    /// <summary>The text that a marker names.</summary>
    /// <param name="path">The file's path in the repository.</param>
    /// <param name="member">
    /// <c>Member</c>, <c>Type.Member</c> or a type's name, with type parameters or parameter types if the name is ambiguous:
    /// <c>Forward&lt;T&gt;</c>, <c>Input(float, float)</c>. Null for the whole file.
    /// </param>
    /// <exception cref="FormatException">There is no such file or member, or more than one.</exception>
    public static string Read(string path, string? member)
    {
        var file = Path.Combine(MarkedBlock.Root, path);
        if (!File.Exists(file)) throw new FormatException($"there is no file {path}");
        var text = File.ReadAllText(file).ReplaceLineEndings("\n");
        if (member is null) return text;
        var root = CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview)).GetRoot();
        var members = root.DescendantNodes().OfType<MemberDeclarationSyntax>()
            .Where(m => m is not BaseNamespaceDeclarationSyntax).ToArray();
        var found = members.Where(m => Names(m).Contains(member)).ToArray();
        if (found.Length != 1)
            throw new FormatException(
                $"{path} has {found.Length} members {member}; it has {string.Join(", ", members.Select(m => Names(m).Last()).Distinct())}");
        return Cut(text, found[0]);
    }

    /// <summary>The names that match a member, the most specific last.</summary>
    private static string[] Names(MemberDeclarationSyntax member)
    {
        var (name, parameters) = member switch
        {
            MethodDeclarationSyntax method => (method.Identifier.Text, method.TypeParameterList),
            TypeDeclarationSyntax type => (type.Identifier.Text, type.TypeParameterList),
            PropertyDeclarationSyntax property => (property.Identifier.Text, null),
            _ => ("", null),
        };
        if (name == "") return [""];
        var container = member.Parent is TypeDeclarationSyntax parent ? $"{parent.Identifier.Text}." : "";
        var types = member is MethodDeclarationSyntax { ParameterList.Parameters: var all }
            ? $"({string.Join(", ", all.Select(p => p.Type))})" : "";
        return [name, container + name, name + parameters, container + name + parameters, name + types,
            container + name + parameters + types];
    }

    private static string Cut(string text, MemberDeclarationSyntax member)
    {
        var first = member.AttributeLists.Count > 0 ? member.AttributeLists.Last().GetLastToken().GetNextToken() : member.GetFirstToken();
        var lines = text.Split('\n');
        var begin = member.SyntaxTree.GetLineSpan(first.Span).StartLinePosition.Line;
        var end = member.SyntaxTree.GetLineSpan(member.Span).EndLinePosition.Line;
        // Plain comments are above the attributes.
        var above = member.SyntaxTree.GetLineSpan(member.Span).StartLinePosition.Line;
        var comments = new List<string>();
        while (above > 0 && lines[above - 1].TrimStart() is var line && line.StartsWith("//", StringComparison.Ordinal)
            && !line.StartsWith("///", StringComparison.Ordinal))
            comments.Insert(0, lines[--above]);
        string[] cut = [.. comments, .. lines[begin..(end + 1)]];
        var indentation = cut.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n',
            cut.Select(line => line.Length > 0 ? line[indentation..] : line).Where(line => !line.StartsWith("///", StringComparison.Ordinal)
            && !line.TrimStart().StartsWith("///", StringComparison.Ordinal)));
    }
}
