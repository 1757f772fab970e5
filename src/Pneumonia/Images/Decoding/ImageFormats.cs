namespace Convolve.Pneumonia.Images;

/// <summary>The formats that <see cref="ImageDecoder"/> reads.</summary>
public enum ImageFormat { Jpeg, Png, Bmp, Gif, Tiff }

/// <summary>
/// Which files are taken for images: those whose names end as the names of a format that <see cref="ImageDecoder"/> reads. What such a file
/// really is, its first bytes say: a PNG named .jpg is decoded as a PNG.
/// </summary>
public static class ImageFormats
{
    private const string WithImageMagick = "convert", WithDicomToolkit = "dcmj2pnm +on +Wi 1";

    // Endings of images that are not read, and the command that makes a PNG of them: ImageMagick's, or DCMTK's with the file's own grey
    // window.
    private static readonly (string Ending, string Kind, string Command)[] others =
    [
        (".webp", "WebP", WithImageMagick), (".dcm", "DICOM", WithDicomToolkit), (".dicom", "DICOM", WithDicomToolkit),
            (".ima", "DICOM", WithDicomToolkit),
        (".jp2", "JPEG 2000", WithImageMagick), (".j2k", "JPEG 2000", WithImageMagick), (".jpx", "JPEG 2000", WithImageMagick),
        (".jxl", "JPEG XL", WithImageMagick), (".heic", "HEIF", WithImageMagick), (".heif", "HEIF", WithImageMagick),
        (".avif", "AVIF", WithImageMagick),
        (".pgm", "PNM", WithImageMagick), (".ppm", "PNM", WithImageMagick), (".pbm", "PNM", WithImageMagick),
        (".pnm", "PNM", WithImageMagick),
        (".tga", "Targa", WithImageMagick), (".psd", "Photoshop", WithImageMagick), (".svg", "SVG", WithImageMagick),
        (".ico", "icon", WithImageMagick),
        (".btf", "BigTIFF", WithImageMagick),
    ];

    /// <summary>The endings of all formats that are read, in lower case with their dot.</summary>
    public static IReadOnlyList<string> Endings { get; } =
        [".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".png", ".bmp", ".dib", ".gif", ".tif", ".tiff"];

    /// <summary>Whether a file name has one of these endings, in any case.</summary>
    public static bool IsRead(string path) => Endings.Contains(EndingOf(path));

    /// <summary>
    /// Whether a file name has the ending of an image format that is not read, in any case; <see cref="Advice"/> says what to do then.
    /// </summary>
    public static bool IsKnownButNotRead(string path) => Array.Exists(others, other => other.Ending == EndingOf(path));

    /// <summary>
    /// How to make an image of a format that is not read into one that is, by the ending of its name: "convert it to PNG (convert x.webp
    /// x.png)". Null for every other file.
    /// </summary>
    public static string? Advice(string path)
    {
        var index = Array.FindIndex(others, other => other.Ending == EndingOf(path));
        return index < 0 ? null : ConvertToPng(path, others[index].Command);
    }

    /// <summary>The format that a file's first bytes tell; null for none that is read.</summary>
    internal static ImageFormat? Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(PngSignature)) return ImageFormat.Png;
        if (bytes is [0xFF, 0xD8, ..]) return ImageFormat.Jpeg;
        if (bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8)) return ImageFormat.Gif;
        if (bytes.StartsWith("II*\0"u8) || bytes.StartsWith("MM\0*"u8)) return ImageFormat.Tiff;
        // Two letters alone could begin a text.
        if (bytes.Length > 14 && bytes.StartsWith("BM"u8) && bytes[15] == 0) return ImageFormat.Bmp;
        return null;
    }

    /// <summary>
    /// The error for a file that is of no format that is read: by its content if that is known, else by the ending of its name.
    /// </summary>
    internal static UnreadableImage NotRead(ReadOnlySpan<byte> bytes, string path)
    {
        if (Kind(bytes) is { } kind)
        {
            var command = Array.Find(others, other => other.Kind == kind).Command;
            return new UnreadableImage(path, $"is a {kind} image, which is not supported", ConvertToPng(path, command));
        }
        var what = "is not a JPEG, PNG, BMP, GIF or TIFF image";
        return new UnreadableImage(path, what, Advice(path));
    }

    /// <summary>The advice to make a PNG of a file that is whole but not read.</summary>
    internal static string ConvertToPng(string path, string command = WithImageMagick)
    {
        string name = Path.GetFileName(path), png = Path.GetFileNameWithoutExtension(path) + ".png";
        if (png == name) png = Path.GetFileNameWithoutExtension(path) + "-read.png";
        return $"convert it to PNG ({command} {Quoted(name)} {Quoted(png)})";
    }

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static string? Kind(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 132 && bytes[128..].StartsWith("DICM"u8)) return "DICOM";
        if (bytes.Length > 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8)) return "WebP";
        if (bytes.Length > 12 && bytes[4..].StartsWith("jP  \r\n"u8) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
            return "JPEG 2000";
        if (bytes.Length > 12 && bytes[4..].StartsWith("JXL \r\n"u8) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]))
            return "JPEG XL";
        if (bytes.Length > 12 && bytes[4..].StartsWith("ftypavif"u8)) return "AVIF";
        if (bytes.Length > 12 && (bytes[4..].StartsWith("ftyphei"u8) || bytes[4..].StartsWith("ftypmif1"u8))) return "HEIF";
        if (bytes.StartsWith("8BPS"u8)) return "Photoshop";
        if (bytes.StartsWith("II+\0"u8) || bytes.StartsWith("MM\0+"u8)) return "BigTIFF";
        return bytes is [(byte)'P', >= (byte)'1' and <= (byte)'6', (byte)'\n' or (byte)' ' or (byte)'\r' or (byte)'\t', ..] ? "PNM" : null;
    }

    private static string EndingOf(string path) => Path.GetExtension(path).ToLowerInvariant();

    private static string Quoted(string name) => name.Any(char.IsWhiteSpace) ? $"\"{name}\"" : name;
}
