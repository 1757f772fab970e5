using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageChangeTests
{
    private const int Side = 32;

    private static byte[] Changed(string name, byte[] image)
    {
        byte[] pixels = [.. image];
        ImageChange.All.Single(change => change.Name == name).Apply(pixels, Side, 1);
        return pixels;
    }

    private static byte[] Gradient() => [.. Enumerable.Range(0, Side * Side).Select(i => (byte)(60 + i / Side * 2 + i % Side * 2))];

    [Fact]
    public void EveryChangeChangesAnImageAndNoneDoesItTwiceAlike()
    {
        var image = Gradient();
        for (var i = 0; i < image.Length; i += 7) image[i] += 20;
        var results = ImageChange.All.Select(change => Convert.ToHexString(Changed(change.Name, image)))
            .Append(Convert.ToHexString(image)).ToArray();
        Assert.Equal(results.Length, results.Distinct().Count());
    }

    [Fact]
    public void ACutTakesTheMiddleAndAFrameIsBlack()
    {
        var image = Gradient();
        var cut = Changed("a tenth cut off on every side", image);
        // A tenth of 31 steps, times 2 down and 2 to the right, is 12.4 brighter than the corner was.
        Assert.Equal(image[0] + 12, cut[0]);
        Assert.Equal(image[^1] - 12, cut[^1]);
        var sides = Changed("a tenth cut off left and right", image);
        Assert.Equal(image[0] + 6, sides[0]);
        var framed = Changed("a black frame of a sixteenth", image);
        Assert.Equal(0, framed[0]);
        Assert.InRange(framed[Side / 2 * Side + Side / 2], image[Side / 2 * Side + Side / 2] - 1, image[Side / 2 * Side + Side / 2] + 1);
    }

    [Fact]
    public void TonesMoveAsTheyAreCalled()
    {
        var image = Gradient();
        Assert.True(Changed("gamma 0.6", image).Average(p => p) > image.Average(p => p) + 10);
        Assert.True(Changed("gamma 1.6", image).Average(p => p) < image.Average(p => p) - 10);
        byte[] flat = Changed("contrast × 0.6", image), rich = Changed("contrast × 1.3", image);
        Assert.True(flat.Max() - flat.Min() < image.Max() - image.Min());
        Assert.True(rich.Max() - rich.Min() > image.Max() - image.Min());
    }
}
