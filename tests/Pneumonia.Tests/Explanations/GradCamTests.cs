using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Tests.Actions;

namespace Convolve.Pneumonia.Tests.Explanations;

[Collection(OnADevice.Name)]
public sealed class GradCamTests
{
    public static TheoryData<int, bool, int, string> Cases => new()
    {
        { 1, true, 1, "quartered" }, { 1, true, 0, "second" }, { 1, false, 1, "quartered" }, { 3, true, 2, "halved" }, { 3, false, 0, "second" }, { 3, false, 1, "halved" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees_with_its_definition_in_double_precision(int outputs, bool global, int classIndex, string layer)
    {
        using var small = new SmallNetwork(outputs, global);
        Sequential network = small.Network;
        int at = network.Layers.ToList().FindIndex(l => l.Name == layer);
        byte[] image = small.Image(4);
        using Tensor input = NetworkInput.Of(network, image, PixelScaling.Rescale);
        HeatMap map = GradCam.Of(network, input, classIndex, at);

        // The gradient from differences, not from anybody's chain rule.
        double[] activations = small.InDouble(Array.ConvertAll(image, b => b / 255.0), end: at + 1);
        Shape shape = network.Layers[at].OutputShape;
        var weights = new double[shape[2]];
        for (int i = 0; i < activations.Length; i++)
        {
            double kept = activations[i];
            double Score(double moved)
            {
                activations[i] = kept + moved;
                double[] logits = small.InDouble(activations, at + 1);
                return logits.Length > 1 ? logits[classIndex] : classIndex == 1 ? logits[0] : -logits[0];
            }
            weights[i % shape[2]] += (Score(1e-6) - Score(-1e-6)) / 2e-6 / (shape[0] * shape[1]);
            activations[i] = kept;
        }
        double At(int row, int column) =>
            Math.Max(0, weights.Select((w, k) => w * activations[(row * shape[1] + column) * shape[2] + k]).Sum());

        // Every unit in the middle of what it sees: pixels per unit, and the middle of the first.
        (double step, double middle) = layer switch { "halved" or "second" => (2, 2), _ => (4, 3) };
        Assert.Equal((21, 18, 21 * 18), (map.Height, map.Width, map.Values.Length));
        double largest = Enumerable.Range(0, shape[0] * shape[1]).Max(p => At(p / shape[1], p % shape[1]));
        Assert.True(largest > 0);
        for (int y = 0; y < 21; y++)
            for (int x = 0; x < 18; x++)
            {
                double row = Math.Clamp((y + 0.5 - middle) / step, 0, shape[0] - 1), column = Math.Clamp((x + 0.5 - middle) / step, 0, shape[1] - 1);
                double expected = 0;
                for (int r = 0; r < shape[0]; r++)
                    for (int c = 0; c < shape[1]; c++)
                        expected += Math.Max(0, 1 - Math.Abs(row - r)) * Math.Max(0, 1 - Math.Abs(column - c)) * At(r, c);
                Assert.Equal(expected, map.Values[y * 18 + x], 1e-4 * largest);
            }
    }

    [Fact]
    public void Leaves_the_network_as_it_was()
    {
        using var small = new SmallNetwork(1, global: true);
        using Tensor input = NetworkInput.Of(small.Network, small.Image(4), PixelScaling.Rescale);
        long used = input.Device.Pool.UsedBytes;
        bool[] required = [.. small.Network.Parameters.Select(p => p.Value.RequiresGradient)];
        float[][] before = [.. small.Network.Parameters.Select(p => p.Value.ToArray())];
        GradCam.Of(small.Network, input, 1);
        Assert.Equal(used, input.Device.Pool.UsedBytes);
        Assert.Equal(required, small.Network.Parameters.Select(p => p.Value.RequiresGradient));
        Assert.Contains(true, required);
        Assert.Equal(before, small.Network.Parameters.Select(p => p.Value.ToArray()));
        Assert.All(small.Network.Parameters, p => Assert.Null(p.Value.Gradient));
    }

    [Fact]
    public void Layers_without_a_picture_are_refused()
    {
        using var small = new SmallNetwork(1, global: false);
        using Tensor input = NetworkInput.Of(small.Network, small.Image(4), PixelScaling.Rescale);
        int last = small.Network.Layers.Count - 1;
        Assert.Equal("quartered", small.Network.Layers[GradCam.LastPicture(small.Network)!.Value].Name);
        Assert.Contains("logits gives no picture", Assert.Throws<ArgumentException>(() => GradCam.Of(small.Network, input, 1, last)).Message);
        Assert.Null(GradCam.LastPicture(ModelChoice.Build(ModelKind.Mlp, 24, 2)));
    }
}
