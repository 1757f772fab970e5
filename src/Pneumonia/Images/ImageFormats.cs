namespace Convolve.Pneumonia.Images;

/// <summary>Which files are taken for images: those whose names end as the names of a format that <see cref="ImageDecoder"/> reads.</summary>
public static class ImageFormats
{
    /// <summary>The endings of all formats that are read, in lower case with their dot.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".jpg", ".jpeg", ".png"];

    /// <summary>Whether a file name has one of these endings, in any case.</summary>
    public static bool IsRead(string path) => Endings.Contains(Path.GetExtension(path).ToLowerInvariant());
}
