namespace Convolve.Pneumonia.Images;

/// <summary>
/// Removes images from validation and test whose pixels are in an earlier part: images that were trained on, or chose the epoch, are not
/// scored.
/// </summary>
/// <param name="files">All images.</param>
/// <param name="keys">Of each, a key that is equal for equal pixels: see <see cref="IdenticalPixels"/>.</param>
internal sealed class CopiesOfEarlierParts(IReadOnlyList<ImageFile> files, IReadOnlyList<string?> keys)
{
    private readonly Dictionary<string, string?> keyOf = files.Select((file, i) => (file.RelativePath, Key: keys[i]))
        .ToDictionary(entry => entry.RelativePath, entry => entry.Key, StringComparer.Ordinal);

    private readonly List<(ImageFile Copy, ImageFile Original)> found = [];

    /// <summary>The images that were taken out, each with one that stays.</summary>
    public IReadOnlyList<(ImageFile Copy, ImageFile Original)> Found => found;

    /// <summary>The image's key; null where it has no copy.</summary>
    public string? KeyOf(ImageFile file) => keyOf[file.RelativePath];

    /// <summary>The images of a part without copies of others.</summary>
    public List<ImageFile> LeaveOut(List<ImageFile> part, List<ImageFile> earlier)
    {
        var originals = new Dictionary<string, ImageFile>(StringComparer.Ordinal);
        foreach (var file in earlier)
            if (KeyOf(file) is { } key) originals.TryAdd(key, file);
        var kept = new List<ImageFile>(part.Count);
        foreach (var file in part)
        {
            if (KeyOf(file) is { } key && originals.TryGetValue(key, out var original)) found.Add((file, original));
            else kept.Add(file);
        }
        return kept;
    }

    /// <summary>Training, validation and test images without copies of the parts before each.</summary>
    public List<ImageFile>[] LeaveOut(List<ImageFile>[] parts)
    {
        var val = LeaveOut(parts[1], parts[0]);
        return [parts[0], val, LeaveOut(parts[2], [.. parts[0], .. val])];
    }
}
