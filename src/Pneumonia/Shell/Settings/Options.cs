using System.CommandLine;

namespace Convolve.Pneumonia.Shell;

/// <summary>Declares a property of a settings record as the positional arguments of a command.</summary>
/// <param name="name">What <c>--help</c> calls them.</param>
/// <param name="help">What they are.</param>
/// <param name="missing">The error if there are none.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ArgumentsAttribute(string name, string help, string missing) : Attribute
{
    /// <summary>The error if there are none.</summary>
    public string Missing => missing;

    /// <summary>Makes the argument for one command.</summary>
    /// <param name="several">Whether there may be several.</param>
    public Argument Create(bool several)
    {
        // Zero is allowed, so that the command itself reports what is missing.
        if (several) return new Argument<string[]>(name) { Description = help, Arity = ArgumentArity.ZeroOrMore };
        return new Argument<string?>(name) { Description = help, Arity = ArgumentArity.ZeroOrOne };
    }

    /// <summary>The words in a command line.</summary>
    public static string[] In(ParseResult result, Argument argument) => argument is Argument<string[]> several
        ? result.GetValue(several) ?? []
        : result.GetValue((Argument<string?>)argument) is { } word ? [word] : [];
}

/// <summary>Declares that the options of a property's own settings are options of the command.</summary>
/// <param name="subject">Replaces {0} in their help.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class GroupAttribute(string subject) : Attribute
{
    public string Subject => subject;
}

/// <summary>Settings that can contradict each other.</summary>
internal interface ICheckedSettings
{
    /// <summary>Looks for contradictions.</summary>
    /// <param name="command">The command, for messages.</param>
    /// <exception cref="UserError">There is one.</exception>
    void Check(string command);
}

/// <summary>The options of a command, made from the declarations of its settings.</summary>
internal sealed class Options
{
    private readonly Type record;
    private readonly List<(Setting Setting, Argument Argument)> arguments = [];
    private readonly List<(Setting Setting, Option Option)> options = [];
    private readonly List<(Setting Setting, Options Options)> groups = [];

    /// <summary>Adds the options of a settings record to a command.</summary>
    /// <param name="record">The record's type.</param>
    /// <param name="command">The command.</param>
    /// <param name="subject">Replaces {0} in the help.</param>
    public Options(Type record, Command command, string subject = "")
    {
        this.record = record;
        foreach (var setting in Setting.InOrder(Setting.Of(record), setting => setting.Option?.HelpAfter))
        {
            if (setting.Option is { } declared)
            {
                var option = declared.Create(setting.OptionName, subject);
                command.Add(option);
                options.Add((setting, option));
            }
            else if (setting.Attribute<ArgumentsAttribute>() is { } words)
            {
                var argument = words.Create(several: setting.Type != typeof(string));
                command.Add(argument);
                arguments.Add((setting, argument));
            }
            else if (setting.Attribute<GroupAttribute>() is { } group)
                groups.Add((setting, new Options(setting.Type, command, group.Subject)));
        }
    }

    /// <summary>The first of these options in a command line, or null.</summary>
    public Option? FirstGiven(ParseResult result) =>
        options.Select(entry => entry.Option).FirstOrDefault(option => result.GetResult(option) is { Implicit: false });

    /// <summary>The settings of a command line.</summary>
    /// <exception cref="UserError">Something is missing, or two options contradict each other.</exception>
    public object Read(ParseResult result)
    {
        var settings = Activator.CreateInstance(record)!;
        var command = result.CommandResult.Command;
        var name = FullName(command);
        foreach ((var setting, var inner) in groups) setting.Set(settings, inner.Read(result));
        foreach ((var setting, var argument) in arguments)
        {
            var words = ArgumentsAttribute.In(result, argument);
            if (words.Length == 0) throw new UserError($"{name}: {setting.Attribute<ArgumentsAttribute>()!.Missing}");
            var several = setting.Type != typeof(string);
            // The parser treats an unknown option as another argument.
            if (several && words.FirstOrDefault(word => word.StartsWith("--", StringComparison.Ordinal)) is { } unknown)
                throw new UserError(Suggestion.UnknownOption(unknown, command));
            setting.Set(settings, several ? words : words[0]);
        }
        foreach ((var setting, var option) in options)
        {
            if (result.GetResult(option) is { Implicit: false }) setting.Set(settings, setting.Option!.ValueIn(result, option));
            else if (setting.Option!.Missing is { } missing) throw new UserError($"{name}: {missing}");
        }
        if (settings is ICheckedSettings contradictory) contradictory.Check(name);
        return settings;
    }

    private static string FullName(Command command) => command is RootCommand ? "train"
        : command.Parents.OfType<Command>().FirstOrDefault(parent => parent is not RootCommand) is { } parent
        ? $"{FullName(parent)} {command.Name}" : command.Name;
}
