using System.Text.RegularExpressions;

namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>A word, number or punctuation mark of a text.</summary>
internal readonly record struct PtxToken(string Text, int Line);

/// <summary>Cuts a text into tokens, without comments and white space.</summary>
/// <remarks>PTX ISA, 4.2 to 4.5: comments, statements, identifiers, constants.</remarks>
internal static partial class PtxTokens
{
    /// <summary>All tokens, in their order.</summary>
    /// <exception cref="PtxException">A character begins no token.</exception>
    public static List<PtxToken> Of(string text)
    {
        var tokens = new List<PtxToken>();
        var line = 1;
        for (var at = 0; at < text.Length;)
        {
            var match = Token().Match(text, at);
            if (!match.Success) throw new PtxException(line, $"'{text[at]}' begins nothing that PTX has");
            if (match.Groups["word"].Success) tokens.Add(new PtxToken(match.Value, line));
            line += match.Value.Count(c => c == '\n');
            at += match.Length;
        }
        return tokens;
    }

    [GeneratedRegex(
        """\G(?:\s+|//[^\n]*|/\*.*?\*/|"""
        + """(?<word>"[^"]*"|0[fFdD][0-9A-Fa-f]+|\d[\w.]*(?:(?<=[eE])[+-]\d+)?|[.%$_A-Za-z][\w.$]*|[@!,;:(){}\[\]<>+\-=|]))""",
        RegexOptions.Singleline)]
    private static partial Regex Token();
}
