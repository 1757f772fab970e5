using System.CommandLine;
using System.CommandLine.Parsing;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Declares a property of a settings record as an option of its command, and with it everything that goes by options: parsing,
/// <c>--help</c>, and, of a training, <c>config.json</c>, the report and the line that repeats the run. The property's own value is the
/// default. A value that is not allowed gives one line that names the option, the value, and what is allowed.
/// </summary>
/// <param name="placeholder">What <c>--help</c> shows for the value.</param>
/// <param name="help">What the option means, its default in parentheses at the end.</param>
/// <param name="allowed">The allowed values, as words that follow "give".</param>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class OptionAttribute(string placeholder, string help, string allowed) : Attribute
{
    /// <summary>The option's name if it differs from the property's.</summary>
    public string? Name { get; init; }

    /// <summary>The property that <c>--help</c> lists before this one; null for the order of declaration.</summary>
    public string? HelpAfter { get; init; }

    /// <summary>The error if a required option is missing; null for an optional one.</summary>
    public string? Missing { get; init; }

    /// <summary>Makes the option for one command.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="subject">Replaces {0} in the help.</param>
    public virtual Option Create(string name, string subject) => Create<object>(name, subject);

    /// <summary>The value of the option in a command line that contains it.</summary>
    public virtual object? ValueIn(ParseResult result, Option option) => result.GetValue((Option<object?>)option) ?? WithoutValue;

    /// <summary>Creates the option with a value type, which the parser needs to distinguish a value from the next word.</summary>
    protected Option<T?> Create<T>(string name, string subject)
    {
        var option = new Option<T?>(name)
        {
            Description = help.Replace("{0}", subject),
            HelpName = placeholder.Length > 0 ? placeholder : null,
            Arity = Arity,
            CustomParser = argument => (T?)Read(argument),
        };
        if (Completions.Length > 0) option.CompletionSources.Add(Completions);
        return option;

        object? Read(ArgumentResult result)
        {
            if (result.Tokens.Count == 0) return WithoutValue;
            // A repeated value is reported by the parser itself.
            if (result.Tokens.Count > 1) return null;
            var value = Parse(result.Tokens[0].Value);
            if (value is null) result.AddError($"{name}: '{result.Tokens[0].Value}' is not allowed; give {allowed}");
            return value;
        }
    }

    /// <summary>Number of values after the option.</summary>
    protected virtual ArgumentArity Arity => ArgumentArity.ExactlyOne;

    /// <summary>The value that the option has without one; null if it needs one, which the parser checks.</summary>
    protected virtual object? WithoutValue => null;

    /// <summary>Completions for a shell.</summary>
    protected virtual string[] Completions => [];

    /// <summary>The value of a text; null if it is not allowed.</summary>
    protected abstract object? Parse(string text);
}
