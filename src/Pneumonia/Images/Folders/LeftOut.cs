namespace Convolve.Pneumonia.Images;

/// <summary>The kinds of images that are left out, as <c>metrics.json</c> and <c>data check --json</c> name them.</summary>
public enum LeftOutKind
{
    /// <summary>In a format that is not read.</summary>
    Format,

    /// <summary>Where no class is: loose files, folders that are no part, masks.</summary>
    Folder,

    /// <summary>Cannot be opened or decoded.</summary>
    Damaged,

    /// <summary>With a name, or in a folder, that systems and programs use for themselves.</summary>
    Hidden,

    /// <summary>A copy of an image that is used already.</summary>
    Copy,
}

/// <summary>Images that are left out, counted by kind.</summary>
/// <param name="Kind">Why.</param>
/// <param name="Count">How many.</param>
/// <param name="Example">The first of them, relative to the data folder.</param>
public sealed record LeftOut(LeftOutKind Kind, int Count, string Example)
{
    /// <summary>Counts of several sources as one list, in the order of the kinds.</summary>
    public static IReadOnlyList<LeftOut> Together(params IEnumerable<LeftOut> counts) =>
    [
        .. counts.GroupBy(entry => entry.Kind).OrderBy(group => group.Key)
            .Select(group => new LeftOut(group.Key, group.Sum(entry => entry.Count), group.First().Example)),
    ];
}
