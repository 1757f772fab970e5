using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// A GIF: a canvas, and frames of LZW-coded colours laid on it, of which the first counts. The library stops where the codes of a frame do
/// and leaves the rest transparent, so they are counted here first.
/// </summary>
internal sealed class GifFile : EncodedImage
{
    // A code of 12 bits, the longest, stands for at most 4096 pixels.
    private const long MostPixelsOfByte = 4096 * 8 / 12;

    private const int Extension = 0x21, Frame = 0x2C, Trailer = 0x3B;

    private readonly ImageHeader header;
    private readonly int firstFrame;

    /// <summary>Reads all blocks, to the end mark.</summary>
    /// <exception cref="UnreadableImage">They are damaged or cut off.</exception>
    public GifFile(byte[] bytes, string path) : base(bytes, path)
    {
        if (bytes.Length < 13) throw CutOff();
        int width = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(6)),
            height = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        if (width == 0 || height == 0) throw Damaged("has no pixels");
        if ((long)width * height > bytes.Length * MostPixelsOfByte)
            throw Damaged($"is a damaged GIF: its {bytes.Length} bytes cannot hold {width} × {height} pixels");

        int at = 13 + ColourTable(bytes[10]), frames = 0;
        while (true)
        {
            var block = Byte(ref at);
            if (block == Trailer) break;
            if (block == Extension) at++;
            else if (block == Frame)
            {
                if (frames++ == 0) firstFrame = at;
                if (at + 9 > bytes.Length) throw CutOff();
                at += 9 + ColourTable(bytes[at + 8]) + 1;
            }
            else throw Damaged("is a damaged GIF (a block of unknown kind)");
            SkipSubBlocks(ref at);
        }
        if (frames == 0) throw Damaged("has no pixels");
        header = new ImageHeader(ImageFormat.Gif, width, height, 3, 8) { Pictures = frames };
    }

    public override ImageHeader Header => header;

    public override StoredPixels Decode()
    {
        CheckFirstFrame();
        return DecodeByLibrary(Bytes);
    }

    private static int ColourTable(byte flags) => (flags & 0x80) != 0 ? 3 * (2 << (flags & 7)) : 0;

    private int Byte(ref int at) => at < Bytes.Length ? Bytes[at++] : throw CutOff();

    private void SkipSubBlocks(ref int at)
    {
        for (int length; (length = Byte(ref at)) > 0;)
        {
            at += length;
            if (at > Bytes.Length) throw CutOff();
        }
    }

    // Counts the pixels that the frame's codes stand for (GIF89a, appendix F), without their colours.
    private void CheckFirstFrame()
    {
        var at = firstFrame;
        int left = Word(at), top = Word(at + 2), width = Word(at + 4), height = Word(at + 6);
        if (width == 0 || height == 0) throw Damaged("has no pixels");
        if (left + width > header.Width || top + height > header.Height) throw Damaged("is a damaged GIF (a frame beyond its canvas)");
        at += 9 + ColourTable(Bytes[at + 8]);
        int codeBits = Bytes[at++];
        if (codeBits is < 1 or > 8) throw Damaged("is a damaged GIF (a bad code size)");
        int clear = 1 << codeBits, end = clear + 1, next = end + 1, bits = codeBits + 1, previous = -1;
        var lengths = new int[4096];
        lengths.AsSpan(0, clear).Fill(1);
        long pixels = 0, whole = (long)width * height;
        uint buffer = 0;
        int held = 0, inSubBlock = 0;
        while (pixels < whole)
        {
            if (held < bits)
            {
                if (inSubBlock == 0 && (inSubBlock = Bytes[at++]) == 0) throw DataEnd(pixels, whole);
                inSubBlock--;
                buffer |= (uint)Bytes[at++] << held;
                held += 8;
                continue;
            }
            var code = (int)(buffer & ((1u << bits) - 1));
            buffer >>= bits;
            held -= bits;
            if (code == end) throw DataEnd(pixels, whole);
            if (code == clear)
            {
                (next, bits, previous) = (end + 1, codeBits + 1, -1);
                continue;
            }
            if (code > next || code == next && previous < 0)
                throw Damaged($"is a damaged GIF (its data is invalid after {100 * pixels / whole} % of the picture)");
            if (previous >= 0 && next < lengths.Length)
            {
                lengths[next++] = lengths[previous] + 1;
                if (next == 1 << bits && bits < 12) bits++;
            }
            pixels += lengths[code];
            previous = code;
        }
    }

    private UnreadableImage DataEnd(long pixels, long whole) =>
        Damaged($"is a damaged GIF: its data ends after {100 * pixels / whole} % of the picture");

    private int Word(int at) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(at));

    private UnreadableImage CutOff() => Damaged("is a GIF image that was cut off before its end");
}
