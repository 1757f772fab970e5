using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Images.Formats;

namespace Convolve.Pneumonia.Tests.Images.Formats;

public sealed class ExifOrientationTests
{
    /// <summary>The letter F, stored in each orientation (Exif 2.3, tag 274), is shown as the same F.</summary>
    [Theory]
    [InlineData(1, "###/#../##./#..")]
    [InlineData(2, "###/..#/.##/..#")]
    [InlineData(3, "..#/.##/..#/###")]
    [InlineData(4, "#../##./#../###")]
    [InlineData(5, "####/#.#./#...")]
    [InlineData(6, "#.../#.#./####")]
    [InlineData(7, "...#/.#.#/####")]
    [InlineData(8, "####/.#.#/...#")]
    public void EveryOrientationShowsThePictureUpright(int orientation, string stored)
    {
        var rows = stored.Split('/');
        byte[] pixels = [.. rows.SelectMany(row => row.Select(c => (byte)c))];
        var shown = ExifOrientation.Apply(pixels, rows[0].Length, rows.Length, 1, orientation);
        Assert.Equal("####..##.#..", string.Concat(shown.Select(b => (char)b)));
        // Two channels stay together.
        byte[] twice = [.. pixels.SelectMany(b => new[] { b, (byte)(b + 1) })];
        Assert.Equal(shown.SelectMany(b => new[] { b, (byte)(b + 1) }),
            ExifOrientation.Apply(twice, rows[0].Length, rows.Length, 2, orientation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheTagOfAJpegIsAppliedAndCountsInTheHash(bool little)
    {
        var plain = SampleImages.Read("gray.jpg");
        var turned = WithTags(plain, Tags(little, 6));
        DecodedImage image = ImageDecoder.Decode(plain, "plain"), shown = ImageDecoder.Decode(turned, "turned");
        Assert.Equal((23, 37, 6), (shown.Width, shown.Height, shown.Orientation));
        Assert.Equal(ExifOrientation.Apply(image.Pixels, 37, 23, 1, 6), shown.Pixels);
        Assert.NotEqual(image.PixelHash(), shown.PixelHash());
        var header = ImageHeader.Read(turned, "turned");
        Assert.Equal((37, 23, 23, 37), (header.Width, header.Height, header.ShownWidth, header.ShownHeight));
    }

    /// <summary>Damaged tags are ignored.</summary>
    [Fact]
    public void WhateverIsWrongWithTheTagsThePictureIsReadAsStored()
    {
        byte[] plain = SampleImages.Read("gray.jpg"), pixels = ImageDecoder.Decode(plain, "plain").Pixels, tags = Tags(true, 6);
        for (var length = 0; length < tags.Length - 4; length++) Unturned(tags[..length]);
        Unturned(Tags(true, 0));
        Unturned(Tags(true, 9));
        Unturned([.. tags[..4], 0xFF, 0xFF, 0xFF, 0xFF, .. tags[8..]]);
        Unturned([.. tags[..4], 0, 0, 0, 0, .. tags[8..]]);
        Unturned([.. tags[..8], 0xFF, 0xFF, 0, 0, .. tags[12..]]);

        void Unturned(byte[] damaged)
        {
            var image = ImageDecoder.Decode(WithTags(plain, damaged), "damaged");
            Assert.Equal(1, image.Orientation);
            Assert.Equal(pixels, image.Pixels);
        }
    }

    private static byte[] Tags(bool little, byte orientation) => little
        ? [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]
        : [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];

    private static byte[] WithTags(byte[] jpeg, byte[] tags) =>
        [.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(tags.Length + 8), .. "Exif\0\0"u8, .. tags, .. jpeg[2..]];
}
