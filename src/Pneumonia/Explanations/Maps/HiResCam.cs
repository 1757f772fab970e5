using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// HiResCAM (Draelos and Carin, 2020): Grad-CAM with gradients kept per position. With a layer's channels A_k and the class's score s,
/// the map is max(0, Σ_k A_k ∂s/∂A_k), position by position: what each adds to the score, while Grad-CAM's mean over positions may call a
/// place important that the layers after it hardly use. Right before a mean over all positions the two are the same.
/// </summary>
/// <remarks>
/// Max pooling hands a gradient to one unit of its window and nothing to the others, which makes a map of dots. So every unit is averaged
/// with its neighbours, weighted 1-2-1 in both directions; beyond the edge, the outermost values repeat.
/// </remarks>
public static class HiResCam
{
    /// <summary>The map for a class, at the size of the image; all zeros if there is no evidence for the class.</summary>
    /// <param name="network">The network, on its device.</param>
    /// <param name="image">The input for one image, [1,H,W,C]: see <see cref="NetworkInput"/>.</param>
    /// <param name="classIndex">The class, in the order of the network's outputs.</param>
    /// <param name="layer">The layer whose output is used; by default <see cref="GradCam.DefaultLayer"/>.</param>
    /// <exception cref="ArgumentException">The layer has no spatial output, or is the last one.</exception>
    public static HeatMap Of(Sequential network, Tensor image, int classIndex, int? layer = null) =>
        Of(LayerEvidence.Of("HiResCAM", network, image, classIndex, layer));

    /// <summary>The map of a layer's evidence.</summary>
    internal static HeatMap Of(LayerEvidence evidence)
    {
        var added = new double[evidence.Rows * evidence.Columns];
        for (var i = 0; i < evidence.Gradient.Length; i++)
            added[i / evidence.Channels] += (double)evidence.Activations[i] * evidence.Gradient[i];
        for (var p = 0; p < added.Length; p++) added[p] = Math.Max(0, added[p]);
        return evidence.Spread(WithNeighbours(added, evidence.Rows, evidence.Columns));
    }

    private static float[] WithNeighbours(double[] units, int rows, int columns)
    {
        var smooth = new float[units.Length];
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
            {
                double sum = 0;
                for (var i = -1; i <= 1; i++)
                    for (var j = -1; j <= 1; j++)
                        sum += (2 - Math.Abs(i)) * (2 - Math.Abs(j))
                            * units[Math.Clamp(row + i, 0, rows - 1) * columns + Math.Clamp(column + j, 0, columns - 1)];
                smooth[row * columns + column] = (float)(sum / 16);
            }
        return smooth;
    }
}
