using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// A JPEG (ITU-T T.81): marker segments, and scans of Huffman-coded coefficients between them. The library decodes whatever it is given,
/// with zeros in place of missing data, so every segment and every scan is read here first (<see cref="JpegScan"/>), to the last bit.
/// </summary>
internal sealed class JpegFile : EncodedImage
{
    private const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA, QuantizationTables = 0xDB, NumberOfLines = 0xDC,
        RestartInterval = 0xDD, HuffmanTables = 0xC4, ArithmeticConditioning = 0xCC, Exif = 0xE1, Adobe = 0xEE;

    private readonly JpegTables tables = new();
    private readonly int firstScan;
    private JpegFrame? frame;
    private int orientation = 1;
    private bool hasExif, hasAdobe;

    /// <summary>Reads all segments before the first scan.</summary>
    /// <exception cref="UnreadableImage">They are damaged, or name a process that is not read.</exception>
    public JpegFile(byte[] bytes, string path) : base(bytes, path)
    {
        var at = 2;
        while (true)
        {
            var marker = ReadMarker(ref at);
            if (marker == StartOfScan) break;
            if (marker == EndOfImage) throw Damaged("is a damaged JPEG (no scan before its end)");
            ReadSegment(marker, ref at);
        }
        if (frame is null) throw Damaged("is a damaged JPEG (no frame header)");
        firstScan = at;
        if (frame.Height == 0) frame.SetHeight(FindHeight(at));
        if (frame.Width == 0 || frame.Height == 0) throw Damaged("has no pixels");
        // Every block of 8 × 8 costs at least a bit (the difference of its mean), without progression a second one (the end of its waves).
        long blocks = frame.Blocks, most = (long)bytes.Length * (frame.Progressive ? 8 : 4);
        if (blocks > most)
            throw Damaged($"is a damaged JPEG: its {bytes.Length} bytes cannot hold {frame.Width} × {frame.Height} pixels");
    }

    public override ImageHeader Header =>
        new(ImageFormat.Jpeg, frame!.Width, frame.Height, frame.Components.Length, 8) { Orientation = orientation };

    public override StoredPixels Decode()
    {
        if (frame!.Components.Length == 4 && !hasAdobe)
            throw NotRead("is a JPEG of four colours that does not say how they are stored (no Adobe marker)");
        CheckScans();
        return DecodeByLibrary(frame.HeightFollows ? WithHeight() : Bytes);
    }

    // Everything from the first scan to the end mark; what follows that is not looked at (cameras put previews there).
    private void CheckScans()
    {
        using var scan = new JpegScan(Bytes, frame!, tables, Path);
        var at = firstScan;
        at = scan.Check(at);
        while (true)
        {
            var marker = ReadMarker(ref at);
            // One restart mark too many, after the last pixels, is known from some encoders.
            if (marker is >= 0xD0 and <= 0xD7) marker = ReadMarker(ref at);
            if (marker == EndOfImage) break;
            if (marker == StartOfScan) at = scan.Check(at);
            else ReadSegment(marker, ref at);
        }
        scan.CheckComplete();
    }

    // A marker is 0xFF, any number of times, and a byte that is not; its position is left behind it.
    private int ReadMarker(ref int at)
    {
        if (at < Bytes.Length && Bytes[at] != 0xFF) throw Damaged("is a damaged JPEG (a marker is missing)");
        while (at < Bytes.Length && Bytes[at] == 0xFF) at++;
        return at < Bytes.Length ? Bytes[at++] : throw CutOff();
    }

    private void ReadSegment(int marker, ref int at)
    {
        if (marker is 0 or 1 or >= 0xD0 and <= StartOfImage)
            throw Damaged($"is a damaged JPEG (marker {marker:X2} where a segment must be)");
        if (at + 2 > Bytes.Length) throw CutOff();
        int length = BinaryPrimitives.ReadUInt16BigEndian(Bytes.AsSpan(at));
        if (length < 2) throw Damaged("is a damaged JPEG (a segment without length)");
        if (at + length > Bytes.Length) throw CutOff();
        ReadOnlySpan<byte> content = Bytes.AsSpan(at + 2, length - 2);
        at += length;
        try
        {
            switch (marker)
            {
                case HuffmanTables: tables.ReadHuffman(content); break;
                case QuantizationTables: tables.ReadQuantization(content); break;
                case RestartInterval: tables.ReadRestartInterval(content); break;
                case NumberOfLines: CheckHeight(content); break;
                case 0xC0 or 0xC1 or 0xC2: ReadFrame(marker, content); break;
                case ArithmeticConditioning or >= 0xC9 and <= 0xCF: throw NotRead("is an arithmetic-coded JPEG");
                case 0xC3: throw NotRead("is a lossless JPEG");
                case >= 0xC5 and <= 0xC7: throw NotRead("is a hierarchical JPEG");
                case 0xF7 or 0xF8: throw NotRead("is a JPEG-LS image");
                case Exif: ReadExif(content); break;
                case Adobe: hasAdobe |= content.Length >= 12 && content.StartsWith("Adobe"u8); break;
                case >= 0xE0 and <= 0xEF or 0xFE: break;
                default: throw NotRead($"is a JPEG with a segment of unknown kind ({marker:X2})");
            }
        }
        catch (InvalidDataException e)
        {
            throw Damaged($"is a damaged JPEG ({e.Message})");
        }
    }

    private void ReadFrame(int marker, ReadOnlySpan<byte> content)
    {
        if (frame is not null) throw new InvalidDataException("two frame headers");
        frame = JpegFrame.Read(content, marker == 0xC2);
        if (frame.BitDepth != 8) throw NotRead($"is a JPEG of {frame.BitDepth} bits a colour; only 8 are supported");
        if (frame.Components.Length == 2) throw NotRead("is a JPEG of 2 colours; only 1, 3 and 4 are supported");
    }

    private void ReadExif(ReadOnlySpan<byte> content)
    {
        if (hasExif || !content.StartsWith(ExifOrientation.Prefix)) return;
        hasExif = true;
        orientation = ExifOrientation.Read(content[ExifOrientation.Prefix.Length..]);
    }

    // A height of 0 in the frame header says that the number of lines follows the first scan (B.2.5).
    private int FindHeight(int at)
    {
        at += 2;
        for (int found; (found = Bytes.AsSpan(at).IndexOf((byte)0xFF)) >= 0; at++)
        {
            at += found;
            ReadOnlySpan<byte> rest = Bytes.AsSpan(at);
            if (rest.Length < 6) break;
            if (rest[1] is 0 or 0xFF or >= 0xD0 and <= 0xD7) continue;
            if (rest[1] == NumberOfLines) return BinaryPrimitives.ReadUInt16BigEndian(rest[4..]);
            throw Damaged("is a damaged JPEG (without a height)");
        }
        throw CutOff();
    }

    private void CheckHeight(ReadOnlySpan<byte> content)
    {
        if (content.Length != 2 || frame is null || BinaryPrimitives.ReadUInt16BigEndian(content) != frame.Height)
            throw new InvalidDataException("two different heights");
    }

    // The library wants the height in the frame header.
    private byte[] WithHeight()
    {
        byte[] patched = [.. Bytes];
        var at = 2;
        while (true)
        {
            var marker = ReadMarker(ref at);
            if (marker is 0xC0 or 0xC1 or 0xC2) break;
            at += BinaryPrimitives.ReadUInt16BigEndian(Bytes.AsSpan(at));
        }
        BinaryPrimitives.WriteUInt16BigEndian(patched.AsSpan(at + 3), (ushort)frame!.Height);
        return patched;
    }

    private UnreadableImage CutOff() => Damaged("is a JPEG image that was cut off before its end");
}
