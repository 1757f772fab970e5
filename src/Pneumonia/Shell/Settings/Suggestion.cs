using System.CommandLine;

namespace Convolve.Pneumonia.Shell;

/// <summary>What a mistyped word may have meant.</summary>
internal static class Suggestion
{
    /// <summary>One line about an option that the command does not have.</summary>
    public static string UnknownOption(string option, Command command)
    {
        var name = option.Split('=')[0];
        var known = command.Options.Select(candidate => candidate.Name)
            .Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options).Where(candidate => candidate.Recursive)
                .Select(candidate => candidate.Name));
        return $"{name}: {CommandName(command)} has no such option{DidYouMean(name, known)} --help lists all";
    }

    /// <summary>One line about an unknown command.</summary>
    public static string UnknownWord(string word, Command command)
    {
        string[] commands = [.. command.Subcommands.Select(candidate => candidate.Name)];
        return commands.Length == 0
            ? $"'{word}': {CommandName(command)} takes no such argument; --help lists its options"
            : $"'{word}' is not a command{DidYouMean(word, commands)} commands: {string.Join(", ", commands)}";
    }

    /// <summary>One line about an unknown name.</summary>
    public static string UnknownName(string name, string kind, IEnumerable<string> known, string advice) =>
        $"'{name}': there is no such {kind}{DidYouMean(name, known)} {advice}";

    /// <summary>The three names that are most like a word, the likest first.</summary>
    public static IEnumerable<string> Nearest(string word, IEnumerable<string> known) =>
        known.OrderBy(candidate => Distance(word, candidate)).Take(3);

    private static string CommandName(Command command) => command is RootCommand ? "train" : command.Name;

    private static string DidYouMean(string word, IEnumerable<string> known)
    {
        (var nearest, var distance) = known.Select(candidate => ((string?)candidate, Distance(word, candidate)))
            .DefaultIfEmpty((null, int.MaxValue)).MinBy(pair => pair.Item2);
        return nearest is not null && distance <= Math.Max(2, word.Length / 3) ? $"; did you mean {nearest}?" : ";";
    }

    // Levenshtein distance: letters to insert, delete or replace.
    internal static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j < row.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j < row.Length; j++)
            {
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
