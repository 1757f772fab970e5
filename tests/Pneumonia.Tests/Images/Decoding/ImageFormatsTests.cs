using System.Text;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageFormatsTests
{
    [Theory]
    [InlineData("a.jpg", true)]
    [InlineData("a.JFIF", true)]
    [InlineData("a.jpe", true)]
    [InlineData("a.Tiff", true)]
    [InlineData("a.bmp", true)]
    [InlineData("a.gif", true)]
    [InlineData("a.webp", false)]
    [InlineData("a.dcm", false)]
    [InlineData("a.txt", false)]
    [InlineData("a", false)]
    public void ImagesAreKnownByTheirEnding(string name, bool read) => Assert.Equal(read, ImageFormats.IsRead(name));

    [Theory]
    [InlineData("x/a.webp", "convert it to PNG (convert a.webp a.png)")]
    [InlineData("x/a.DCM", "convert it to PNG (dcmj2pnm +on +Wi 1 a.DCM a.png)")]
    [InlineData("x/my scan.heic", "convert it to PNG (convert \"my scan.heic\" \"my scan.png\")")]
    [InlineData("x/a.jpg", null)]
    [InlineData("x/a.csv", null)]
    public void WhatToDoAboutAnImageThatIsNotRead(string path, string? advice)
    {
        Assert.Equal(advice, ImageFormats.Advice(path));
        Assert.Equal(advice is not null, ImageFormats.IsKnownButNotRead(path));
    }

    /// <summary>The content decides, not the name.</summary>
    [Fact]
    public void AFileIsWhatItHolds()
    {
        Assert.Equal(SampleImages.Decode("gray8.png").Pixels, ImageDecoder.Decode(SampleImages.Read("gray8.png"), "x.jpg").Pixels);
        Assert.Equal(ImageFormat.Tiff, ImageHeader.Read(SampleImages.Read("lzw.tif"), "x.png").Format);
        byte[] webp = [.. "RIFF\x04\0\0\0WEBPVP8 "u8];
        var error = Refused(webp, "a/x.jpeg");
        Assert.Equal("a/x.jpeg: is a WebP image, which is not supported; convert it to PNG (convert x.jpeg x.png)", error.Message);
        Assert.Equal("is a WebP image, which is not supported; convert it to PNG (convert x.jpeg x.png)", error.Reason);
        byte[] dicom = [.. new byte[128], .. "DICM\x02\0\0\0UL"u8];
        Assert.Equal("x: is a DICOM image, which is not supported; convert it to PNG (dcmj2pnm +on +Wi 1 x x.png)",
            Refused(dicom, "x").Message);
        // Unknown content: the file extension says what it was meant to be.
        var text = Encoding.ASCII.GetBytes("<html>not found</html>");
        Assert.Equal("is not a JPEG, PNG, BMP, GIF or TIFF image; convert it to PNG (convert x.avif x.png)",
            Refused(text, "x.avif").Reason);
        Assert.Equal("is not a JPEG, PNG, BMP, GIF or TIFF image", Refused(text, "x.jpg").Reason);
    }

    private static UnreadableImage Refused(byte[] bytes, string path) =>
        Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(bytes, path));
}
