using System.Runtime.InteropServices;
using StbImageSharp;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// The bytes of an image file, read as far as its header. The decoding libraries fill what a damaged file lacks with zeros or gray, so each
/// format here first proves that its data are whole and that they can hold as many pixels as the header claims, and only then passes
/// them to the library.
/// </summary>
internal abstract class EncodedImage(byte[] bytes, string path)
{
    /// <summary>The whole file.</summary>
    protected byte[] Bytes { get; } = bytes;

    /// <summary>The file's name for messages.</summary>
    protected string Path { get; } = path;

    /// <summary>What the header says.</summary>
    public abstract ImageHeader Header { get; }

    /// <summary>Checks all data and decodes them.</summary>
    /// <exception cref="UnreadableImage">The data are damaged, incomplete, or of a kind that is not read.</exception>
    public abstract StoredPixels Decode();

    /// <summary>Reads a file's header, by its content whatever its name says.</summary>
    /// <exception cref="UnreadableImage">Empty, of no format that is read, without pixels, or damaged before its pixels.</exception>
    public static EncodedImage Open(byte[] bytes, string path)
    {
        if (bytes.Length == 0) throw new UnreadableImage(path, "is empty (0 bytes)");
        return ImageFormats.Of(bytes) switch
        {
            ImageFormat.Jpeg => new JpegFile(bytes, path),
            ImageFormat.Png => new PngFile(bytes, path),
            ImageFormat.Bmp => new BmpFile(bytes, path),
            ImageFormat.Gif => new GifFile(bytes, path),
            ImageFormat.Tiff => new TiffFile(bytes, path),
            _ => throw ImageFormats.NotRead(bytes, path),
        };
    }

    /// <summary>The file breaks the rules of its format.</summary>
    protected UnreadableImage Damaged(string reason) => new(Path, reason);

    /// <summary>The file is whole, but of a kind that is not read.</summary>
    /// <param name="reason">What it is.</param>
    protected UnreadableImage NotRead(string reason) => new(Path, reason, ImageFormats.ConvertToPng(Path));

    /// <summary>The library could not decode a file that passed all checks.</summary>
    protected UnreadableImage NotDecoded(string? reason) =>
        NotRead($"cannot be decoded ({reason?.ReplaceLineEndings(" ") ?? "unknown reason"})");

    /// <summary>Decodes a file of at most 8 bits a sample that passed all checks.</summary>
    /// <exception cref="UnreadableImage">The library does not decode it.</exception>
    protected unsafe StoredPixels DecodeByLibrary(byte[] file)
    {
        int width, height, channels;
        byte* pixels;
        try
        {
            var context = new StbImage.stbi__context(new FileBytes(file));
            StbImage.stbi__result_info info;
            pixels = (byte*)(Header.Format switch
            {
                ImageFormat.Jpeg => StbImage.stbi__jpeg_load(context, &width, &height, &channels, 0, &info),
                ImageFormat.Bmp => StbImage.stbi__bmp_load(context, &width, &height, &channels, 0, &info),
                ImageFormat.Gif => StbImage.stbi__gif_load(context, &width, &height, &channels, 0, &info),
                _ => throw new InvalidOperationException($"{Header.Format} is not decoded by the library"),
            });
        }
        catch (Exception e) when (e is not (OutOfMemoryException or InvalidOperationException))
        {
            // The library throws bare exceptions and index errors.
            throw NotDecoded(e.Message);
        }
        if (pixels == null) throw NotDecoded(StbImage.stbi__g_failure_reason);
        try
        {
            var bytes = GC.AllocateUninitializedArray<byte>(checked(width * height * channels));
            new ReadOnlySpan<byte>(pixels, bytes.Length).CopyTo(bytes);
            return new StoredPixels(channels, bytes);
        }
        finally
        {
            Marshal.FreeHGlobal((nint)pixels);
        }
    }
}

/// <summary>Pixels as a file stores them, [Height, Width, Channels].</summary>
/// <param name="Channels">Colours, 1 or 3, and one more where there is transparency.</param>
/// <param name="Bytes">The samples of an image of at most 8 bits, scaled to 0 to 255; null for one of 16 bits.</param>
/// <param name="Words">The samples of an image of 16 bits; null for one of at most 8 bits.</param>
internal readonly record struct StoredPixels(int Channels, byte[]? Bytes, ushort[]? Words = null)
{
    /// <summary>Whether 0 is white. The other end is the largest value of the bits that are used.</summary>
    public bool Inverted { get; init; }
}
