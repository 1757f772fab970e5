using System.CommandLine;
using System.Globalization;

namespace Convolve.Pneumonia.Shell;

/// <summary>A whole number in [<paramref name="lowest"/>, <paramref name="highest"/>].</summary>
internal class WholeAttribute(string help, int lowest, int highest)
    : OptionAttribute("N", help, $"a whole number from {lowest} to {highest}")
{
    protected override object? Parse(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= lowest
            && value <= highest ? value : null;
}

/// <summary>A finite number between two bounds.</summary>
/// <param name="help">What it means.</param>
/// <param name="lowest">The lower bound.</param>
/// <param name="highest">The upper bound.</param>
/// <param name="bounds">Which bounds are inclusive.</param>
internal sealed class NumberAttribute(string help, double lowest, double highest, Bounds bounds = Bounds.Both)
    : OptionAttribute("X", help, bounds switch
    {
        Bounds.OnlyHighest => $"a number above {lowest} and at most {highest}",
        Bounds.OnlyLowest => $"a number from {lowest} to below {highest}",
        _ => $"a number from {lowest} to {highest}",
    })
{
    protected override object? Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
        && value >= lowest && value <= highest && !(value == lowest && bounds == Bounds.OnlyHighest)
        && !(value == highest && bounds == Bounds.OnlyLowest)
            ? value : null;
}

/// <summary>Which ends of a range are inclusive.</summary>
internal enum Bounds { Both, OnlyLowest, OnlyHighest }

/// <summary>One of several words, ignoring case.</summary>
internal class WordAttribute(string help, params string[] words)
    : OptionAttribute(string.Join('|', words), help, "one of " + string.Join(", ", words))
{
    protected override string[] Completions => words;

    protected override object? Parse(string text) => Array.Find(words, word => word.Equals(text, StringComparison.OrdinalIgnoreCase));
}

/// <summary>One of the names of an enumeration, in lower case.</summary>
internal class ChoiceAttribute<T>(string help) : WordAttribute(help, [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant())])
    where T : struct, Enum
{
    protected override object? Parse(string text) => base.Parse(text) is string word ? Enum.Parse<T>(word, ignoreCase: true) : null;
}

/// <summary>A path or a name. What looks like a mistyped option is refused, so that it does not become a folder.</summary>
internal class TextAttribute(string placeholder, string help, string allowed) : OptionAttribute(placeholder, help, allowed)
{
    protected override object? Parse(string text) =>
        string.IsNullOrWhiteSpace(text) || text.StartsWith("--", StringComparison.Ordinal) || text.Contains('\0') ? null : text;
}

/// <summary>An option without a value.</summary>
internal class FlagAttribute(string help) : OptionAttribute("", help, "")
{
    protected override ArgumentArity Arity => ArgumentArity.Zero;

    protected override object? WithoutValue => true;

    protected override object? Parse(string text) => null;
}

/// <summary>An option that means true on its own, and false if followed by <c>false</c>.</summary>
internal sealed class SwitchAttribute(string help) : OptionAttribute("true|false", help, "true or false")
{
    public override Option Create(string name, string subject) => Create<bool?>(name, subject);

    public override object? ValueIn(ParseResult result, Option option) => result.GetValue((Option<bool?>)option);

    protected override ArgumentArity Arity => ArgumentArity.ZeroOrOne;

    protected override object? WithoutValue => true;

    protected override object? Parse(string text) => bool.TryParse(text, out var value) ? value : null;
}
