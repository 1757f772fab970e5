using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using StbImageSharp;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// A PNG (ISO/IEC 15948): chunks with a checksum each, and the filtered rows of all IDAT chunks as one zlib stream with a checksum of its
/// own. The rows are unpacked here, to just as many bytes as the picture has; filters, interlacing and palette are the library's.
/// </summary>
internal sealed class PngFile : EncodedImage
{
    private const int Gray = 0, Colour = 2, Palette = 3, GrayAlpha = 4, ColourAlpha = 6;

    /// <summary>
    /// The most bytes that one of deflate's stands for: two bits are at least needed for 258 bytes (RFC 1951, 3.2.5), a length and a
    /// distance.
    /// </summary>
    public const long LargestRatio = 1032;

    private readonly ImageHeader header;
    private readonly int colourType;
    private readonly bool interlaced;
    private readonly byte[] palette = new byte[4 * 256];
    private readonly List<ReadOnlyMemory<byte>> packed = [];
    private int paletteLength;
    private bool paletteHasAlpha, hasTransparentColour;
    private readonly ushort[] transparentColour = new ushort[3];

    /// <summary>Reads all chunks.</summary>
    /// <exception cref="UnreadableImage">They are damaged, cut off, or not as the format has them.</exception>
    public PngFile(byte[] bytes, string path) : base(bytes, path)
    {
        if (bytes.Length < 33) throw CutOff();
        ReadOnlySpan<byte> start = bytes.AsSpan(8);
        if (start[4..].StartsWith("CgBI"u8)) throw NotRead("is a PNG in Apple's own variant");
        if (!start[4..].StartsWith("IHDR"u8) || BinaryPrimitives.ReadUInt32BigEndian(start) != 13)
            throw Damaged("is a damaged PNG (no header)");
        CheckSum(bytes.AsSpan(12, 17), bytes.AsSpan(29));
        int width = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16)), height = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(20));
        int depth = bytes[24];
        colourType = bytes[25];
        interlaced = bytes[28] == 1;
        if (width < 1 || height < 1) throw Damaged("has no pixels");
        var known = colourType switch
        {
            Gray => depth is 1 or 2 or 4 or 8 or 16,
            Palette => depth is 1 or 2 or 4 or 8,
            Colour or GrayAlpha or ColourAlpha => depth is 8 or 16,
            _ => false,
        };
        if (!known || bytes[26] != 0 || bytes[27] != 0 || bytes[28] > 1)
            throw Damaged($"is a damaged PNG (colour type {colourType} of {depth} bits, methods {bytes[26]}, {bytes[27]}, {bytes[28]})");

        var orientation = ReadChunks(33);
        var channels = colourType switch { Gray => 1, GrayAlpha => 2, ColourAlpha => 4, _ => 3 };
        header = new ImageHeader(ImageFormat.Png, width, height, channels, depth) { Orientation = orientation };
        if (packed.Count == 0) throw Damaged("is a damaged PNG (no pixels)");
        if (colourType == Palette && paletteLength == 0) throw Damaged("is a damaged PNG (no palette)");
        var length = packed.Sum(part => (long)part.Length);
        if (UnpackedLength() > length * LargestRatio)
            throw Damaged($"is a damaged PNG: its {bytes.Length} bytes cannot hold {width} × {height} pixels");
    }

    public override ImageHeader Header => header;

    private int StoredChannels => colourType switch { Gray or Palette => 1, GrayAlpha => 2, Colour => 3, _ => 4 };

    public override unsafe StoredPixels Decode()
    {
        var rows = Unpack();
        var png = new StbImage.stbi__png { s = new StbImage.stbi__context(Stream.Null), depth = header.BitDepth };
        png.s.img_x = (uint)header.Width;
        png.s.img_y = (uint)header.Height;
        png.s.img_n = StoredChannels;
        int channels = StoredChannels + (hasTransparentColour ? 1 : 0), made;
        fixed (byte* first = rows)
            made = StbImage.stbi__create_png_image(png, first, (uint)rows.Length, channels, header.BitDepth, colourType,
                interlaced ? 1 : 0);
        try
        {
            if (made == 0) throw Damaged("is a damaged PNG (a row with an unknown filter)");
            if (hasTransparentColour) MarkTransparent(png, channels);
            if (colourType == Palette)
            {
                channels = paletteHasAlpha ? 4 : 3;
                CheckPaletteIndices(new ReadOnlySpan<byte>(png._out_, header.Width * header.Height));
                fixed (byte* colours = palette)
                    if (StbImage.stbi__expand_png_palette(png, colours, paletteLength, channels) == 0)
                        throw NotDecoded(StbImage.stbi__g_failure_reason);
            }
            var samples = checked(header.Width * header.Height * channels);
            return header.BitDepth == 16
                ? new StoredPixels(channels, null, new ReadOnlySpan<ushort>(png._out_, samples).ToArray())
                : new StoredPixels(channels, new ReadOnlySpan<byte>(png._out_, samples).ToArray());
        }
        finally
        {
            Marshal.FreeHGlobal((nint)png._out_);
        }
    }

    private unsafe void MarkTransparent(StbImage.stbi__png png, int channels)
    {
        if (header.BitDepth == 16)
        {
            fixed (ushort* colour = transparentColour) StbImage.stbi__compute_transparency16(png, colour, channels);
            return;
        }
        // Samples of fewer bits have been scaled to 8, and so must the colour be.
        var scale = colourType == Gray ? 255 / ((1 << header.BitDepth) - 1) : 1;
        var scaled = stackalloc byte[3];
        for (var i = 0; i < 3; i++) scaled[i] = (byte)(transparentColour[i] * scale);
        StbImage.stbi__compute_transparency(png, scaled, channels);
    }

    private void CheckPaletteIndices(ReadOnlySpan<byte> indices)
    {
        if (paletteLength < 256 && indices.IndexOfAnyInRange((byte)paletteLength, byte.MaxValue) >= 0)
            throw Damaged("is a damaged PNG (a colour that is not in its palette)");
    }

    // All chunks up to IEND; the orientation that eXIf names, or 1.
    private int ReadChunks(int at)
    {
        var orientation = 1;
        var dataEnded = false;
        while (true)
        {
            if (at + 12 > Bytes.Length) throw CutOff();
            var length = BinaryPrimitives.ReadUInt32BigEndian(Bytes.AsSpan(at));
            if (at + 12L + length > Bytes.Length) throw CutOff();
            var end = at + 8 + (int)length;
            ReadOnlySpan<byte> type = Bytes.AsSpan(at + 4, 4), content = Bytes.AsSpan(at + 8, (int)length);
            CheckSum(Bytes.AsSpan(at + 4, 4 + (int)length), Bytes.AsSpan(end));
            var isData = type.SequenceEqual("IDAT"u8);
            if (isData)
            {
                if (dataEnded) throw Damaged("is a damaged PNG (pixels in two places)");
                packed.Add(Bytes.AsMemory(at + 8, (int)length));
            }
            else if (type.SequenceEqual("IEND"u8)) return orientation;
            else if (type.SequenceEqual("PLTE"u8)) ReadPalette(content);
            else if (type.SequenceEqual("tRNS"u8)) ReadTransparency(content);
            else if (type.SequenceEqual("eXIf"u8)) orientation = ExifOrientation.Read(content);
            // The fifth bit of the first letter says whether a decoder may do without the chunk.
            else if ((type[0] & 0x20) == 0) throw NotRead("is a PNG with a chunk of unknown kind that its pixels need");
            dataEnded |= packed.Count > 0 && !isData;
            at = end + 4;
        }
    }

    // The library and most others do not look: pixels of a damaged file would be others, and nobody would know.
    private void CheckSum(ReadOnlySpan<byte> typeAndContent, ReadOnlySpan<byte> sum)
    {
        if (Crc32.HashToUInt32(typeAndContent) != BinaryPrimitives.ReadUInt32BigEndian(sum))
            throw Damaged("is a damaged PNG (a chunk does not match its checksum)");
    }

    private void ReadPalette(ReadOnlySpan<byte> content)
    {
        // Of colour images it is a suggestion for screens of few colours.
        if (colourType != Palette) return;
        if (content.Length is 0 or > 768 || content.Length % 3 != 0 || paletteLength > 0) throw Damaged("is a damaged PNG (a bad palette)");
        paletteLength = content.Length / 3;
        for (var i = 0; i < paletteLength; i++)
        {
            content.Slice(3 * i, 3).CopyTo(palette.AsSpan(4 * i));
            palette[4 * i + 3] = byte.MaxValue;
        }
    }

    private void ReadTransparency(ReadOnlySpan<byte> content)
    {
        if (packed.Count > 0) throw Damaged("is a damaged PNG (transparency after the pixels)");
        if (colourType == Palette)
        {
            if (content.Length > paletteLength) throw Damaged("is a damaged PNG (more transparent colours than it has)");
            for (var i = 0; i < content.Length; i++) palette[4 * i + 3] = content[i];
            paletteHasAlpha = true;
            return;
        }
        if (colourType is not (Gray or Colour) || content.Length != 2 * StoredChannels)
            throw Damaged("is a damaged PNG (bad transparency)");
        for (var i = 0; i < StoredChannels; i++) transparentColour[i] = BinaryPrimitives.ReadUInt16BigEndian(content[(2 * i)..]);
        hasTransparentColour = true;
    }

    // Each row has a byte for its filter; an interlaced picture is seven smaller ones (8.2).
    private long UnpackedLength()
    {
        if (!interlaced) return PassLength(header.Width, header.Height);
        ReadOnlySpan<(int X, int Y, int StepX, int StepY)> passes =
            [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        long length = 0;
        foreach ((var x, var y, var stepX, var stepY) in passes)
            length += PassLength((header.Width - x + stepX - 1) / stepX, (header.Height - y + stepY - 1) / stepY);
        return length;
    }

    private long PassLength(long width, long height) =>
        width == 0 || height == 0 ? 0 : (1 + (width * StoredChannels * header.BitDepth + 7) / 8) * height;

    private byte[] Unpack()
    {
        var length = UnpackedLength();
        if (length > Array.MaxLength) throw Damaged($"is {header.Width} × {header.Height} pixels, too many to decode");
        var rows = GC.AllocateUninitializedArray<byte>((int)length);
        using var segments = new Segments(packed);
        using var zlib = new ZLibStream(segments, CompressionMode.Decompress);
        var done = 0;
        try
        {
            done = zlib.ReadAtLeast(rows, rows.Length, throwOnEndOfStream: false);
            if (done == rows.Length && zlib.ReadByte() >= 0) throw Damaged("is a damaged PNG (more pixels than its header says)");
        }
        catch (InvalidDataException)
        {
            throw Damaged("is a damaged PNG (its pixels cannot be decompressed, or do not match their checksum)");
        }
        if (done < rows.Length) throw Damaged($"is a damaged PNG: its data ends after {100L * done / rows.Length} % of the picture");
        // Whoever asks for more than there is has not seen the checksum.
        if (segments.WasReadBeyondEnd) throw Damaged("is a damaged PNG (its pixels lack their checksum)");
        return rows;
    }

    private UnreadableImage CutOff() => Damaged("is a PNG image that was cut off before its end");

    /// <summary>The data of all IDAT chunks, read as one.</summary>
    private sealed class Segments(List<ReadOnlyMemory<byte>> parts) : Stream
    {
        private int part, at;

        public bool WasReadBeyondEnd { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            while (part < parts.Count && at == parts[part].Length) (part, at) = (part + 1, 0);
            if (part == parts.Count)
            {
                WasReadBeyondEnd |= buffer.Length > 0;
                return 0;
            }
            var count = Math.Min(buffer.Length, parts[part].Length - at);
            parts[part].Span.Slice(at, count).CopyTo(buffer);
            at += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
