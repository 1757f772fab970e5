using System.Runtime.InteropServices;
using System.Security.Cryptography;
using StbImageSharp;

namespace Convolve.Pneumonia.Images;

/// <summary>Pixels of a decoded image.</summary>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 for gray, 3 for red, green, blue.</param>
/// <param name="Pixels">Row by row from the top, channels last: [Height, Width, Channels].</param>
public sealed record DecodedImage(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>
    /// A fingerprint of size and pixels, the same for gray pixels stored as gray and as three equal channels.
    /// </summary>
    public string PixelHash()
    {
        byte[] gray = Channels == 1 ? Pixels : EqualChannels() ?? Pixels;
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

/// <summary>Decodes JPEG and PNG files of 8 or 16 bits, gray or colour, with StbImageSharp.</summary>
public static class ImageDecoder
{
    // Stop a damaged header from asking for gigabytes; the largest X-ray detectors have about 20 million pixels.
    private const long MaximumPixels = 1L << 28, MaximumBytes = 1L << 30;

    /// <summary>
    /// Decodes a file to 8 bits a channel. A 16-bit image keeps its upper byte, or the upper 8 of 12 bits where no value needs more, as detectors
    /// of 12 bits are written: their upper bytes alone would be sixteen grays. An alpha channel is dropped, gray stays one channel.
    /// </summary>
    /// <exception cref="UnreadableImage">The file cannot be read or decoded, or was cut off.</exception>
    public static DecodedImage Decode(string path)
    {
        byte[] bytes;
        try { bytes = File.ReadAllBytes(path); }
        catch (FileNotFoundException) { throw new UnreadableImage(path, "no such file") { IsMissing = true }; }
        catch (DirectoryNotFoundException) { throw new UnreadableImage(path, "no such file") { IsMissing = true }; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableImage(path, "cannot be read: " + e.Message.ReplaceLineEndings(" ")) { IsMissing = true };
        }
        return Decode(bytes, path);
    }

    /// <summary>Decodes the bytes of a file; <paramref name="path"/> names it in messages.</summary>
    /// <exception cref="UnreadableImage">The bytes cannot be decoded, or the file was cut off.</exception>
    public static DecodedImage Decode(byte[] bytes, string path)
    {
        ImageHeader header = ImageHeader.Read(bytes, path);
        if ((long)header.Width * header.Height > MaximumPixels)
            throw new UnreadableImage(path, $"is {header.Width} × {header.Height} pixels large; at most {MaximumPixels} pixels are decoded");
        if ((long)header.Width * header.Height * header.Channels * header.BitDepth / 8 is var size && size > MaximumBytes)
            throw new UnreadableImage(path, $"is {header.Width} × {header.Height} pixels of {header.Channels} × {header.BitDepth} bits, {size >> 20} MiB; at most {MaximumBytes >> 20} are decoded");
        ImageResult image;
        try
        {
            image = header.BitDepth == 16 ? Decode16(bytes) : ImageResult.FromMemory(bytes, ColorComponents.Default);
        }
        catch (Exception e)
        {
            // The library throws bare exceptions and index errors for damaged files; too little memory for one image is no reason to leave the others.
            throw new UnreadableImage(path, $"cannot be decoded ({e.Message.ReplaceLineEndings(" ")})");
        }
        int stored = image.Data.Length / (image.Width * image.Height);
        return stored switch
        {
            1 or 3 => new DecodedImage(image.Width, image.Height, stored, image.Data),
            2 or 4 => new DecodedImage(image.Width, image.Height, stored - 1, WithoutAlpha(image.Data, stored)),
            _ => throw new UnreadableImage(path, $"has {stored} channels; 1 to 4 can be decoded"),
        };
    }

    // The library's ImageResult keeps upper bytes only, so its 16-bit decoder is asked itself.
    private static unsafe ImageResult Decode16(byte[] file)
    {
        int width, height, channels;
        ushort* values = StbImage.stbi__load_and_postprocess_16bit(new StbImage.stbi__context(new MemoryStream(file)), &width, &height, &channels, 0);
        if (values == null) throw new InvalidDataException(StbImage.stbi__g_failure_reason ?? "unknown reason");
        try
        {
            var deep = new ReadOnlySpan<ushort>(values, width * height * channels);
            int colours = channels is 2 or 4 ? channels - 1 : channels, shift = 4;
            for (int i = 0; i < deep.Length && shift == 4; i++)
                if (i % channels < colours && deep[i] > 0xFFF) shift = 8;
            var pixels = new byte[deep.Length];
            for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(deep[i] >> shift);
            return new ImageResult { Width = width, Height = height, Data = pixels };
        }
        finally
        {
            Marshal.FreeHGlobal((nint)values);
        }
    }

    private static byte[] WithoutAlpha(byte[] pixels, int channels)
    {
        int kept = channels - 1;
        var colours = new byte[pixels.Length / channels * kept];
        for (int from = 0, to = 0; from < pixels.Length; from += channels, to += kept)
            for (int channel = 0; channel < kept; channel++) colours[to + channel] = pixels[from + channel];
        return colours;
    }
}
