using System.Text.RegularExpressions;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>Which of two classes is the positive one, to which sensitivity, precision and the threshold refer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why it was chosen, in words that follow "positive class: NAME, ".</param>
/// <param name="IsGuess">Whether neither the user nor the names said so.</param>
public sealed partial record PositiveClass(string Name, string Reason, bool IsGuess)
{
    // A name is healthy if one of its words is, as in "normal lungs" or "covid-negative".
    private static readonly HashSet<string> healthyWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "normal", "normals", "healthy", "health", "control", "controls", "negative", "negatives", "neg", "benign", "nofinding",
            "nofindings", "unremarkable",
        "clear", "absent", "absence", "false", "uninfected", "unaffected", "free", "gesund", "unauffällig", "negativ", "sano", "sana",
            "sanos", "negativo", "sain", "saine", "正常", "健康",
    };

    // What turns a word into its opposite when it stands before it, as in "no pneumonia" and "not normal".
    private static readonly HashSet<string> negations =
        new(StringComparer.OrdinalIgnoreCase) { "no", "non", "not", "without", "kein", "keine", "ohne", "sin", "sans" };

    /// <summary>Chooses the positive one of two classes.</summary>
    /// <remarks>
    /// What the user asked for; else PNEUMONIA, in any case; else the class whose name does not mean healthy, where the other one's does;
    /// else the last name in ordinal order, which is a guess that the user must hear of.
    /// </remarks>
    /// <returns>The choice; null where there are more or fewer than two classes, none of which is positive then.</returns>
    /// <param name="classes">Names of all classes.</param>
    /// <param name="asked">The name that the user asked for, in any case; or null.</param>
    /// <exception cref="UserError">There is no class of the name that was asked for, or there are not two classes to choose
    /// from.</exception>
    public static PositiveClass? Of(IReadOnlyList<string> classes, string? asked = null)
    {
        if (classes.Count != 2)
            return asked is null ? null : throw new UserError(
                $"--positive {asked}: is for two classes; these are {classes.Count}, {string.Join(", ", classes)}: leave it out");
        if (asked is not null)
        {
            var chosen = ClassName.Among(classes, asked)
                ?? throw new UserError($"--positive {asked}: is not a class; the classes are {string.Join(", ", classes)}");
            return new PositiveClass(chosen, "as --positive says", false);
        }
        if (classes.FirstOrDefault(name => ClassName.AreSame(name, ImageFolder.Pneumonia)) is { } pneumonia)
            return new PositiveClass(pneumonia, $"because it is named {pneumonia}", false);
        if (TheOtherIsHealthy(classes[1], classes[0])) return new PositiveClass(classes[0], $"because {classes[1]} means healthy", false);
        if (TheOtherIsHealthy(classes[0], classes[1])) return new PositiveClass(classes[1], $"because {classes[0]} means healthy", false);
        var last = classes.Order(StringComparer.Ordinal).Last();
        return new PositiveClass(last,
            $"a guess: it is the last by name, and the names {string.Join(", ", classes)} do not say which of them is the illness", true);
    }

    /// <summary>
    /// Classes in the order of the outputs of a network that is trained here: of two the positive one comes second, for one logit answers
    /// "positive?"; more stay as they are.
    /// </summary>
    /// <param name="classes">Their names.</param>
    /// <param name="asked">The positive class that the user asked for, or null.</param>
    /// <exception cref="UserError">There is no class of the name that was asked for.</exception>
    public static IReadOnlyList<string> Second(IReadOnlyList<string> classes, string? asked = null) =>
        Of(classes, asked)?.Name == classes[0] ? [classes[1], classes[0]] : classes;

    /// <summary>What the user should know of the choice, in one line.</summary>
    public override string ToString() => IsGuess ? $"positive class: {Name}, {Reason}; choose with --positive CLASS"
        : $"positive class: {Name}, {Reason}";

    private static bool TheOtherIsHealthy(string healthy, string ill) => MeansHealthy(healthy, ill) && !MeansHealthy(ill, healthy);

    /// <summary>Whether a class's name says that nothing was found.</summary>
    /// <param name="name">The name.</param>
    /// <param name="other">The other class's name: "noncovid" means healthy beside "covid".</param>
    internal static bool MeansHealthy(string name, string other)
    {
        var words = Words(name);
        // "non" may be one word with what it denies.
        if (words.Length == 1 && negations.Any(negation => AreEqual(words[0], negation + string.Concat(Words(other))))) return true;
        var healthy = false;
        for (var i = 0; i < words.Length; i++)
        {
            var denied = i > 0 && negations.Contains(words[i - 1]);
            if (healthyWords.Contains(words[i]))
            {
                // "not normal" means ill.
                if (denied) return false;
                healthy = true;
            }
            else if (denied) healthy = true;
        }
        return healthy;
    }

    private static bool AreEqual(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    // "NoFinding", "no_finding" and "1-no finding" are the same words.
    private static string[] Words(string name) => [.. Word().Matches(UnicodeForm.Composed(name)).Select(match => match.Value)];

    [GeneratedRegex(@"\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
