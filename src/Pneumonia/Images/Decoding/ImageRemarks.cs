namespace Convolve.Pneumonia.Images;

/// <summary>
/// What was assumed to decode a set of images, counted by kind, so that each kind is reported once. Safe to add to from
/// several threads; the lines depend on the images alone, not on the order they were added in.
/// </summary>
public sealed class ImageRemarks
{
    private readonly SortedDictionary<(int Kind, int Value), (int Count, int First, string Name)> kinds = [];

    private enum Kind { UsedBits, Orientation, Pictures, Transparency }

    /// <summary>Counts an image.</summary>
    /// <param name="index">Its place in the set; of each kind the first one is named.</param>
    /// <param name="name">Its name.</param>
    /// <param name="image">The decoded image.</param>
    public void Add(int index, string name, DecodedImage image)
    {
        if (image.UsedBits is { } bits) Count(Kind.UsedBits, bits);
        if (image.Orientation != 1) Count(Kind.Orientation);
        if (image.Pictures > 1) Count(Kind.Pictures);
        if (image.WasTransparent) Count(Kind.Transparency);

        void Count(Kind kind, int value = 0)
        {
            lock (kinds)
            {
                (var count, var first, var firstName) = kinds.GetValueOrDefault(((int)kind, value), (0, index, name));
                kinds[((int)kind, value)] = index <= first ? (count + 1, index, name) : (count + 1, first, firstName);
            }
        }
    }

    /// <summary>One line for each kind: how many images, what was done, and the first of them.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (kinds)
                return [.. kinds
                    .Select(entry => Line((Kind)entry.Key.Kind, entry.Key.Value, entry.Value.Count) + $" (such as {entry.Value.Name})")];
        }
    }

    private static string Line(Kind kind, int value, int count)
    {
        var images = count == 1 ? "1 image" : $"{count} images";
        return kind switch
        {
            Kind.UsedBits when value == 16 => $"{images} of 16 bits: scaled from all 16 to 8",
            Kind.UsedBits =>
                $"{images} of 16 bits: only {value} of them appear to be used, scaled from those to 8; brighter pixels are white",
            Kind.Orientation => $"{images} turned as their orientation tag says",
            Kind.Pictures => $"{images} with several pictures in the file (frames or pages): only the first one is used",
            _ => $"{images} with transparent pixels: laid on black",
        };
    }
}
