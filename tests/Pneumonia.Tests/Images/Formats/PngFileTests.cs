using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images.Formats;

public sealed class PngFileTests
{
    private const byte Gray = 0, Colour = 2, Palette = 3;

    [Theory]
    [InlineData("gray8-interlaced.png")]
    [InlineData("gray16.png")]
    [InlineData("palette.png")]
    [InlineData("rgb.png")]
    public void OnePictureIsTheSameInEveryKind(string name) =>
        Assert.Equal(SampleImages.Decode("gray8.png").PixelHash(), SampleImages.Decode(name).PixelHash());

    /// <summary>The largest sample is white, for any number of bits.</summary>
    [Theory]
    [InlineData(1, new byte[] { 0b1010_0000 }, new byte[] { 255, 0, 255 })]
    [InlineData(2, new byte[] { 0b1101_1000 }, new byte[] { 255, 85, 170 })]
    [InlineData(4, new byte[] { 0xF1, 0x80 }, new byte[] { 255, 17, 136 })]
    [InlineData(8, new byte[] { 255, 1, 128 }, new byte[] { 255, 1, 128 })]
    public void SamplesOfFewBitsAreSpreadFromBlackToWhite(byte bits, byte[] row, byte[] expected)
    {
        var image = ImageDecoder.Decode(Png(3, 1, bits, Gray, [0, .. row]), "x.png");
        Assert.Equal((3, 1, 1), (image.Width, image.Height, image.Channels));
        Assert.Equal(expected, image.Pixels);
        Assert.Null(image.UsedBits);
    }

    [Fact]
    public void APaletteStandsForItsColoursAndHasNoOthers()
    {
        var palette = Chunk("PLTE", [1, 2, 3, 40, 50, 60, 7, 8, 9]);
        Assert.Equal([40, 50, 60, 7, 8, 9, 1, 2, 3], ImageDecoder.Decode(Png(3, 1, 2, Palette, [0, 0b0110_0000], palette), "x.png").Pixels);
        Assert.Contains("not in its palette", Refused(Png(3, 1, 2, Palette, [0, 0b1110_0000], palette)));
        Assert.Contains("no palette", Refused(Png(3, 1, 2, Palette, [0, 0])));
    }

    [Fact]
    public void TransparentPixelsAreLaidOnBlack()
    {
        var half = ImageDecoder.Decode(Png(2, 1, 8, 4, [0, 200, 128, 200, 255]), "x.png");
        Assert.Equal([100, 200], half.Pixels);
        Assert.True(half.WasTransparent);
        Assert.False(ImageDecoder.Decode(Png(2, 1, 8, 4, [0, 200, 255, 200, 255]), "x.png").WasTransparent);

        // One transparent colour: gray, 16 bits, palette.
        Assert.Equal([0, 255], ImageDecoder.Decode(Png(2, 1, 4, Gray, [0, 0x7F], Chunk("tRNS", [0, 7])), "x.png").Pixels);
        var deep = Png(2, 1, 16, Colour, [0, 255, 0, 255, 0, 255, 1, 255, 0, 255, 0, 255, 0], Chunk("tRNS", [255, 0, 255, 0, 255, 1]));
        Assert.Equal([0, 0, 0, 255, 255, 255], ImageDecoder.Decode(deep, "x.png").Pixels);
        var named = Png(2, 1, 8, Palette, [0, 0, 1], [.. Chunk("PLTE", [9, 9, 9, 8, 8, 8]), .. Chunk("tRNS", [0])]);
        Assert.Equal([0, 0, 0, 8, 8, 8], ImageDecoder.Decode(named, "x.png").Pixels);
    }

    [Fact]
    public void TheOrientationOfAnExifChunkIsApplied()
    {
        byte[] tags = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
        var image = ImageDecoder.Decode(Png(2, 1, 8, Gray, [0, 10, 20], Chunk("eXIf", tags)), "x.png");
        Assert.Equal((1, 2, 6), (image.Width, image.Height, image.Orientation));
        Assert.Equal([10, 20], image.Pixels);
    }

    [Fact]
    public void ThePackedPixelsMustBeWholeAndNoMore()
    {
        byte[] rows = [.. Enumerable.Range(0, 100).SelectMany(y => (byte[])[0, .. Enumerable.Range(0, 50).Select(x => (byte)(x * y))])];
        var packed = Pack(rows);
        Assert.Equal(50, ImageDecoder.Decode(Png(50, 100, packed), "x.png").Width);
        // In several chunks, some of them empty.
        byte[] parts = [.. Chunk("IDAT", packed[..7]), .. Chunk("IDAT", []), .. Chunk("IDAT", packed[7..])];
        Assert.Equal(50, ImageDecoder.Decode([.. Start(50, 100, 8, Gray), .. parts, .. Chunk("IEND", [])], "x.png").Width);

        Assert.Contains("its data ends after 50 % of the picture", Refused(Png(50, 100, Pack(rows[..(51 * 50)]))));
        Assert.Contains("more pixels than its header says", Refused(Png(50, 100, Pack([.. rows, 0]))));
        for (var cut = 1; cut < 60; cut++) Refused(Png(50, 100, packed[..^cut]));
        byte[] sum = [.. packed];
        sum[^1] ^= 1;
        Assert.Contains("do not match their checksum", Refused(Png(50, 100, sum)));
        Assert.Contains("unknown filter", Refused(Png(1, 1, 8, Gray, [5, 0])));
        Assert.Contains("pixels in two places", Refused([.. Start(50, 100, 8, Gray), .. Chunk("IDAT", packed[..7]), .. Chunk("tEXt", []),
            .. Chunk("IDAT", packed[7..]), .. Chunk("IEND", [])]));
    }

    /// <summary>Pixels that unpack to gigabytes: only as many bytes are allocated as the image has, and none if the compressed data cannot
    /// contain it.</summary>
    [Fact]
    public void ABombIsNotUnpacked()
    {
        var packed = Pack(new byte[100 << 20]);
        Decode(packed, 4, 4, "more pixels than its header says");
        Decode(Pack([0, 0]), 16384, 16384, "cannot hold 16384 × 16384 pixels");

        static void Decode(byte[] packed, int width, int height, string reason)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains(reason, Refused(Png(width, height, packed)));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        }
    }

    /// <summary>All black, compressed within a thousandth of deflate's best ratio.</summary>
    [Fact]
    public void TheEmptiestPictureIsNotTakenForABomb() =>
        Assert.Equal(4000, ImageDecoder.Decode(Png(4000, 4000, Pack(new byte[4001 * 4000])), "x.png").Width);

    [Fact]
    public void ChunksOfUnknownKindAreSkippedUnlessPixelsNeedThem()
    {
        Assert.Equal([7], ImageDecoder.Decode(Png(1, 1, 8, Gray, [0, 7], Chunk("zzZz", [1, 2, 3])), "x.png").Pixels);
        Assert.Contains("convert it to PNG (convert x.png x-read.png)", Refused(Png(1, 1, 8, Gray, [0, 7], Chunk("ZZZZ", [1, 2, 3]))));
    }

    private static string Refused(byte[] bytes) => Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(bytes, "x.png")).Message;

    private static byte[] Png(int width, int height, byte bits, byte colourType, byte[] rows, byte[]? chunks = null) =>
        [.. Start(width, height, bits, colourType), .. chunks ?? [], .. Chunk("IDAT", Pack(rows)), .. Chunk("IEND", [])];

    private static byte[] Png(int width, int height, byte[] packed) =>
        [.. Start(width, height, 8, Gray), .. Chunk("IDAT", packed), .. Chunk("IEND", [])];

    private static byte[] Start(int width, int height, byte bits, byte colourType)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (bits, colourType);
        return [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', .. Chunk("IHDR", header)];
    }

    private static byte[] Chunk(string type, byte[] content)
    {
        byte[] chunk = [0, 0, 0, 0, .. Encoding.ASCII.GetBytes(type), .. content, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), Crc32.HashToUInt32(chunk.AsSpan(4, 4 + content.Length)));
        return chunk;
    }

    private static byte[] Pack(byte[] rows)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize)) zlib.Write(rows);
        return packed.ToArray();
    }
}
