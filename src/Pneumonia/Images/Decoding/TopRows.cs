using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Convolve.Pneumonia.Images.Formats;
using StbImageSharp;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// The first rows of an image, decoded without the rest, so that images which may be equal are found in a small part of the time that
/// decoding them takes: images with equal pixels have equal first rows.
/// </summary>
public static class TopRows
{
    private const int Rows = 8;

    // A JPEG's rows come in groups of 8 or 16, and colours of the last ones in a group are mixed with those below it.
    private const int JpegRows = 2 * Rows;

    private const int HeaderLength = 33;

    /// <summary>A fingerprint of the first rows, equal for equal pixels whatever the format.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="path">Its name for messages.</param>
    /// <exception cref="UnreadableImage">The file cannot be decoded.</exception>
    public static string HashOf(byte[] file, string path)
    {
        var top = ImageFormats.Of(file) switch
        {
            ImageFormat.Jpeg => Jpeg(file),
            ImageFormat.Png => Png(file, path),
            _ => null,
        };
        var image = top ?? ImageDecoder.Decode(file, path);
        var rows = Math.Min(Rows, image.Height);
        return new DecodedImage(image.Width, rows, image.Channels, image.Pixels[..(rows * image.Width * image.Channels)]).PixelHash();
    }

    // The file with a smaller height in its frame header: the decoder stops after so many rows. Null where these are not the first.
    private static DecodedImage? Jpeg(byte[] file)
    {
        var frame = Frame(file);
        // An orientation turns the picture, and with it what is first.
        if (frame < 0 || file.AsSpan(0, frame).IndexOf(ExifOrientation.Prefix) >= 0) return null;
        if (BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(frame + 5)) <= JpegRows) return null;
        byte[] top = [.. file];
        BinaryPrimitives.WriteUInt16BigEndian(top.AsSpan(frame + 5), JpegRows);
        try
        {
            var image = ImageResult.FromMemory(top, ColorComponents.Default);
            var channels = image.Data.Length / (image.Width * image.Height);
            return channels is 1 or 3 ? new DecodedImage(image.Width, image.Height, channels, image.Data) : null;
        }
        // The library throws bare exceptions and index errors; what is wrong with the file, decoding it whole tells.
        catch (Exception) { return null; }
    }

    // Where the frame header (SOF) begins; -1 where there is none before the data.
    private static int Frame(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 9 <= file.Length && file[at] == 0xFF;)
        {
            var marker = file[at + 1];
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC)) return at;
            if (marker == 0xDA) return -1;
            at += marker switch
            {
                0xFF => 1,
                >= 0xD0 and <= 0xD8 or 0x01 => 2,
                _ => 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]),
            };
        }
        return -1;
    }

    // A PNG of the first rows alone, with the same palette. Null where its rows do not come in order, and where their values depend on all.
    private static DecodedImage? Png(byte[] file, string path)
    {
        ReadOnlySpan<byte> bytes = file;
        if (file.Length < HeaderLength) return null;
        uint width = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), height = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        int depth = bytes[24], colourType = bytes[25];
        var interlaced = bytes[28] != 0;
        if (height <= Rows || depth > 8 || interlaced || bytes.IndexOf("eXIf"u8) >= 0) return null;
        var channels = colourType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        var rowLength = 1 + (width * channels * depth + 7) / 8;
        if (Rows * rowLength > PngFile.LargestRatio * file.Length) return null;
        try
        {
            var top = new MemoryStream();
            top.Write(bytes[..8]);
            using var data = new MemoryStream();
            for (var at = 8; at + 12 <= file.Length;)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
                ReadOnlySpan<byte> type = bytes.Slice(at + 4, 4), content = bytes.Slice(at + 8, length);
                at += 12 + length;
                if (type.SequenceEqual("IHDR"u8))
                {
                    var header = content.ToArray();
                    BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Rows);
                    WriteChunk(top, type, header);
                }
                else if (type.SequenceEqual("IDAT"u8)) data.Write(content);
                else if (data.Length == 0) WriteChunk(top, type, content);
            }
            data.Position = 0;
            var rows = new byte[Rows * rowLength];
            using (var inflated = new ZLibStream(data, CompressionMode.Decompress)) inflated.ReadExactly(rows);
            using var stored = new MemoryStream();
            using (var deflated = new ZLibStream(stored, CompressionLevel.NoCompression, leaveOpen: true)) deflated.Write(rows);
            WriteChunk(top, "IDAT"u8, stored.ToArray());
            WriteChunk(top, "IEND"u8, []);
            return ImageDecoder.Decode(top.ToArray(), path);
        }
        catch (Exception e) when (e is UnreadableImage or IOException or InvalidDataException or ArgumentException) { return null; }
    }

    private static void WriteChunk(MemoryStream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        stream.Write(number);
        byte[] checkedBytes = [.. type, .. content];
        stream.Write(checkedBytes);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32(checkedBytes));
        stream.Write(number);
    }
}
