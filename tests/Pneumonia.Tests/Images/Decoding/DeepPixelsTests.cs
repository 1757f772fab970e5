using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class DeepPixelsTests
{
    private const int Width = 64, Height = 48;

    // A picture from black to white, with a black border on three sides.
    private static readonly byte[] picture =
        [.. Enumerable.Range(0, Width * Height)
            .Select(i => (byte)(i % Width is < 8 or >= 56 || i / Width < 8 ? 0 : 16 + i % Width * 4 + i / Width % 15))];

    /// <summary>The same picture with 8, 10, 12, 14 and 16 bits in 16 gives the same bytes, with and without a burnt-in white
    /// letter.</summary>
    [Theory]
    [InlineData(8, 1)]
    [InlineData(10, 1)]
    [InlineData(12, 1)]
    [InlineData(14, 1)]
    [InlineData(16, 1)]
    [InlineData(12, 3)]
    public void TheBitsThatAreUsedBecomeTheEight(int bits, int channels)
    {
        ushort[] deep = [.. picture.SelectMany(value => Enumerable.Repeat((ushort)(value << (bits - 8)), channels))];
        byte[] expected = [.. picture.SelectMany(value => Enumerable.Repeat(value, channels))];
        var image = Decode(deep, channels);
        Assert.Equal(bits, image.UsedBits);
        Assert.Equal(expected, image.Pixels);

        // 8 × 8 pixels, a fiftieth of the picture, with brightnesses that exceed the bits.
        foreach (var bright in (int[])[(1 << bits) + (1 << bits) / 4, 40000, 65535])
        {
            if (bright < 1 << bits || bright > 65535) continue;
            ushort[] marked = [.. deep];
            byte[] white = [.. expected];
            for (var y = 2; y < 10; y++)
            {
                marked.AsSpan((y * Width + 3) * channels, 8 * channels).Fill((ushort)bright);
                white.AsSpan((y * Width + 3) * channels, 8 * channels).Fill(255);
            }
            image = Decode(marked, channels);
            Assert.Equal(bits, image.UsedBits);
            Assert.Equal(white, image.Pixels);
        }
    }

    [Fact]
    public void WhiteScaledToSomeBitsMayBeOneTooMany()
    {
        ushort[] deep = [.. picture.Select(value => (ushort)Math.Round(value * 257 / 4.0))];
        deep.AsSpan(Width * 20, Width * 20).Fill(16384);
        var image = Decode(deep, 1);
        Assert.Equal(14, image.UsedBits);
        Assert.Equal(255, image.Pixels[Width * 20]);
    }

    [Fact]
    public void ABlackBorderSaysNothingAboutThePictureWithin()
    {
        var deep = new ushort[Width * Height];
        for (var i = 0; i < 60; i++) deep[Width * 20 + i] = (ushort)(60000 - i);
        Assert.Equal(16, Decode(deep, 1).UsedBits);
    }

    [Theory]
    [InlineData(0, 8, 0)]
    [InlineData(200, 8, 200)]
    [InlineData(3000, 12, 187)]
    [InlineData(65535, 16, 255)]
    public void AnImageOfOneToneHasTheBitsOfTheTone(ushort tone, int bits, byte expected)
    {
        var image = Decode([.. Enumerable.Repeat(tone, Width * Height)], 1);
        Assert.Equal(bits, image.UsedBits);
        Assert.All(image.Pixels, value => Assert.Equal(expected, value));
    }

    /// <summary>The bright part of real X-rays: a twentieth leaves a wide margin before one is taken for an image with two bits
    /// fewer.</summary>
    [SkippableFact]
    public void NoRealXrayIsTakenForOneOfFewerBits()
    {
        RealXrays.SkipIfMissing();
        var files = ImageFolder.Open(RealXrays.Folder!).Files;
        for (var i = 0; i < files.Count; i += 29)
        {
            ushort[] deep = [.. ImageDecoder.Decode(files[i].Path).Pixels.Select(value => (ushort)(value << 4))];
            Assert.Equal(12, DeepPixels.UsedBits(deep, 1, 1));
        }
    }

    private static DecodedImage Decode(ushort[] deep, int channels) =>
        ImageDecoder.Decode(PngWriter.Encode16(deep, Width, Height, channels), "x.png");
}
