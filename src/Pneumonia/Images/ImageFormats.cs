namespace Convolve.Pneumonia.Images;

/// <summary>Which files are taken for images: those whose names end as the names of a format that <see cref="ImageDecoder"/> reads.</summary>
public static class ImageFormats
{
    private static readonly string[] otherEndings =
        [".bmp", ".tif", ".tiff", ".jfif", ".webp", ".gif", ".dcm", ".dicom", ".heic", ".jp2", ".avif"];

    /// <summary>The endings of all formats that are read, in lower case with their dot.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".jpg", ".jpeg", ".png"];

    /// <summary>Whether a file name has one of these endings, in any case.</summary>
    public static bool IsRead(string path) => Endings.Contains(Path.GetExtension(path).ToLowerInvariant());

    /// <summary>Whether a file name has the ending of an image format that is not read, in any case.</summary>
    public static bool IsKnownButUnread(string path) => !IsRead(path) && otherEndings.Contains(Path.GetExtension(path).ToLowerInvariant());
}
