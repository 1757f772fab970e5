using System.Buffers.Binary;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images.Formats;

/// <summary>BMP, GIF and TIFF: one image in all supported variants, and damaged versions.</summary>
public sealed class OtherFormatsTests
{
    [Theory]
    [InlineData("rgb.bmp")]
    [InlineData("none.tif")]
    [InlineData("lzw.tif")]
    [InlineData("deflate-tiles.tif")]
    [InlineData("packbits.tif")]
    [InlineData("rgb.tif")]
    [InlineData("gray16.tif")]
    [InlineData("pages.tif")]
    public void OnePictureIsTheSameInEveryFormat(string name) =>
        Assert.Equal(SampleImages.Decode("gray8.png").PixelHash(), SampleImages.Decode(name).PixelHash());

    /// <summary>ImageMagick's palette loses a little colour precision.</summary>
    [Theory]
    [InlineData("gray.gif")]
    [InlineData("animated.gif")]
    [InlineData("palette.bmp")]
    public void APaletteIsNearlyTheSame(string name)
    {
        const int tolerance = 6;
        var gray = SampleImages.Decode("gray8.png").Pixels;
        var image = SampleImages.Decode(name);
        Assert.Equal((37, 23, 3), (image.Width, image.Height, image.Channels));
        for (var i = 0; i < image.Pixels.Length; i++) Assert.InRange(image.Pixels[i] - gray[i / 3], -tolerance, tolerance);
    }

    [Fact]
    public void Where0IsWhiteThePictureIsInverted() =>
        Assert.Equal(SampleImages.Decode("none.tif").Pixels.Select(value => (byte)(255 - value)),
            SampleImages.Decode("inverted.tif").Pixels);

    [Fact]
    public void TheFirstOfSeveralPicturesIsTakenAndTheyAreCounted()
    {
        Assert.Equal(2, SampleImages.Decode("animated.gif").Pictures);
        Assert.Equal(2, SampleImages.Decode("pages.tif").Pictures);
        Assert.Equal(1, SampleImages.Decode("gray.gif").Pictures);
    }

    [Fact]
    public void TheOrientationOfATiffIsApplied()
    {
        var turned = Tagged("none.tif", 274, 3);
        var image = ImageDecoder.Decode(turned, "x.tif");
        Assert.Equal(3, image.Orientation);
        Assert.Equal(SampleImages.Decode("none.tif").Pixels.Reverse(), image.Pixels);
    }

    [Theory]
    [InlineData("palette.bmp")]
    [InlineData("rgb.bmp")]
    [InlineData("gray.gif")]
    [InlineData("none.tif")]
    [InlineData("lzw.tif")]
    [InlineData("deflate-tiles.tif")]
    [InlineData("packbits.tif")]
    public void AFileCutOffAnywhereIsNoticed(string name)
    {
        var whole = SampleImages.Read(name);
        for (var length = 0; length < whole.Length; length += 13)
            Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(whole[..length], name));
    }

    /// <summary>A GIF whose codes end before its pixels do, with its end marks.</summary>
    [Fact]
    public void AGifWhoseDataEndEarlyIsNoticed()
    {
        var whole = SampleImages.Read("gray.gif");
        var data = whole.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0x2C, 0, 0, 0, 0]) + 11;
        byte[] early = [.. whole[..data], 100, .. whole[(data + 1)..(data + 101)], 0, 0x3B];
        var reason = Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(early, "x.gif")).Reason;
        Assert.Matches("^is a damaged GIF: its data ends after [0-9]+ % of the picture$", reason);
    }

    [Fact]
    public void AGapBeforeThePixelsOfABmpMovesNothing()
    {
        foreach (var name in (string[])["rgb.bmp", "palette.bmp"])
        {
            var whole = SampleImages.Read(name);
            var pixels = BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(10));
            byte[] gap = [.. whole[..pixels], 9, 9, 9, 9, 9, 9, 9, 9, .. whole[pixels..]];
            BinaryPrimitives.WriteInt32LittleEndian(gap.AsSpan(10), pixels + 8);
            Assert.Equal(SampleImages.Decode(name).Pixels, ImageDecoder.Decode(gap, name).Pixels);
        }
    }

    /// <summary>Two pixels of 5, 6 and 5 bits, white and mixed, with the masks after the header, in it, and after a gap.</summary>
    [Fact]
    public void MasksAreReadWhereverTheyAre()
    {
        byte[] masks = [0, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0], pixels = [0xFF, 0xFF, 0b000_00010, 0b10000_100];
        byte[] expected = [255, 255, 255, 132, 130, 16];
        byte[] size = [2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 16, 0, 3, 0, 0, 0, .. new byte[20]];
        Assert.Equal(expected, Decode(66, [40, 0, 0, 0, .. size, .. masks, .. pixels]));
        Assert.Equal(expected, Decode(74, [40, 0, 0, 0, .. size, .. masks, .. new byte[8], .. pixels]));
        Assert.Equal(expected, Decode(70, [56, 0, 0, 0, .. size, .. masks, 0, 0, 0, 0, .. pixels]));

        static byte[] Decode(byte pixelsAt, byte[] rest) =>
            ImageDecoder.Decode([.. "BM"u8, 0, 0, 0, 0, 0, 0, 0, 0, pixelsAt, 0, 0, 0, .. rest], "x.bmp").Pixels;
    }

    /// <summary>Sizes that exceed the bytes, counts of gigabytes, circular directories: refused before anything is allocated.</summary>
    [Fact]
    public void ClaimsBeyondTheFileAreRefused()
    {
        var gif = SampleImages.Read("gray.gif");
        (gif[6], gif[7], gif[8], gif[9]) = (0xFF, 0xFF, 0xFF, 0xFF);
        var bmp = SampleImages.Read("rgb.bmp");
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), 1 << 30);
        var circle = SampleImages.Read("none.tif");
        var directory = BinaryPrimitives.ReadUInt32LittleEndian(circle.AsSpan(4));
        int entries = BinaryPrimitives.ReadUInt16LittleEndian(circle.AsSpan((int)directory));
        BinaryPrimitives.WriteUInt32LittleEndian(circle.AsSpan((int)directory + 2 + 12 * entries), directory);
        Refused(gif, "cannot hold 65535 × 65535 pixels");
        Refused(bmp, "cut off after 0 % of the picture");
        Refused(circle, "directories that lead in a circle");
        Refused(Tagged("none.tif", 256, 60000), "cut off|cannot hold");
        Refused(Tagged("lzw.tif", 257, 60000), "too few strips|cannot hold");
        var counts = Tagged("none.tif", 258, 8, count: uint.MaxValue);
        Refused(counts, "an entry outside the file");

        static void Refused(byte[] bytes, string reason)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Matches(reason, Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(bytes, "x")).Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Fact]
    public void WhatIsNotReadIsNamedWithWhatToDo()
    {
        var packed = SampleImages.Read("rgb.bmp");
        packed[30] = 1;
        Assert.Equal("x.bmp: is a compressed BMP; convert it to PNG (convert x.bmp x.png)", Refused(packed, "x.bmp"));
        Assert.StartsWith("x.tif: is a TIFF with an unsupported compression (7); convert it",
            Refused(Tagged("none.tif", 259, 7), "x.tif"));
        Assert.StartsWith("x.tif: is a TIFF of 32 bits; only 8 and 16 are supported; convert it",
            Refused(Tagged("none.tif", 258, 32), "x.tif"));

        static string Refused(byte[] bytes, string name) => Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(bytes, name)).Message;
    }

    // The same TIFF (in this machine's byte order) with another value in a directory entry.
    private static byte[] Tagged(string name, int tag, int value, uint count = 1)
    {
        var file = SampleImages.Read(name);
        var directory = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4));
        for (var at = directory + 2; ; at += 12)
        {
            if (BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at)) != tag) continue;
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at + 4), count);
            if (count == 1) BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at + 8), value);
            return file;
        }
    }
}
