using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Weights;

/// <summary>Who made a weight file that does not say itself what its images went through.</summary>
/// <param name="Preprocessing">What they went through.</param>
/// <param name="Reason">How that is known, in words that follow "for".</param>
public sealed record WeightOrigin(Preprocessing Preprocessing, string Reason)
{
    // Convolutions in the five blocks of torchvision's VGG11, 13, 16 and 19.
    private static readonly int[][] torchvisionBlocks = [[1, 1, 2, 2, 2], [2, 2, 2, 2, 2], [2, 2, 3, 3, 3], [2, 2, 4, 4, 4]];

    /// <summary>The origin of a published file.</summary>
    public static WeightOrigin Of(PublishedWeights published) => new(published.Preprocessing, $"it is the published {published.Id}");

    /// <summary>
    /// The origin of a file for a network; null where nothing tells it. The names of Keras' layers tell nothing: Convolve's networks have the same.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="channels">Channels of the network's images; nobody publishes weights for gray ones.</param>
    public static WeightOrigin? Of(WeightFile file, int channels)
    {
        if (channels != 3) return null;
        if (HasNamesOfTorchvision(file)) return new WeightOrigin(Preprocessing.Torchvision, "its tensors have the names of torchvision's VGG");
        return WeightCatalogue.PublishedAs(file.Path) is { } published ? Of(published) : null;
    }

    // Its layers have numbers, which activations and poolings take as well: features.0.weight, features.2.weight, features.5.weight, …
    private static bool HasNamesOfTorchvision(WeightFile file)
    {
        HashSet<string> kernels = [.. file.Tensors.Where(tensor => tensor.Value.Shape.Length == 4).Select(tensor => tensor.Key)];
        return kernels.Count > 0 && torchvisionBlocks.Any(blocks => kernels.SetEquals(Places(blocks).Take(kernels.Count).Select(place => $"features.{place}.weight")));
    }

    private static IEnumerable<int> Places(int[] blocks)
    {
        int place = 0;
        foreach (int convolutions in blocks)
        {
            for (int i = 0; i < convolutions; i++, place += 2) yield return place;
            place++;
        }
    }
}
