using Convolve.Engine.Operations.Pixels;
using Convolve.Pneumonia.Images;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class PreprocessingTests
{
    private static ImagePreprocessing Of(Preprocessing kind) => new(2, 1, Kind: kind);

    [Fact]
    public void StandardizedImagesHaveOneMeanAndOneDeviation() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(
            Gen.Choose(1, int.MaxValue - 1).ToArbitrary(), seed =>
            {
                var random = new Random(seed);
                int darkest = random.Next(0, 100), range = random.Next(20, 150);
                byte[] pixels = [.. Enumerable.Range(0, 60 * 60).Select(_ => (byte)(darkest + random.Next(range)))];
                Of(Preprocessing.Standardize).Normalize(pixels);
                double mean = pixels.Average(p => p), deviation = Math.Sqrt(pixels.Average(p => (p - mean) * (p - mean)));
                // Rounding to a byte has an error of up to a half, uniformly.
                Assert.InRange(mean, 126.5, 128.5);
                Assert.InRange(deviation, 50, 52);
            }));

    [Fact]
    public void BrightnessAndContrastOfTheWholeImageNoLongerMatter()
    {
        byte[] image = [.. Enumerable.Range(0, 400).Select(i => (byte)(i * 7 % 101))];
        byte[] brighter = [.. image.Select(value => (byte)(value * 2 + 40))];
        Of(Preprocessing.Standardize).Normalize(image);
        Of(Preprocessing.Standardize).Normalize(brighter);
        Assert.Equal(image, brighter);
    }

    [Fact]
    public void AnImageOfOneValueBecomesMiddleGray()
    {
        byte[] flat = [9, 9, 9, 9];
        Of(Preprocessing.Standardize).Normalize(flat);
        Assert.Equal([128, 128, 128, 128], flat);
    }

    [Theory]
    [InlineData(Preprocessing.Rescale)]
    [InlineData(Preprocessing.Caffe)]
    [InlineData(Preprocessing.Torchvision)]
    public void TheOthersLeaveBytesAsTheyAre(Preprocessing preprocessing)
    {
        byte[] pixels = [0, 1, 2, 250];
        Of(preprocessing).Normalize(pixels);
        Assert.Equal([0, 1, 2, 250], pixels);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(8, 2)]
    public void ImagesHaveAPixelAndOneOrThreeChannels(int pixels, int channels) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImagePreprocessing(pixels, channels));

    [Fact]
    public void EachHasItsArithmeticOnAByte()
    {
        Assert.Equal(
            [PixelScaling.Rescale, PixelScaling.Caffe, PixelScaling.Torchvision, PixelScaling.Rescale],
            new[] { Preprocessing.Rescale, Preprocessing.Caffe, Preprocessing.Torchvision, Preprocessing.Standardize }
                .Select(each => Of(each).Scaling));
        Assert.Equal([Preprocessing.Caffe, Preprocessing.Torchvision], Enum.GetValues<Preprocessing>().Where(each => each.IsForColours()));
    }
}
