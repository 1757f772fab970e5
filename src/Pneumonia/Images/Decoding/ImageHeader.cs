using Convolve.Pneumonia.Images.Formats;

namespace Convolve.Pneumonia.Images;

/// <summary>What the header of an image file says.</summary>
/// <param name="Format">The format, by the file's content.</param>
/// <param name="Width">Pixels in a row as stored.</param>
/// <param name="Height">Rows as stored.</param>
/// <param name="Channels">Colour channels stored in the file, alpha included; 1 for gray, 3 for a palette.</param>
/// <param name="BitDepth">Bits of a channel.</param>
public readonly record struct ImageHeader(ImageFormat Format, int Width, int Height, int Channels, int BitDepth)
{
    /// <summary>How the picture is to be turned, from 1 (not at all) to 8, as Exif and TIFF number it.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>How many pictures the file holds: frames of an animation, pages.</summary>
    public int Pictures { get; init; } = 1;

    /// <summary>Pixels in a row once the picture is turned.</summary>
    public int ShownWidth => ExifOrientation.Transposes(Orientation) ? Height : Width;

    /// <summary>Rows once the picture is turned.</summary>
    public int ShownHeight => ExifOrientation.Transposes(Orientation) ? Width : Height;

    /// <summary>Reads the header.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">The file's name for the message.</param>
    /// <exception cref="UnreadableImage">
    /// Empty, of no format that is read, without a size, damaged before its pixels, or too short for as many pixels as it claims.
    /// </exception>
    public static ImageHeader Read(byte[] bytes, string path) => EncodedImage.Open(bytes, path).Header;
}
