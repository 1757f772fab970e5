namespace Convolve.Pneumonia.Images;

/// <summary>When two names are of the same class: whatever their case, and whichever way their letters are composed.</summary>
public static class ClassName
{
    /// <summary>Compares names so.</summary>
    public static IEqualityComparer<string> Comparer { get; } = new SameClass();

    /// <summary>Whether two names are of the same class.</summary>
    public static bool AreSame(string a, string b) => Key(a) == Key(b);

    /// <summary>A text that is equal for names of the same class.</summary>
    public static string Key(string name) => UnicodeForm.Composed(name).ToUpperInvariant();

    /// <summary>
    /// The one of some classes that a name means: the same name, else the one of the same class; null where there is none.
    /// </summary>
    public static string? Among(IReadOnlyList<string> classes, string name) =>
        classes.Contains(name) ? name : classes.FirstOrDefault(other => AreSame(other, name));

    private sealed class SameClass : IEqualityComparer<string>
    {
        public bool Equals(string? x, string? y) => x is null || y is null ? x is null && y is null : AreSame(x, y);

        public int GetHashCode(string name) => Key(name).GetHashCode(StringComparison.Ordinal);
    }
}
