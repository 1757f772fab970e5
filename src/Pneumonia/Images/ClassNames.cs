using System.Text;
using ADRaffy.ENSNormalize;

namespace Convolve.Pneumonia.Images;

/// <summary>When two names mean the same class: whatever their case, and however their accents are encoded, for file systems differ in both.</summary>
public static class ClassNames
{
    /// <summary>Compares names so.</summary>
    public static IEqualityComparer<string> Comparer { get; } = new SameClass();

    /// <summary>Whether two names mean the same class.</summary>
    public static bool AreSame(string a, string b) => Comparer.Equals(a, b);

    /// <summary>A name with its accents composed (Unicode's form C), as most people type it. .NET does not do so where it runs without ICU, as here.</summary>
    public static string Composed(string name) =>
        Ascii.IsValid(name) ? name : ENSNormalize.NF.NFC(string.Concat(name.EnumerateRunes().Select(rune => rune.ToString())));

    private static string Key(string name) => Composed(name).ToUpperInvariant();

    private sealed class SameClass : IEqualityComparer<string>
    {
        public bool Equals(string? x, string? y) => x is null || y is null ? x is null && y is null : Key(x) == Key(y);

        public int GetHashCode(string name) => Key(name).GetHashCode(StringComparison.Ordinal);
    }
}
