using System.Buffers.Binary;
using System.IO.Hashing;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// What the first bytes of a PNG or JPEG file say. The decoder fills a file that was cut off with gray instead of complaining,
/// so the end mark is looked for here: a half-downloaded X-ray must not be learned from.
/// </summary>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">Colour channels stored in the file, alpha included; 1 for gray, 3 for a palette.</param>
/// <param name="BitDepth">Bits of a channel.</param>
public readonly record struct ImageHeader(int Width, int Height, int Channels, int BitDepth)
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> JpegEnd => [0xFF, 0xD9];

    /// <summary>Reads the header and checks that the file has its end.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">The file's name for the message.</param>
    /// <exception cref="UnreadableImage">Empty, neither PNG nor JPEG, without a size, or cut off.</exception>
    public static ImageHeader Read(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length == 0) throw new UnreadableImage(path, "is empty (0 bytes)");
        ImageHeader header;
        if (bytes.StartsWith(PngSignature)) header = ReadPng(bytes, path);
        else if (bytes.Length >= 2 && bytes[0] == 0xFF && bytes[1] == 0xD8) header = ReadJpeg(bytes, path);
        else throw new UnreadableImage(path, "is neither a JPEG nor a PNG image");
        if (header.Width < 1 || header.Height < 1) throw new UnreadableImage(path, "has no pixels");
        return header;
    }

    // Signature, then chunks: length, type, data, checksum. IHDR comes first, IEND ends the file.
    private static ImageHeader ReadPng(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < 33 || !bytes[12..16].SequenceEqual("IHDR"u8)) throw CutOff(path, "PNG");
        int width = BinaryPrimitives.ReadInt32BigEndian(bytes[16..]);
        int height = BinaryPrimitives.ReadInt32BigEndian(bytes[20..]);
        int channels = bytes[25] switch { 0 => 1, 4 => 2, 6 => 4, _ => 3 };
        for (long at = 8; at + 12 <= bytes.Length;)
        {
            ReadOnlySpan<byte> chunk = bytes[(int)at..];
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (chunk.Length < 12L + length) break;
            int end = 8 + (int)length;
            // The decoder does not look: pixels of a damaged file would be others, and nobody would know.
            if (Crc32.HashToUInt32(chunk[4..end]) != BinaryPrimitives.ReadUInt32BigEndian(chunk[end..]))
                throw new UnreadableImage(path, "is a damaged PNG (a chunk has another checksum than it says)");
            if (chunk[4..8].SequenceEqual("IEND"u8)) return new ImageHeader(width, height, channels, bytes[24]);
            at += 12L + length;
        }
        throw CutOff(path, "PNG");
    }

    // Marker segments up to the first start of scan; the end mark must follow it (an embedded preview before it has its own).
    private static ImageHeader ReadJpeg(ReadOnlySpan<byte> bytes, string path)
    {
        ImageHeader? header = null;
        for (int at = 2; at + 4 <= bytes.Length;)
        {
            if (bytes[at] != 0xFF) throw new UnreadableImage(path, "is a damaged JPEG (no marker where one must be)");
            byte marker = bytes[at + 1];
            if (marker is 0xFF) { at++; continue; }
            if (marker is >= 0xD0 and <= 0xD8 or 0x01) { at += 2; continue; }
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            bool frame = marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
            if (frame && at + 10 <= bytes.Length)
            {
                header = new ImageHeader(
                    BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 5)..]),
                    bytes[at + 9], bytes[at + 4]);
            }
            if (marker == 0xDA)
            {
                if (header is null) throw new UnreadableImage(path, "is a damaged JPEG (no frame header)");
                if (bytes[(at + 2)..].LastIndexOf(JpegEnd) < 0) throw CutOff(path, "JPEG");
                return header.Value;
            }
            at += 2 + length;
        }
        throw CutOff(path, "JPEG");
    }

    private static UnreadableImage CutOff(string path, string format) => new(path, $"is a {format} image that was cut off before its end");
}
