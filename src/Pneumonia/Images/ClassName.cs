using System.Text;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// When two names are of the same class: whatever their case, and whichever way Unicode composes their letters, as systems do it in two ways.
/// </summary>
public static class ClassName
{
    /// <summary>A text that is equal for names of the same class.</summary>
    public static string Key(string name) => Composed(name).ToUpperInvariant();

    /// <summary>The name with its letters composed (Unicode's form C).</summary>
    public static string Composed(string name)
    {
        try { return name.Normalize(NormalizationForm.FormC); }
        // A name that is not Unicode is compared as it is.
        catch (ArgumentException) { return name; }
    }

    /// <summary>The one of some classes that a name means: the same name, else the one of the same class; null where there is none.</summary>
    public static string? Among(IReadOnlyList<string> classes, string name) =>
        classes.Contains(name) ? name : classes.FirstOrDefault(other => Key(other) == Key(name));
}
