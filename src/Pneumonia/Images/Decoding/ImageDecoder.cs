using System.Security.Cryptography;
using Convolve.Pneumonia.Images.Formats;

namespace Convolve.Pneumonia.Images;

/// <summary>Pixels of a decoded image, upright and ready to be shown, and what was assumed to make them.</summary>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 for gray, 3 for red, green, blue.</param>
/// <param name="Pixels">Row by row from the top, channels last: [Height, Width, Channels].</param>
public sealed record DecodedImage(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>
    /// The bits that an image appears to use when it is stored with 16 (8, 10, 12, 14 or 16); null for one stored with at most 8.
    /// </summary>
    public int? UsedBits { get; init; }

    /// <summary>The orientation that was applied, 2 to 8 as Exif and TIFF number it; 1 where the picture is as it is stored.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>How many pictures the file holds (frames of an animation, pages); this is the first one.</summary>
    public int Pictures { get; init; } = 1;

    /// <summary>Whether some pixels are transparent; they were laid on black.</summary>
    public bool WasTransparent { get; init; }

    /// <summary>
    /// A fingerprint of size and pixels, the same for gray pixels stored as gray and as three equal channels.
    /// </summary>
    public string PixelHash()
    {
        var gray = Channels == 1 ? Pixels : EqualChannels() ?? Pixels;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(Width));
        hash.AppendData(BitConverter.GetBytes(Height));
        hash.AppendData(gray);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private byte[]? EqualChannels()
    {
        var gray = new byte[Width * Height];
        for (int i = 0, at = 0; i < gray.Length; i++, at += 3)
        {
            if (Pixels[at] != Pixels[at + 1] || Pixels[at] != Pixels[at + 2]) return null;
            gray[i] = Pixels[at];
        }
        return gray;
    }
}

/// <summary>
/// Decodes JPEG, PNG, BMP, GIF and TIFF files of at most 16 bits, gray or colour, to 8 bits a channel. Safe to call from several threads.
/// </summary>
/// <remarks>
/// Gray stays one channel. Images of 16 bits are scaled by the bits that they use (<see cref="DecodedImage.UsedBits"/>), transparent pixels
/// are laid on black, the picture is turned as its tags say, and of several pictures in a file the first counts; <see cref="DecodedImage"/>
/// says which of these happened. An image needs memory in proportion to its pixels, and these are bounded by the bytes of the file before
/// any is asked for.
/// </remarks>
public static class ImageDecoder
{
    // Stop a damaged header from asking for gigabytes; the largest X-ray detectors have about 20 million pixels.
    private const long MaximumPixels = 1L << 28, MaximumBytes = 1L << 30;

    /// <summary>Decodes a file.</summary>
    /// <exception cref="UnreadableImage">The file cannot be read or decoded, or is damaged.</exception>
    public static DecodedImage Decode(string path) => Decode(ImageBytes.Read(path), path);

    /// <summary>Decodes the bytes of a file; <paramref name="path"/> names it in messages.</summary>
    /// <exception cref="UnreadableImage">The bytes cannot be decoded, or are damaged.</exception>
    public static DecodedImage Decode(byte[] bytes, string path)
    {
        var file = EncodedImage.Open(bytes, path);
        var header = file.Header;
        if ((long)header.Width * header.Height > MaximumPixels)
            throw new UnreadableImage(path,
                $"is {header.Width} × {header.Height} pixels large; at most {MaximumPixels} pixels are decoded");
        if ((long)header.Width * header.Height * header.Channels * header.BitDepth / 8 is var size && size > MaximumBytes)
        {
            throw new UnreadableImage(path, $"is {header.Width} × {header.Height} pixels of {header.Channels} × {header.BitDepth} bits, "
                + $"{size >> 20} MiB; at most {MaximumBytes >> 20} are decoded");
        }
        StoredPixels stored;
        try
        {
            stored = file.Decode();
        }
        catch (OutOfMemoryException)
        {
            // No reason to leave the other images.
            throw new UnreadableImage(path, $"is {header.Width} × {header.Height} pixels large, more than there is memory for");
        }

        int channels = stored.Channels, colours = channels is 2 or 4 ? channels - 1 : channels;
        int? usedBits = stored.Words is { } samples ? DeepPixels.UsedBits(samples, channels, colours) : null;
        var pixels = stored.Bytes ?? DeepPixels.ToBytes(stored.Words!, channels, colours, usedBits!.Value);
        if (stored.Inverted) Invert(pixels, channels, colours);
        var transparent = false;
        if (colours < channels) (pixels, transparent) = OnBlack(pixels, channels);
        return new DecodedImage(header.ShownWidth, header.ShownHeight, colours,
            ExifOrientation.Apply(pixels, header.Width, header.Height, colours, header.Orientation))
        {
            UsedBits = usedBits,
            Orientation = header.Orientation,
            Pictures = header.Pictures,
            WasTransparent = transparent,
        };
    }

    private static void Invert(byte[] pixels, int channels, int colours)
    {
        for (var i = 0; i < pixels.Length; i += channels)
            for (var channel = 0; channel < colours; channel++) pixels[i + channel] = (byte)(byte.MaxValue - pixels[i + channel]);
    }

    // What lies under a transparent pixel is anything; a viewer shows its background, which is black for X-rays.
    private static (byte[] Pixels, bool Transparent) OnBlack(byte[] pixels, int channels)
    {
        var kept = channels - 1;
        var transparent = false;
        var colours = new byte[pixels.Length / channels * kept];
        for (int from = 0, to = 0; from < pixels.Length; from += channels, to += kept)
        {
            int alpha = pixels[from + kept];
            transparent |= alpha < byte.MaxValue;
            for (var channel = 0; channel < kept; channel++)
                colours[to + channel] = (byte)((pixels[from + channel] * alpha + 127) / 255);
        }
        return (colours, transparent);
    }
}
