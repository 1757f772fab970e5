using Convolve.Layers.Networks;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Explanations;

[Collection(OnADevice.Name)]
public sealed class ReceptiveFieldTests
{
    // Changes every pixel in turn, in double precision: exactly those in a unit's receptive field change it.
    [Theory]
    [InlineData("first")]
    [InlineData("halved")]
    [InlineData("second")]
    [InlineData("quartered")]
    public void NamesThePixelsThatChangeAUnit(string layer)
    {
        using var small = new SmallNetwork(1, global: true);
        var at = small.Network.Layers.ToList().FindIndex(l => l.Name == layer);
        var shape = small.Network.Layers[at].OutputShape;
        var field = ReceptiveField.Of(small.Network, at)!.Value;
        double[] values = Array.ConvertAll(small.Image(3), b => b / 255.0), before = small.InDouble(values, end: at + 1);
        var changed = new HashSet<(int Unit, int Pixel)>();
        for (var pixel = 0; pixel < values.Length; pixel++)
        {
            var kept = values[pixel];
            // Very bright and very dark: one of them passes ReLU and maximum.
            foreach (var other in new[] { 1000.0, -1000 })
            {
                values[pixel] = other;
                var after = small.InDouble(values, end: at + 1);
                for (var i = 0; i < after.Length; i++)
                    if (after[i] != before[i]) changed.Add((i / shape[2], pixel));
            }
            values[pixel] = kept;
        }
        for (var unit = 0; unit < shape[0] * shape[1]; unit++)
        {
            (var top, var bottom) = field.Rows.Inside(unit / shape[1]);
            (var left, var right) = field.Columns.Inside(unit % shape[1]);
            for (var pixel = 0; pixel < values.Length; pixel++)
            {
                var inside = pixel / 18 >= top && pixel / 18 < bottom && pixel % 18 >= left && pixel % 18 < right;
                Assert.Equal(inside, changed.Contains((unit, pixel)));
            }
        }
    }

    [Fact]
    public void IsTheOneKnownFromTheNetworks()
    {
        // VGG19's last pooling: 268 pixels, 32 apart (Araujo, Norris and Sim, 2019, for VGG19's conv5_4: 252 at a step of 16).
        var vgg19 = ModelChoice.Build(ModelKind.Vgg19, 224, 2);
        var pool = vgg19.Layers.ToList().FindIndex(layer => layer.Name == "block5_pool");
        Assert.Equal((268, 32), (ReceptiveField.Of(vgg19, pool)!.Value.Rows.Size, ReceptiveField.Of(vgg19, pool)!.Value.Rows.Step));
        Assert.Equal((252, 16), (ReceptiveField.Of(vgg19, pool - 1)!.Value.Rows.Size, ReceptiveField.Of(vgg19, pool - 1)!.Value.Rows.Step));
        Assert.Null(ReceptiveField.Of(vgg19, vgg19.Layers.Count - 1));
    }
}
