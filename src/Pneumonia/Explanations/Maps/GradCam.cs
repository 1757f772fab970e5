using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// Grad-CAM (Selvaraju et al., 2017): where in the image a layer found evidence for a class. With a layer's channels A_k and the class's
/// score s, the map is max(0, Σ_k α_k A_k), where α_k is the mean of ∂s/∂A_k over all positions: a channel counts as much as the score
/// would rise with it. Where the layers after it weigh one position differently from another, <see cref="HiResCam"/> says more.
/// </summary>
public static class GradCam
{
    /// <summary>The fewest units across that a layer needs for its map to show where something is.</summary>
    public const int FewestUnits = 12;

    /// <summary>
    /// The last layer whose output is at least <see cref="FewestUnits"/> units high and wide; in a network without one, the last with a
    /// spatial output; null if there is none.
    /// </summary>
    /// <remarks>
    /// The last layer shows best what is in the image, but not where: a kernel may respond in a unit beside the object as well as in the
    /// one over it, since nothing in training rewards the position. In a network trained on synthetic X-rays of 96 pixels most peaks of the
    /// last layer, whose units are 16 pixels apart, lay one unit above the opacity. So a unit should be no wider than the object.
    /// </remarks>
    public static int? DefaultLayer(Sequential network) =>
        LastPicture(network, FewestUnits) ?? LastPicture(network, 1);

    /// <summary>The map for a class, at the size of the image; all zeros if there is no evidence for the class.</summary>
    /// <param name="network">The network, on its device.</param>
    /// <param name="image">The input for one image, [1,H,W,C]: see <see cref="NetworkInput"/>.</param>
    /// <param name="classIndex">The class, in the order of the network's outputs.</param>
    /// <param name="layer">The layer whose output is used; by default <see cref="DefaultLayer"/>.</param>
    /// <exception cref="ArgumentException">The layer has no spatial output, or is the last one.</exception>
    public static HeatMap Of(Sequential network, Tensor image, int classIndex, int? layer = null) =>
        Of(LayerEvidence.Of("Grad-CAM", network, image, classIndex, layer));

    /// <summary>The map of a layer's evidence.</summary>
    internal static HeatMap Of(LayerEvidence evidence)
    {
        int positions = evidence.Rows * evidence.Columns, channels = evidence.Channels;
        var weights = new double[channels];
        for (var i = 0; i < evidence.Gradient.Length; i++) weights[i % channels] += evidence.Gradient[i] / (double)positions;
        var map = new float[positions];
        for (var p = 0; p < positions; p++)
        {
            double sum = 0;
            for (var k = 0; k < channels; k++) sum += weights[k] * evidence.Activations[p * channels + k];
            map[p] = (float)Math.Max(0, sum);
        }
        return evidence.Spread(map);
    }

    /// <summary>The map drawn over the gray image, as a PNG file.</summary>
    /// <param name="image">[H,W,channels] bytes of an image of the map's size.</param>
    /// <param name="map">The map.</param>
    public static byte[] Draw(ReadOnlySpan<byte> image, HeatMap map) => HeatPicture.Over(image, map, HeatScale.UpTo(map.Largest)).ToPng();

    private static int? LastPicture(Sequential network, int units)
    {
        for (var layer = network.Layers.Count - 1; layer >= 0; layer--)
            if (network.Layers[layer] is not Dropout && network.Layers[layer].OutputShape is { Rank: 3 } shape
                && Math.Min(shape[0], shape[1]) >= units) return layer;
        return null;
    }
}
