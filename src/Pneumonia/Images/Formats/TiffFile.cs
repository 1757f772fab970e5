using System.Runtime.InteropServices;
using BitMiracle.LibTiff.Classic;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// The first page of a TIFF (version 6.0), gray or RGB of 8 or 16 bits, in strips or tiles. The library reserves what a directory claims,
/// so every entry is held against the length of the file here (<see cref="TiffDirectory"/>) before it sees any.
/// </summary>
internal sealed class TiffFile : EncodedImage
{
    private const int UnassociatedAlpha = 2;

    private static readonly object silenced = Silence();

    private readonly ImageHeader header;
    private readonly Photometric photometric;
    private readonly int samples, colours, extraSample;
    private readonly int blockWidth, blockHeight;
    private readonly bool tiled;

    /// <exception cref="UnreadableImage">The directory is damaged, or names a kind that is not read.</exception>
    public TiffFile(byte[] bytes, string path) : base(bytes, path)
    {
        TiffDirectory directory;
        int pages;
        try { (directory, pages) = TiffDirectory.Read(bytes); }
        catch (InvalidDataException e) { throw Damaged($"is a damaged TIFF ({e.Message})"); }

        long width = Number(TiffTag.IMAGEWIDTH), height = Number(TiffTag.IMAGELENGTH);
        if (width is < 1 or > int.MaxValue || height is < 1 or > int.MaxValue) throw Damaged("has no pixels");
        samples = (int)Number(TiffTag.SAMPLESPERPIXEL, 1);
        var depths = directory.Numbers((int)TiffTag.BITSPERSAMPLE) ?? [1];
        if (depths[0] is not (8 or 16) || depths.Any(depth => depth != depths[0]))
            throw NotRead($"is a TIFF of {string.Join(", ", depths.Take(4))} bits; only 8 and 16 are supported");
        if (Number(TiffTag.SAMPLEFORMAT, 1) != (int)SampleFormat.UINT) throw NotRead("is a TIFF of signed or floating-point samples");
        photometric = (Photometric)Number(TiffTag.PHOTOMETRIC, -1);
        colours = photometric switch
        {
            Photometric.MINISBLACK or Photometric.MINISWHITE => 1,
            Photometric.RGB => 3,
            _ => throw NotRead("is a TIFF with colours other than gray and RGB"),
        };
        if (samples != colours && samples != colours + 1) throw NotRead($"is a TIFF of {samples} samples a pixel");
        extraSample = samples > colours ? (int)Number(TiffTag.EXTRASAMPLES, 0) : 0;
        if (samples > 1 && Number(TiffTag.PLANARCONFIG, 1) != (int)PlanarConfig.CONTIG)
            throw NotRead("is a TIFF with separate colour planes");
        // The most bytes that one stands for: two of PackBits for 128; LZW as in a GIF, deflate as in a PNG.
        var ratio = (Compression)Number(TiffTag.COMPRESSION, 1) switch
        {
            Compression.NONE => 1,
            Compression.PACKBITS => 64,
            Compression.LZW => 4096 * 8 / 12,
            Compression.ADOBE_DEFLATE or Compression.DEFLATE => PngFile.LargestRatio,
            var other => throw NotRead($"is a TIFF with an unsupported compression ({(int)other})"),
        };
        var orientation = Number(TiffTag.ORIENTATION, 1) is >= 1 and <= 8 and var known ? (int)known : 1;
        header = new ImageHeader(ImageFormat.Tiff, (int)width, (int)height, samples, (int)depths[0])
        {
            Orientation = orientation,
            Pictures = pages
        };

        tiled = directory.Numbers((int)TiffTag.TILEOFFSETS) is not null;
        var wide = tiled ? Number(TiffTag.TILEWIDTH) : width;
        var high = tiled ? Number(TiffTag.TILELENGTH) : Math.Min(Number(TiffTag.ROWSPERSTRIP, height), height);
        if (wide is < 1 or > int.MaxValue || high is < 1 or > int.MaxValue)
            throw Damaged("is a damaged TIFF (strips or tiles without pixels)");
        (blockWidth, blockHeight) = ((int)wide, (int)high);
        var blocks = ((width + wide - 1) / wide) * ((height + high - 1) / high);
        var offsets = directory.Numbers((int)(tiled ? TiffTag.TILEOFFSETS : TiffTag.STRIPOFFSETS));
        var counts = directory.Numbers((int)(tiled ? TiffTag.TILEBYTECOUNTS : TiffTag.STRIPBYTECOUNTS));
        if (offsets is null || counts is null || offsets.Count != blocks || counts.Count != blocks)
            throw Damaged("is a damaged TIFF (too few strips or tiles)");
        for (var i = 0; i < offsets.Count; i++)
            if (offsets[i] + counts[i] > bytes.Length)
                throw Damaged($"is a TIFF image that was cut off after {100L * i / blocks} % of the picture");
        long rows = tiled ? (height + high - 1) / high * high : height, columns = (width + wide - 1) / wide * wide;
        long packed = Math.Min(bytes.Length, counts.Sum()), needed = rows * columns * samples * depths[0] / 8;
        if (needed > packed * ratio) throw Damaged($"is a damaged TIFF: its {bytes.Length} bytes cannot hold {width} × {height} pixels");

        long Number(TiffTag tag, long? otherwise = null) =>
            directory.Numbers((int)tag) is { Count: > 0 } numbers ? numbers[0] : otherwise
                ?? throw Damaged($"is a damaged TIFF (no {tag})");
    }

    public override ImageHeader Header => header;

    public override StoredPixels Decode()
    {
        GC.KeepAlive(silenced);
        int pixelBytes = samples * header.BitDepth / 8, rowBytes = header.Width * pixelBytes;
        var pixels = new byte[checked(rowBytes * header.Height)];
        var block = new byte[checked(blockWidth * blockHeight * pixelBytes)];
        try
        {
            // "c": a file's one strip stays one.
            using var tiff = Tiff.ClientOpen(Path, "rc", new MemoryStream(Bytes, writable: false), new TiffStream())
                ?? throw Damaged("is a damaged TIFF (a bad directory)");
            var index = 0;
            for (var top = 0; top < header.Height; top += blockHeight)
            {
                var rows = Math.Min(blockHeight, header.Height - top);
                for (var left = 0; left < header.Width; left += blockWidth, index++)
                {
                    int columns = Math.Min(blockWidth, header.Width - left), expected = tiled ? block.Length : rows * rowBytes;
                    var read = tiled ? tiff.ReadEncodedTile(index, block, 0, expected) : tiff.ReadEncodedStrip(index, block, 0, expected);
                    if (read != expected)
                        throw Damaged($"is a damaged TIFF: its data ends after {100L * top / header.Height} % of the picture");
                    for (var row = 0; row < rows; row++)
                    {
                        block.AsSpan(row * blockWidth * pixelBytes, columns * pixelBytes)
                            .CopyTo(pixels.AsSpan((top + row) * rowBytes + left * pixelBytes));
                    }
                }
            }
        }
        catch (Exception e) when (e is not (UnreadableImage or OutOfMemoryException))
        {
            // The library was written for C's habits: damage that it does not expect ends in whatever index is out of range first.
            throw Damaged($"is a damaged TIFF ({e.Message.ReplaceLineEndings(" ")})");
        }
        // Only colours that were not multiplied by their alpha yet are still to be laid on black; a sample of no known use is left out.
        var channels = samples;
        if (samples > colours && extraSample != UnassociatedAlpha) (pixels, channels) = (WithoutExtraSample(pixels), colours);
        var inverted = photometric == Photometric.MINISWHITE;
        return header.BitDepth == 16
            ? new StoredPixels(channels, null, MemoryMarshal.Cast<byte, ushort>(pixels).ToArray()) { Inverted = inverted }
            : new StoredPixels(channels, pixels) { Inverted = inverted };
    }

    private byte[] WithoutExtraSample(byte[] pixels)
    {
        int sampleBytes = header.BitDepth / 8, from = samples * sampleBytes, to = colours * sampleBytes;
        var kept = new byte[pixels.Length / from * to];
        for (int i = 0, at = 0; at < kept.Length; i += from, at += to) pixels.AsSpan(i, to).CopyTo(kept.AsSpan(at));
        return kept;
    }

    // The library's own handler writes to standard error.
    private static object Silence()
    {
        var handler = new SilentHandler();
        Tiff.SetErrorHandler(handler);
        return handler;
    }

    private sealed class SilentHandler : TiffErrorHandler
    {
        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args) { }

        public override void WarningHandler(Tiff tif, string method, string format, params object[] args) { }
    }
}
