using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Convolve.Pneumonia.Shell;

/// <summary>A property of a settings record, with what its attributes declare.</summary>
/// <param name="property">The property.</param>
internal sealed class Setting(PropertyInfo property)
{
    /// <summary>The property's name.</summary>
    public string Name => property.Name;

    /// <summary>The name in lower case, with a hyphen between words.</summary>
    public string Words { get; } =
        string.Concat(property.Name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}"
            : $"{char.ToLowerInvariant(c)}"));

    /// <summary>The type of its values.</summary>
    public Type Type => property.PropertyType;

    /// <summary>The option that sets it; null if there is none.</summary>
    public OptionAttribute? Option { get; } = property.GetCustomAttribute<OptionAttribute>();

    /// <summary>The name of that option.</summary>
    public string OptionName => Option?.Name ?? "--" + Words;

    /// <summary>Whether its default is a constant. A custom getter makes it depend on other settings.</summary>
    public bool HasConstantDefault { get; } = property.GetMethod!.IsDefined(typeof(CompilerGeneratedAttribute));

    /// <summary>The settings of a record, in the order in which they are declared.</summary>
    public static IReadOnlyList<Setting> Of(Type record) =>
    [
        .. record.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite)
            .OrderBy(property => property.MetadataToken).Select(property => new Setting(property)),
    ];

    /// <summary>Settings in another order.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="after">The name of the setting after which one is placed; null to keep its place.</param>
    public static IReadOnlyList<Setting> InOrder(IEnumerable<Setting> settings, Func<Setting, string?> after)
    {
        List<Setting> ordered = [.. settings];
        foreach (var moved in ordered.Where(setting => after(setting) is not null).ToArray())
        {
            ordered.Remove(moved);
            ordered.Insert(1 + ordered.FindIndex(setting => setting.Name == after(moved)), moved);
        }
        return ordered;
    }

    /// <summary>The attribute of a type; null if the property has none.</summary>
    public T? Attribute<T>() where T : Attribute => property.GetCustomAttribute<T>();

    /// <summary>Its value in a record.</summary>
    public object? In(object settings) => property.GetValue(settings);

    /// <summary>Sets its value in a new record.</summary>
    public void Set(object settings, object? value) => property.SetValue(settings, value);

    /// <summary>A value in the form of a command line.</summary>
    public static string TextOf(object? value) => value switch
    {
        null => "unset",
        Enum or bool => value.ToString()!.ToLowerInvariant(),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
