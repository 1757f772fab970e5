using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class SyntheticXraysTests
{
    private const int Size = 48;

    private static readonly ImagePreprocessing gray = new(Size, 1), colour = new(Size, 3);

    [Fact]
    public void AnImageDependsOnSeedPartAndIndexAlone()
    {
        var few = SyntheticXrays.Store(7, ImagePart.Train, 6, colour);
        var many = SyntheticXrays.Store(7, ImagePart.Train, 30, colour, order: [.. Enumerable.Range(0, 30).Reverse()]);
        for (var i = 0; i < 6; i++) Assert.True(few[i].SequenceEqual(many[i]));
        var first = few[0].ToArray();
        Assert.NotEqual(first, few[2].ToArray());
        Assert.NotEqual(first, SyntheticXrays.Store(8, ImagePart.Train, 1, colour)[0].ToArray());
        Assert.NotEqual(first, SyntheticXrays.Store(7, ImagePart.Test, 1, colour)[0].ToArray());
    }

    [Fact]
    public void GrayAndColourHoldTheSameImage()
    {
        var image = SyntheticXrays.Store(1, ImagePart.Val, 1, gray)[0].ToArray();
        Assert.Equal(image.SelectMany(b => new[] { b, b, b }), SyntheticXrays.Store(1, ImagePart.Val, 1, colour)[0].ToArray());
    }

    [Fact]
    public void BrightnessDoesNotTellTheClassesApart()
    {
        var store = SyntheticXrays.Store(1, ImagePart.Train, 300, gray);
        double[] mean = [.. Enumerable.Range(0, 300).Select(i => store[i].ToArray().Average(b => b) / 255)];
        bool[] positive = [.. Enumerable.Range(0, 300).Select(i => store.ClassOf(i) == 1)];
        Assert.Equal(150, positive.Count(p => p));
        Assert.InRange(RocCurve.Area(positive, mean)!.Value, 0.35, 0.65);
    }

    [Fact]
    public void OpacitiesLieWhereTheySay()
    {
        var phantoms = new SyntheticXrays(1, ImagePart.Train);
        Assert.Empty(phantoms.Opacities(0));
        for (var i = 1; i < 60; i += 2)
        {
            var opacities = phantoms.Opacities(i);
            Assert.InRange(opacities.Count, 1, 3);
            foreach (var opacity in opacities)
            {
                Assert.InRange(opacity.X, 0.05, 0.95);
                Assert.InRange(opacity.Y, 0.05, 0.95);
            }
        }
    }
}
