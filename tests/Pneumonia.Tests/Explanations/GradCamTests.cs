using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Explanations;

[Collection(OnADevice.Name)]
public sealed class GradCamTests
{
    public static TheoryData<int, bool, int, string> Cases => new()
    {
        { 1, true, 1, "quartered" }, { 1, true, 0, "second" }, { 1, false, 1, "quartered" }, { 3, true, 2, "halved" },
            { 3, false, 0, "second" }, { 3, false, 1, "halved" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithItsDefinitionInDoublePrecision(int outputs, bool global, int classIndex, string layer)
    {
        using var small = new SmallNetwork(outputs, global);
        var network = small.Network;
        var at = network.Layers.ToList().FindIndex(l => l.Name == layer);
        var image = small.Image(4);
        using var input = NetworkInput.Of(network, image, PixelScaling.Rescale);
        // The gradient from finite differences, not from a chain rule.
        var activations = small.InDouble(Array.ConvertAll(image, b => b / 255.0), end: at + 1);
        var shape = network.Layers[at].OutputShape;
        (var rows, var columns, var channels) = (shape[0], shape[1], shape[2]);
        var gradient = new double[activations.Length];
        for (var i = 0; i < activations.Length; i++)
        {
            var kept = activations[i];
            double Score(double moved)
            {
                activations[i] = kept + moved;
                var logits = small.InDouble(activations, at + 1);
                return logits.Length > 1 ? logits[classIndex] : classIndex == 1 ? logits[0] : -logits[0];
            }
            gradient[i] = (Score(1e-6) - Score(-1e-6)) / 2e-6;
            activations[i] = kept;
        }
        double Mean(int channel) => Enumerable.Range(0, rows * columns).Average(p => gradient[p * channels + channel]);
        double Weighted(int row, int column) =>
            Math.Max(0, Enumerable.Range(0, channels).Sum(k => Mean(k) * activations[(row * columns + column) * channels + k]));
        double Added(int row, int column) =>
            Math.Max(0, Enumerable.Range((row * columns + column) * channels, channels).Sum(i => gradient[i] * activations[i]));
        double AddedAround(int row, int column) =>
            (from i in (int[])[-1, 0, 0, 1]
             from j in (int[])[-1, 0, 0, 1]
             select Added(Math.Clamp(row + i, 0, rows - 1),
                Math.Clamp(column + j, 0, columns - 1))).Average();
        IsSpread(Weighted, GradCam.Of(network, input, classIndex, at), rows, columns, layer);
        IsSpread(AddedAround, HiResCam.Of(network, input, classIndex, at), rows, columns, layer);
    }

    // Every unit at the centre of its receptive field, linear in between.
    private static void IsSpread(Func<int, int, double> at, HeatMap map, int rows, int columns, string layer)
    {
        // Pixels per unit, and the centre of the first.
        (double step, double middle) = layer switch { "halved" or "second" => (2, 2), _ => (4, 3) };
        Assert.Equal((21, 18, 21 * 18), (map.Height, map.Width, map.Values.Length));
        var largest = Enumerable.Range(0, rows * columns).Max(p => at(p / columns, p % columns));
        Assert.True(largest > 0);
        for (var y = 0; y < 21; y++)
            for (var x = 0; x < 18; x++)
            {
                double row = Math.Clamp((y + 0.5 - middle) / step, 0, rows - 1),
                    column = Math.Clamp((x + 0.5 - middle) / step, 0, columns - 1);
                double expected = 0;
                for (var r = 0; r < rows; r++)
                    for (var c = 0; c < columns; c++)
                        expected += Math.Max(0, 1 - Math.Abs(row - r)) * Math.Max(0, 1 - Math.Abs(column - c)) * at(r, c);
                Assert.Equal(expected, map.Values[y * 18 + x], 1e-4 * largest);
            }
    }

    [Theory]
    [InlineData(ModelKind.Compact, 96, "block4_norm2")]
    [InlineData(ModelKind.Compact, 150, "block4_norm2")]
    [InlineData(ModelKind.Compact, 208, "block5_norm1")]
    [InlineData(ModelKind.Cnn, 150, "conv4")]
    [InlineData(ModelKind.Vgg19, 224, "block5_conv4")]
    public void LooksAtTheLastLayerThatCanTellWhere(ModelKind kind, int pixels, string layer)
    {
        var network = ModelChoice.Build(kind, pixels, 2);
        Assert.Equal(layer, network.Layers[GradCam.DefaultLayer(network)!.Value].Name);
    }

    [Fact]
    public void LeavesTheNetworkAsItWas()
    {
        using var small = new SmallNetwork(1, global: true);
        using var input = NetworkInput.Of(small.Network, small.Image(4), PixelScaling.Rescale);
        var used = input.Device.Pool.UsedBytes;
        bool[] required = [.. small.Network.Parameters.Select(p => p.Value.RequiresGradient)];
        float[][] before = [.. small.Network.Parameters.Select(p => p.Value.ToArray())];
        GradCam.Of(small.Network, input, 1);
        HiResCam.Of(small.Network, input, 1);
        Assert.Equal(used, input.Device.Pool.UsedBytes);
        Assert.Equal(required, small.Network.Parameters.Select(p => p.Value.RequiresGradient));
        Assert.Contains(true, required);
        Assert.Equal(before, small.Network.Parameters.Select(p => p.Value.ToArray()));
        Assert.All(small.Network.Parameters, p => Assert.Null(p.Value.Gradient));
    }

    [Fact]
    public void LayersWithoutAPictureAreRefused()
    {
        using var small = new SmallNetwork(1, global: false);
        using var input = NetworkInput.Of(small.Network, small.Image(4), PixelScaling.Rescale);
        var last = small.Network.Layers.Count - 1;
        Assert.Contains("HiResCAM: layer logits has no spatial output",
            Assert.Throws<ArgumentException>(() => HiResCam.Of(small.Network, input, 1, last)).Message);
        Assert.Contains("Grad-CAM: layer logits has no spatial output",
            Assert.Throws<ArgumentException>(() => GradCam.Of(small.Network, input, 1, last)).Message);
        Assert.Null(GradCam.DefaultLayer(ModelChoice.Build(ModelKind.Mlp, 24, 2)));
    }
}
