using System.Buffers.Binary;
using Convolve.Pneumonia.Images;
using StbImageSharp;

namespace Convolve.Pneumonia.Tests.Images.Formats;

public sealed class JpegFileTests
{
    /// <summary>The same coefficients in every coding.</summary>
    [Theory]
    [InlineData("restart.jpg")]
    [InlineData("optimized.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("progressive-restart.jpg")]
    [InlineData("separate.jpg")]
    public void AWholePictureIsTheSameHoweverItIsCoded(string name)
    {
        DecodedImage baseline = SampleImages.Decode("baseline.jpg"), image = SampleImages.Decode(name);
        Assert.Equal((75, 53, 3), (image.Width, image.Height, image.Channels));
        Assert.Equal(baseline.Pixels, image.Pixels);
    }

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("fine.jpg")]
    [InlineData("wide.jpg")]
    [InlineData("rgb.jpg")]
    [InlineData("gray.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("one.jpg")]
    public void PixelsAreTheLibrarys(string name) =>
        Assert.Equal(ImageResult.FromMemory(SampleImages.Read(name)).Data, SampleImages.Decode(name).Pixels);

    [Fact]
    public void InksLookLikeTheColoursTheyWereMadeOf()
    {
        byte[] colours = SampleImages.Decode("fine.jpg").Pixels, inks = SampleImages.Decode("cmyk.jpg").Pixels;
        Assert.InRange(colours.Zip(inks, (a, b) => Math.Abs(a - b)).Average(), 0, 3);
    }

    [Fact]
    public void WhatMayStandAroundTheDataDoesNotMatter()
    {
        var whole = SampleImages.Read("restart.jpg");
        var pixels = SampleImages.Decode("restart.jpg").Pixels;
        var preview = SampleImages.Read("one.jpg");
        // An APP1 segment of another JPEG, fill bytes before markers, garbage and a whole JPEG after the end mark.
        byte[] segment = [0xFF, 0xE1, (byte)((preview.Length + 2) >> 8), (byte)(preview.Length + 2), .. preview];
        int frame = Find(whole, 0xC0), mark = Find(whole, 0xD0);
        Assert.Equal(pixels, Decode([.. whole[..2], .. segment, .. whole[2..]]));
        Assert.Equal(pixels,
            Decode([.. whole[..frame], 0xFF, 0xFF, 0xFF, .. whole[frame..mark], 0xFF, 0xFF, .. whole[mark..^2], 0xFF, .. whole[^2..]]));
        Assert.Equal(pixels, Decode([.. whole, .. new byte[100], .. preview]));
        Assert.Equal(pixels, Decode([.. whole[..^2], 0, 0, .. whole[^2..]]));
    }

    [Fact]
    public void TheHeightMayFollowTheFirstScan()
    {
        var whole = SampleImages.Read("baseline.jpg");
        byte[] later = [.. whole[..^2], 0xFF, 0xDC, 0, 4, 0, 53, .. whole[^2..]];
        var frame = Find(later, 0xC0);
        BinaryPrimitives.WriteUInt16BigEndian(later.AsSpan(frame + 5), 0);
        Assert.Equal(SampleImages.Decode("baseline.jpg").Pixels, Decode(later));
        later[^3] = 99;
        Assert.Contains("its data ends after", Refused(later));
        Assert.Contains("cut off", Refused(later[..^8]));
        later[frame + 6] = 53;
        Assert.Contains("two different heights", Refused(later));
    }

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("restart.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("separate.jpg")]
    [InlineData("cmyk.jpg")]
    public void DataThatEndEarlyAreNoticedAlthoughTheEndMarkIsThere(string name)
    {
        var whole = SampleImages.Read(name);
        for (var end = Find(whole, 0xDA) + 14; end < whole.Length - 6; end += 3)
            Assert.Matches("damaged JPEG|cut off", Refused([.. whole[..end], 0xFF, 0xD9]));
    }

    [Fact]
    public void HowFarTheDataReachIsSaid()
    {
        var whole = SampleImages.Read("baseline.jpg");
        var scan = Find(whole, 0xDA) + 14;
        Assert.Equal("x.jpg: is a damaged JPEG: its data ends after 0 % of the picture", Refused([.. whole[..(scan + 1)], 0xFF, 0xD9]));
        Assert.EndsWith("cut off after 90 % of the picture", Refused(whole[..^30]));
    }

    [Theory]
    [InlineData("noise")]
    [InlineData("zeros")]
    [InlineData("moved")]
    public void ADamagedPartIsNoticed(string kind)
    {
        var whole = SampleImages.Read("fine.jpg");
        var from = Find(whole, 0xDA) + 200;
        var random = new Random(3);
        byte[] damaged = [.. whole];
        var part = damaged.AsSpan(from, 1000);
        if (kind == "noise") foreach (ref var b in part) b = (byte)random.Next(255);
        if (kind == "zeros") part.Clear();
        if (kind == "moved") whole.AsSpan(from + 500, 1000).CopyTo(part);
        Assert.Contains("damaged JPEG", Refused(damaged));
    }

    [Fact]
    public void ScansThatAreMissingAreNoticed()
    {
        var whole = SampleImages.Read("progressive.jpg");
        var scans = 0;
        for (var at = Find(whole, 0xDA); (at = NextScan(whole, at)) > 0; scans++)
            Assert.Contains("scans of its picture are missing", Refused([.. whole[..at], 0xFF, 0xD9]));
        Assert.InRange(scans, 3, 30);
        // Not the expected scan: the first one twice.
        int first = Find(whole, 0xDA), second = NextScan(whole, first);
        Assert.Contains("scans out of order", Refused([.. whole[..second], .. whole[first..]]));

        var separate = SampleImages.Read("separate.jpg");
        var colours = NextScan(separate, Find(separate, 0xDA));
        Assert.Contains("scans of its picture are missing", Refused([.. separate[..colours], 0xFF, 0xD9]));
    }

    [Fact]
    public void RestartMarksOutOfOrderAreNoticed()
    {
        var whole = SampleImages.Read("restart.jpg");
        whole[Find(whole, 0xD1) + 1] = 0xD2;
        Assert.Contains("no restart mark", Refused(whole));
    }

    [Fact]
    public void WhatIsNotReadIsNamedWithWhatToDo()
    {
        Assert.Equal("x.jpg: is an arithmetic-coded JPEG; convert it to PNG (convert x.jpg x.png)",
            Refused(SampleImages.Read("arithmetic.jpg")));
        var deep = SampleImages.Read("gray.jpg");
        deep[Find(deep, 0xC0) + 4] = 12;
        Assert.StartsWith("x.jpg: is a JPEG of 12 bits a colour; only 8 are supported; convert it", Refused(deep));
        var lossless = SampleImages.Read("gray.jpg");
        lossless[Find(lossless, 0xC0) + 1] = 0xC3;
        Assert.StartsWith("x.jpg: is a lossless JPEG; convert it", Refused(lossless));
        var unmarked = SampleImages.Read("cmyk.jpg");
        unmarked[Find(unmarked, 0xEE) + 4] = (byte)'a';
        Assert.Contains("does not say how they are stored", Refused(unmarked));
    }

    /// <summary>A few bytes that claim 268 million pixels are refused because of their size, before anything is allocated.</summary>
    [Theory]
    [InlineData("baseline.jpg", 0xC0)]
    [InlineData("progressive.jpg", 0xC2)]
    public void MorePixelsThanTheBytesCanHoldAreRefused(string name, byte marker)
    {
        var bomb = SampleImages.Read(name);
        BinaryPrimitives.WriteUInt32BigEndian(bomb.AsSpan(Find(bomb, marker) + 5), 16384 << 16 | 16384);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("cannot hold 16384 × 16384 pixels", Refused(bomb));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    /// <summary>A progressive image of one tone has the fewest bytes per pixel: one bit per block and a few runs of empty blocks.</summary>
    [Fact]
    public void TheEmptiestPictureIsNotTakenForABomb()
    {
        var image = JpegWriter.Empty(blocksWide: 300, blocksHigh: 300, refinements: 0);
        Assert.InRange(image.Length, 300 * 300 / 8, 300 * 300 / 8 + 200);
        var decoded = ImageDecoder.Decode(image, "x.jpg");
        Assert.Equal((2400, 2400, 1), (decoded.Width, decoded.Height, decoded.Channels));
        Assert.All(decoded.Pixels.Distinct(), value => Assert.Equal(128, value));
    }

    /// <summary>Many scans of a few bytes over a large image would take minutes.</summary>
    [Fact]
    public void MoreScansThanAPictureNeedsAreRefused()
    {
        Assert.Equal(64, ImageDecoder.Decode(JpegWriter.Empty(8, 8, refinements: 10), "x.jpg").Width);
        var reason = Refused(JpegWriter.Empty(700, 700, refinements: 10));
        Assert.Contains("more scans than", reason);
    }

    [SkippableFact]
    public void DamageToRealXraysIsNoticed()
    {
        RealXrays.SkipIfMissing();
        var files = ImageFolder.Open(RealXrays.Folder!).Files;
        var random = new Random(4);
        for (var i = 0; i < files.Count; i += 53)
        {
            var whole = File.ReadAllBytes(files[i].Path);
            Assert.Equal(ImageResult.FromMemory(whole).Data, ImageDecoder.Decode(whole, "whole").Pixels);
            var length = whole.Length;
            byte[] noise = [.. whole], zeros = [.. whole], sector = [.. whole];
            for (var at = length / 2; at < length / 2 + 1500; at++) noise[at] = (byte)random.Next(255);
            zeros.AsSpan(length / 3, length - 2 - length / 3).Clear();
            sector.AsSpan(length / 2, 1024).Clear();
            foreach (var damaged in (byte[][])[noise, [.. whole[..(length / 3)], .. whole[^2..]], zeros, sector]) Refused(damaged);
        }
    }

    private static byte[] Decode(byte[] bytes) => ImageDecoder.Decode(bytes, "x.jpg").Pixels;

    private static string Refused(byte[] bytes) => Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(bytes, "x.jpg")).Message;

    private static int Find(byte[] bytes, byte marker) => bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, marker]);

    // The first segment after a scan that begins another scan; its tables come before it.
    private static int NextScan(byte[] bytes, int scan)
    {
        for (var at = scan + 2; at < bytes.Length - 1; at++)
            if (bytes[at] == 0xFF && bytes[at + 1] is 0xC4 or 0xDA)
                return bytes.AsSpan(at).IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]) >= 0 ? at : -1;
        return -1;
    }
}
