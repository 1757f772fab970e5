using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// An uncompressed Windows bitmap: file header, information header, colour masks or palette, then rows of whole four bytes. The library
/// reads zeros after the end of a file, and loses its place where there is a gap before the pixels; so it gets a complete file
/// without a gap.
/// </summary>
internal sealed class BmpFile : EncodedImage
{
    private const int FileHeader = 14, CoreHeader = 12, InfoHeader = 40, InfoAndMasksHeader = 56, MasksLength = 12,
        Uncompressed = 0, Masks = 3;

    private readonly ImageHeader header;
    private readonly int headersLength, paletteEntry, pixelsAt, compression;
    private readonly int palette;

    /// <exception cref="UnreadableImage">The headers are damaged, cut off, or name a kind that is not read.</exception>
    public BmpFile(byte[] bytes, string path) : base(bytes, path)
    {
        if (bytes.Length < FileHeader + CoreHeader) throw CutOff();
        ReadOnlySpan<byte> info = bytes.AsSpan(FileHeader);
        var length = BinaryPrimitives.ReadInt32LittleEndian(info);
        if (length is not (CoreHeader or InfoHeader or InfoAndMasksHeader or 108 or 124))
            throw NotRead($"is a BMP with a header of {length} bytes");
        if (info.Length < length) throw CutOff();
        var core = length == CoreHeader;
        var width = core ? BinaryPrimitives.ReadUInt16LittleEndian(info[4..]) : BinaryPrimitives.ReadInt32LittleEndian(info[4..]);
        // A negative height says that the rows come from the top.
        var height = Math.Abs(
            (long)(core ? BinaryPrimitives.ReadUInt16LittleEndian(info[6..]) : BinaryPrimitives.ReadInt32LittleEndian(info[8..])));
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(info[(core ? 10 : 14)..]);
        compression = core ? Uncompressed : BinaryPrimitives.ReadInt32LittleEndian(info[16..]);
        if (width < 1 || height is < 1 or > int.MaxValue) throw Damaged("has no pixels");
        if (compression is not (Uncompressed or Masks)) throw NotRead("is a compressed BMP");
        if (bits is not (1 or 4 or 8 or 16 or 24 or 32) || compression == Masks && bits is not (16 or 32))
            throw NotRead($"is a BMP of {bits} bits a pixel");

        headersLength = FileHeader + length + (length == InfoHeader && compression == Masks ? MasksLength : 0);
        paletteEntry = core ? 3 : 4;
        pixelsAt = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(10));
        if (pixelsAt < headersLength) throw Damaged("is a damaged BMP (pixels within its header)");
        if (bits <= 8)
        {
            int most = 1 << bits, named = core ? 0 : BinaryPrimitives.ReadInt32LittleEndian(info[32..]);
            palette = Math.Min(named is > 0 and <= 256 ? Math.Min(named, most) : most, (pixelsAt - headersLength) / paletteEntry);
            if (palette == 0) throw Damaged("is a damaged BMP (no palette)");
        }
        long rowLength = ((long)width * bits + 31) / 32 * 4, whole = rowLength * height;
        if (bytes.Length - (long)pixelsAt < whole)
        {
            var held = Math.Max(0, bytes.Length - (long)pixelsAt);
            throw Damaged($"is a BMP image that was cut off after {100 * held / whole} % of the picture");
        }
        header = new ImageHeader(ImageFormat.Bmp, width, (int)height, bits == 32 ? 4 : 3, 8);
    }

    public override ImageHeader Header => header;

    public override StoredPixels Decode()
    {
        var pixels = DecodeByLibrary(WithoutGap());
        // Without masks the fourth byte of a pixel means nothing.
        if (pixels.Channels == 4 && compression == Uncompressed)
            for (var i = 3; i < pixels.Bytes!.Length; i += 4) pixels.Bytes[i] = byte.MaxValue;
        return pixels;
    }

    private byte[] WithoutGap()
    {
        var start = headersLength + palette * paletteEntry;
        var closed = start == pixelsAt ? Bytes : [.. Bytes.AsSpan(0, start), .. Bytes.AsSpan(pixelsAt)];
        if (headersLength == FileHeader + InfoAndMasksHeader && compression == Masks)
        {
            // The library looks for the masks behind this header, where they would be behind the shorter one; they are in it.
            start = FileHeader + InfoHeader + MasksLength;
            closed = [.. Bytes.AsSpan(0, start), .. Bytes.AsSpan(pixelsAt)];
            BinaryPrimitives.WriteInt32LittleEndian(closed.AsSpan(FileHeader), InfoHeader);
        }
        if (closed != Bytes) BinaryPrimitives.WriteInt32LittleEndian(closed.AsSpan(10), start);
        return closed;
    }

    private UnreadableImage CutOff() => Damaged("is a BMP image that was cut off before its end");
}
