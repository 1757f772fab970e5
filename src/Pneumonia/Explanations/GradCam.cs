using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// Grad-CAM (Selvaraju et al., 2017): where in the picture a layer saw what speaks for a class. With a layer's channels A_k and the class's
/// score s, the map is max(0, Σ_k α_k A_k), where α_k is the mean of ∂s/∂A_k over all positions: a channel counts as much as the score
/// would rise with it.
/// </summary>
public static class GradCam
{
    /// <summary>The last layer that gives a picture: the output of the last convolution or pooling; null if no layer does.</summary>
    public static int? LastPicture(Sequential network)
    {
        for (int layer = network.Layers.Count - 1; layer >= 0; layer--)
            if (network.Layers[layer] is not Dropout && network.Layers[layer].OutputShape.Rank == 3) return layer;
        return null;
    }

    /// <summary>The map for a class, at the size of the image; all zeros where nothing speaks for the class.</summary>
    /// <param name="network">The network, on its device.</param>
    /// <param name="image">One image as the network takes it, [1,H,W,C]: see <see cref="NetworkInput"/>.</param>
    /// <param name="classIndex">The class, in the order of the network's outputs.</param>
    /// <param name="layer">The layer whose output is looked at; by default <see cref="LastPicture"/>.</param>
    /// <exception cref="ArgumentException">The layer gives no picture, or nothing comes after it.</exception>
    public static HeatMap Of(Sequential network, Tensor image, int classIndex, int? layer = null)
    {
        int at = layer ?? LastPicture(network) ?? throw new ArgumentException("Grad-CAM: no layer of the network gives a picture");
        if (ReceptiveField.Of(network, at) is not { } field || at + 1 >= network.Layers.Count)
            throw new ArgumentException($"Grad-CAM: layer {network.Layers[at].Name} gives no picture that others would make an answer of");
        Shape shape = network.Layers[at].OutputShape;
        using Tensor channels = network.Part(0, at + 1).Predict(image);
        using var upstream = Tensor.FromValues(image.Device, new Shape(1, network.OutputShape.Length),
            ClassScore.Gradient(network.OutputShape.Length, classIndex));
        using Tensor gradient = network.Part(at + 1, network.Layers.Count).InputGradient(channels, upstream);
        float[] map = Weigh(channels.ToArray(), gradient.ToArray(), shape[2]);
        return HeatMap.Spread(map, shape[0], shape[1], field, network.InputShape[0], network.InputShape[1]);
    }

    /// <summary>The map drawn over the gray image, as a PNG file.</summary>
    /// <param name="image">[H,W,channels] bytes of an image of the map's size.</param>
    /// <param name="map">The map.</param>
    public static byte[] Draw(ReadOnlySpan<byte> image, HeatMap map) => HeatPicture.Over(image, map, HeatScale.UpTo(map.Largest)).ToPng();

    // channels, gradient [positions, count] → [positions]
    private static float[] Weigh(float[] channels, float[] gradient, int count)
    {
        int positions = channels.Length / count;
        var weights = new double[count];
        for (int i = 0; i < gradient.Length; i++) weights[i % count] += gradient[i] / (double)positions;
        var map = new float[positions];
        for (int p = 0; p < positions; p++)
        {
            double sum = 0;
            for (int k = 0; k < count; k++) sum += weights[k] * channels[p * count + k];
            map[p] = (float)Math.Max(0, sum);
        }
        return map;
    }
}
