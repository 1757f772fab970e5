using System.Buffers.Binary;
using System.IO.Hashing;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageDecoderTests
{
    private const int Width = 5, Height = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void EightAndSixteenBitsDecodeToTheSameBytes(int channels)
    {
        byte[] pixels = [.. Enumerable.Range(0, Width * Height * channels).Select(i => (byte)(i * 37))];
        ushort[] deep = [.. pixels.Select((value, i) => (ushort)(value << 8 | i * 11 & 0xFF))];
        var eight = ImageDecoder.Decode(PngWriter.Encode(pixels, Width, Height, channels), "8");
        var sixteen = ImageDecoder.Decode(PngWriter.Encode16(deep, Width, Height, channels), "16");
        Assert.Equal((Width, Height, channels), (eight.Width, eight.Height, eight.Channels));
        Assert.Equal(pixels, eight.Pixels);
        Assert.Equal(pixels, sixteen.Pixels);
    }

    /// <summary>A 12-bit image in 16 bits: the upper bytes would give sixteen grays, so the upper 8 of the 12 bits are used.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void TwelveBitsInSixteenDecodeToTheirUpperEight(int channels)
    {
        byte[] pixels = [.. Enumerable.Range(0, Width * Height * channels).Select(i => (byte)(255 - i * 17 % 256))];
        ushort[] twelve = [.. pixels.Select((value, i) => (ushort)(value << 4 | i & 0xF))];
        Assert.Equal(pixels, ImageDecoder.Decode(PngWriter.Encode16(twelve, Width, Height, channels), "12").Pixels);
        foreach (ref var value in twelve.AsSpan(0, twelve.Length / 4)) value = 0x4001;
        Assert.All(ImageDecoder.Decode(PngWriter.Encode16(twelve, Width, Height, channels), "16").Pixels[(twelve.Length / 4)..],
            value => Assert.InRange(value, 0, 16));
    }

    [Fact]
    public void GrayStoredAsColourHasTheSamePixelHash()
    {
        byte[] gray = [1, 2, 3, 4];
        byte[] colour = [.. gray.SelectMany(value => new[] { value, value, value })];
        Assert.Equal(new DecodedImage(2, 2, 1, gray).PixelHash(), new DecodedImage(2, 2, 3, colour).PixelHash());
        Assert.NotEqual(new DecodedImage(2, 2, 1, gray).PixelHash(), new DecodedImage(4, 1, 1, gray).PixelHash());
    }

    public static TheoryData<byte[], string> Damaged()
    {
        var png = PngWriter.Encode(new byte[300], 10, 10, 3);
        byte[] wrong = [.. png];
        wrong.AsSpan(41, 8).Fill(0xFF);
        // A JPEG up to its first scan, without pixels or end.
        byte[] jpeg = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 4, 0, 4, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3];
        // A header of 2 GiB: 16384 × 16384, four channels of 16 bits, and as many packed bytes as could hold them.
        byte[] huge = [.. png[..33], 0, 0x30, 0, 0, .. "IDAT"u8, .. new byte[3 << 20], 0, 0, 0, 0, .. png[^12..]];
        new byte[] { 0, 0, 0x40, 0, 0, 0, 0x40, 0, 16, 6 }.CopyTo(huge, 16);
        BinaryPrimitives.WriteUInt32BigEndian(huge.AsSpan(29), Crc32.HashToUInt32(huge.AsSpan(12, 17)));
        BinaryPrimitives.WriteUInt32BigEndian(huge.AsSpan(41 + (3 << 20)), Crc32.HashToUInt32(huge.AsSpan(37, 4 + (3 << 20))));
        // One bit at the end of the pixel data, which the decoder ignores.
        byte[] flipped = [.. PngWriter.Encode(new byte[300], 10, 10, 3)];
        flipped[^20] ^= 1;
        return new TheoryData<byte[], string>
        {
            { huge, "2048 MiB; at most 1024" },
            { [], "is empty (0 bytes)" },
            { png[..^1], "cut off" },
            { png[..40], "cut off" },
            { png[..20], "cut off" },
            { wrong, "damaged PNG" },
            { flipped, "damaged PNG" },
            { "GIF89a"u8.ToArray(), "cut off" },
            { "GIF90a"u8.ToArray(), "is not a JPEG, PNG, BMP, GIF or TIFF image" },
            { jpeg, "damaged JPEG (no Huffman table)" },
            { [0xFF, 0xD8, 0, 0, 0, 0], "damaged JPEG" },
            { [0xFF, 0xD8], "cut off" },
        };
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void DamageIsNamedWithTheFile(byte[] bytes, string reason)
    {
        var error = Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(bytes, "folder/file.jpeg"));
        Assert.StartsWith("folder/file.jpeg: ", error.Message);
        Assert.Contains(reason, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void ImagesAreDecodedFromSeveralThreads()
    {
        string[] names = [.. SampleImages.Names];
        string[] hashes = [.. names.Select(name => SampleImages.Decode(name).PixelHash())];
        Parallel.For(0, 20 * names.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            i => Assert.Equal(hashes[i % names.Length], SampleImages.Decode(names[i % names.Length]).PixelHash()));
    }

    [Fact]
    public void AMissingFileIsUnreadable() =>
        Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(Path.Combine(Path.GetTempPath(), "no", "such.png")));

    [SkippableFact]
    public void ARealXrayCutOffAnywhereIsNoticed()
    {
        RealXrays.SkipIfMissing();
        var whole = File.ReadAllBytes(ImageFolder.Open(RealXrays.Folder!).Files[0].Path);
        var image = ImageDecoder.Decode(whole, "whole");
        Assert.Equal((224, 224), (image.Width, image.Height));
        for (var length = 0; length < whole.Length; length += 211)
            Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(whole[..length], "part"));
    }
}
