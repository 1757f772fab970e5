using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Options whose values are checked while parsing. A value that is not allowed gives one line that names the option, the value, and what is.
/// </summary>
internal static class CheckedOption
{
    /// <summary>A whole number in [lowest, highest]; null where the option is not given.</summary>
    public static Option<int?> Whole(string name, string description, int lowest, int highest) =>
        Create<int?>(name, "N", description, $"a whole number from {lowest} to {highest}", text =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            && value >= lowest && value <= highest ? value : null);

    /// <summary>A finite number for which <paramref name="isAllowed"/> holds; <paramref name="allowed"/> says so in words.</summary>
    public static Option<double?> Number(string name, string description, string allowed, Func<double, bool> isAllowed) =>
        Create<double?>(name, "X", description, allowed, text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) && isAllowed(value) ? value : null);

    /// <summary>One of the names of an enumeration, in lower case.</summary>
    public static Option<T?> Choice<T>(string name, string description) where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(value => value.ToLowerInvariant())];
        string choices = string.Join('|', names);
        Option<T?> option = Create<T?>(name, choices, description, "one of " + string.Join(", ", names), text =>
            Array.IndexOf(names, text.ToLowerInvariant()) is >= 0 and var index ? Enum.GetValues<T>()[index] : null);
        option.CompletionSources.Add(names);
        return option;
    }

    /// <summary>One of some words.</summary>
    public static Option<string?> OneOf(string name, string description, string[] allowed)
    {
        Option<string?> option = Create(name, string.Join('|', allowed), description, "one of " + string.Join(", ", allowed), text =>
            Array.Find(allowed, word => word.Equals(text, StringComparison.OrdinalIgnoreCase)));
        option.CompletionSources.Add(allowed);
        return option;
    }

    /// <summary>Three shares that sum to 1, of which the last may be 0.</summary>
    public static Option<SplitFractions?> Fractions(string name, string description) =>
        Create<SplitFractions?>(name, "TRAIN,VAL,TEST", description, "three numbers such as 0.8,0.1,0.1 that sum to 1, train and val above 0", text =>
        {
            string[] fields = text.Split(',');
            var shares = new double[3];
            if (fields.Length != 3) return null;
            for (int i = 0; i < 3; i++)
                if (!double.TryParse(fields[i], NumberStyles.Float, CultureInfo.InvariantCulture, out shares[i])) return null;
            bool fits = shares[0] > 0 && shares[1] > 0 && shares[2] >= 0 && Math.Abs(shares.Sum() - 1) < 1e-6;
            return fits ? new SplitFractions(shares[0], shares[1], shares[2]) : null;
        });

    /// <summary>Two or more different names with commas between them; one that holds a comma stands in double quotes.</summary>
    public static Option<IReadOnlyList<string>?> Names(string name, string description) =>
        Create<IReadOnlyList<string>?>(name, "A,B", description, "two or more different names with commas between them", text =>
        {
            try
            {
                return CsvText.Records(text) is [var names] && names.Length > 1 && names.All(part => part.Length > 0) && names.Distinct().Count() == names.Length ? names : null;
            }
            catch (FormatException)
            {
                return null;
            }
        });

    /// <summary>A path or name. What looks like a mistyped option is refused, so that it does not become a folder.</summary>
    public static Option<string?> Text(string name, string placeholder, string description, string allowed) =>
        Create(name, placeholder, description, allowed, text =>
            string.IsNullOrWhiteSpace(text) || text.StartsWith("--", StringComparison.Ordinal) || text.Contains('\0') ? null : text);

    /// <summary>An option that says yes by itself, and no with <c>false</c> behind it; null where it is not given.</summary>
    public static Option<bool?> Switch(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            if (result.Tokens.Count == 0) return true;
            if (bool.TryParse(result.Tokens[0].Value, out bool value)) return value;
            result.AddError($"{name}: '{result.Tokens[0].Value}' is not allowed; give true or false");
            return null;
        },
    };

    /// <summary>An option without a value.</summary>
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    private static Option<T?> Create<T>(string name, string placeholder, string description, string allowed, Func<string, T?> parse)
    {
        return new Option<T?>(name)
        {
            Description = description,
            HelpName = placeholder,
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = Parse,
        };

        T? Parse(ArgumentResult result)
        {
            // A missing or repeated value is reported by the parser itself.
            if (result.Tokens.Count != 1) return default;
            string text = result.Tokens[0].Value;
            T? value = parse(text);
            if (value is null) result.AddError($"{name}: '{text}' is not allowed; give {allowed}");
            return value;
        }
    }
}
