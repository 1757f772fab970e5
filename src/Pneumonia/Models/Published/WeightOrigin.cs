using System.Text.RegularExpressions;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Models;

/// <summary>Who made a weight file that does not state its preprocessing.</summary>
/// <param name="Preprocessing">The preprocessing that the file expects.</param>
/// <param name="Reason">How that is known, as words that follow "because".</param>
public sealed partial record WeightOrigin(Preprocessing Preprocessing, string Reason)
{
    // Convolutions in the five blocks of torchvision's VGG11, 13, 16 and 19.
    private static readonly int[][] torchvisionBlocks = [[1, 1, 2, 2, 2], [2, 2, 2, 2, 2], [2, 2, 3, 3, 3], [2, 2, 4, 4, 4]];

    // The first of the 64 filters of VGG19's first convolution as published: rows, columns, channels. It survives other names, formats and
    // half precision, and further training of later layers.
    private static readonly float[] firstFilterOfKeras =
    [
        0.3412f, 0.4642f, 0.3942f, 0.3400f, 0.4181f, 0.3774f, -0.0448f, -0.0481f, -0.0459f,
        0.2322f, 0.3051f, 0.2671f, 0.0898f, 0.1039f, 0.0999f, -0.3033f, -0.3731f, -0.3410f,
        -0.0726f, -0.0765f, -0.0757f, -0.2467f, -0.3107f, -0.2803f, -0.3368f, -0.4645f, -0.4160f,
    ];

    // Allows for half precision and a first layer that was trained a little; no other network comes this close in all 27 numbers.
    private const float Nearness = 0.01f;

    /// <summary>The origin of a published file.</summary>
    public static WeightOrigin Of(PublishedWeights published) => new(published.Preprocessing, $"it is the published {published.Id}");

    /// <summary>
    /// The origin of a file for a network; null if it is unknown. The names of Keras' layers prove nothing, because Convolve's networks use
    /// the same names, and neither does the file's own name.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="channels">Channels of the network's images; there are no published weights for grayscale.</param>
    public static WeightOrigin? Of(WeightFile file, int channels)
    {
        if (channels != 3) return null;
        // Values before names: Keras' weights may be stored under torchvision's names.
        if (BeginsLikeKeras(file))
            return new WeightOrigin(Preprocessing.Caffe, "its first convolution is that of the published VGG19 of Keras");
        if (WeightCatalogue.PublishedAs(file.Path) is { } published) return Of(published);
        return HasNamesOfTorchvision(file)
            ? new WeightOrigin(Preprocessing.Torchvision, "its tensors have the names of torchvision's VGG") : null;
    }

    /// <summary>The note for a file of unknown origin.</summary>
    /// <param name="taken">The preprocessing that is used.</param>
    public static string Guess(Preprocessing taken) => $"prepared by {taken.ToString().ToLowerInvariant()}, which is a guess: the file "
        + "does not say how the images of its training were prepared; choose caffe for Keras' VGG weights, torchvision for torchvision's";

    private static bool BeginsLikeKeras(WeightFile file)
    {
        bool MayBeFirst(StoredTensor tensor) => tensor.Shape is [64, 3, 3, 3] or [3, 3, 3, 64];
        var first = new OrderedDictionary<string, StoredTensor>(file.Tensors.Where(tensor => MayBeFirst(tensor.Value)),
            StringComparer.Ordinal);
        return ConvolveLayout.Of(file with { Tensors = first }).Values.Any(kernel => kernel.Shape is [3, 3, 3, 64]
            && firstFilterOfKeras.Select((number, i) => MathF.Abs(kernel.Values[i * 64] - number))
                .All(difference => difference <= Nearness));
    }

    // Layers are numbered, activations, poolings and normalizations included: features.0.weight, features.2.weight, features.5.weight, …,
    // perhaps below the objects that held the network: state_dict.module.features.0.weight, features.module.0.weight.
    private static bool HasNamesOfTorchvision(WeightFile file)
    {
        Match[] kernels =
            [.. file.Tensors.Where(tensor => tensor.Value.Shape.Length == 4).Select(tensor => NumberedLayer().Match(tensor.Key))];
        if (kernels.Length == 0
            || kernels.Any(kernel => !kernel.Success || kernel.Groups["within"].Value != kernels[0].Groups["within"].Value)) return false;
        HashSet<string> places = [.. kernels.Select(kernel => kernel.Groups["place"].Value)];
        bool Fit(int layers) =>
            torchvisionBlocks.Any(blocks => places.SetEquals(Places(blocks, layers).Take(places.Count).Select(place => $"{place}")));
        string Beside(Match kernel) => $"{kernel.Groups["within"].Value}{int.Parse(kernel.Groups["place"].Value) + 1}.running_mean";
        return places.Count == kernels.Length
            && (Fit(layers: 2) || (Fit(layers: 3) && kernels.All(kernel => file.Tensors.ContainsKey(Beside(kernel)))));
    }

    // The positions of the convolutions: each is followed by an activation, and with three layers per convolution also by a normalization.
    private static IEnumerable<int> Places(int[] blocks, int layers)
    {
        var place = 0;
        foreach (var convolutions in blocks)
        {
            for (var i = 0; i < convolutions; i++, place += layers) yield return place;
            place++;
        }
    }

    [GeneratedRegex(@"^(?<within>(.*[./])?features\.(module\.)?)(?<place>\d{1,3})\.weight$",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex NumberedLayer();
}
