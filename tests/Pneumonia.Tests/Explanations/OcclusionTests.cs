using Convolve.Engine.Operations.Pixels;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Explanations;

[Collection(OnADevice.Name)]
public sealed class OcclusionTests
{
    [Theory]
    [InlineData(1, true, 1, 4, 3)]
    [InlineData(1, false, 0, 5, 5)]
    [InlineData(3, false, 2, 6, 2)]
    [InlineData(3, true, 0, 30, 7)]
    public void AgreesWithItsDefinitionInDoublePrecision(int outputs, bool global, int classIndex, int side, int step)
    {
        const int Height = 21, Width = 18;
        using var small = new SmallNetwork(outputs, global);
        var image = small.Image(6);
        var map = new Occlusion(side, step).Of(small.Network, image, PixelScaling.Rescale, classIndex);

        double Score(double[] values)
        {
            var logits = small.InDouble(values);
            return logits.Length > 1 ? logits[classIndex] : classIndex == 1 ? logits[0] : -logits[0];
        }
        static List<int> Places(int size, int side, int step)
        {
            var places = new List<int>();
            for (var place = 0; place + side < size; place += step) places.Add(place);
            places.Add(Math.Max(0, size - side));
            return places;
        }
        var values = Array.ConvertAll(image, b => b / 255.0);
        double whole = Score(values), dark = values.Order().ElementAt(values.Length / 10);
        var covering = new List<double>[Height * Width];
        for (var i = 0; i < covering.Length; i++) covering[i] = [];
        foreach (var top in Places(Height, side, step))
            foreach (var left in Places(Width, side, step))
            {
                bool Covers(int i) => i / Width >= top && i / Width < top + side && i % Width >= left && i % Width < left + side;
                var fall = whole - Score([.. values.Select((value, i) => Covers(i) ? dark : value)]);
                for (var i = 0; i < covering.Length; i++)
                    if (Covers(i)) covering[i].Add(fall);
            }
        double[] expected = [.. covering.Select(falls => falls.Average())];
        var largest = expected.Max(Math.Abs);
        Assert.True(largest > 0);
        Assert.Equal((Height, Width), (map.Height, map.Width));
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], map.Values[i], 1e-4 * largest);
        Assert.Equal(Array.IndexOf(map.Values, map.Values.Max()), map.Peak.Y * Width + map.Peak.X);
    }

    [Fact]
    public void SquaresOfAnyPictureCoverIt()
    {
        foreach (var pixels in new[] { 1, 7, 8, 24, 150, 211 })
        {
            var occlusion = Occlusion.For(pixels);
            Assert.InRange(occlusion.Step, 1, occlusion.Side);
            Assert.InRange(occlusion.Side, 1, pixels);
        }
    }
}
