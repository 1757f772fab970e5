using System.Text.RegularExpressions;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Weights;

/// <summary>Who made a weight file that does not say itself what its images went through.</summary>
/// <param name="Preprocessing">What they went through.</param>
/// <param name="Reason">How that is known, in words that follow "for".</param>
public sealed partial record WeightOrigin(Preprocessing Preprocessing, string Reason)
{
    // Convolutions in the five blocks of torchvision's VGG11, 13, 16 and 19.
    private static readonly int[][] torchvisionBlocks = [[1, 1, 2, 2, 2], [2, 2, 2, 2, 2], [2, 2, 3, 3, 3], [2, 2, 4, 4, 4]];

    // The first of the 64 filters of the first convolution of VGG19 as its authors and Keras published it, rows, columns, channels. Whoever stores it anew, under
    // other names, in another format or at half precision, keeps it; so does who trains the later layers.
    private static readonly float[] firstFilterOfKeras =
    [
        0.3412f, 0.4642f, 0.3942f, 0.3400f, 0.4181f, 0.3774f, -0.0448f, -0.0481f, -0.0459f,
        0.2322f, 0.3051f, 0.2671f, 0.0898f, 0.1039f, 0.0999f, -0.3033f, -0.3731f, -0.3410f,
        -0.0726f, -0.0765f, -0.0757f, -0.2467f, -0.3107f, -0.2803f, -0.3368f, -0.4645f, -0.4160f,
    ];

    // Half precision and a first layer that was trained a little: no other network is so near in all 27 numbers.
    private const float Nearness = 0.01f;

    /// <summary>The origin of a published file.</summary>
    public static WeightOrigin Of(PublishedWeights published) => new(published.Preprocessing, $"it is the published {published.Id}");

    /// <summary>
    /// The origin of a file for a network; null where nothing tells it. The names of Keras' layers tell nothing, for Convolve's networks have the same, and a
    /// file's own name tells nothing either.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="channels">Channels of the network's images; nobody publishes weights for gray ones.</param>
    public static WeightOrigin? Of(WeightFile file, int channels)
    {
        if (channels != 3) return null;
        // Numbers before names: Keras' weights may be stored under torchvision's names.
        if (BeginsLikeKeras(file)) return new WeightOrigin(Preprocessing.Caffe, "its first convolution is that of the published VGG19 of Keras");
        if (WeightCatalogue.PublishedAs(file.Path) is { } published) return Of(published);
        return HasNamesOfTorchvision(file) ? new WeightOrigin(Preprocessing.Torchvision, "its tensors have the names of torchvision's VGG") : null;
    }

    /// <summary>What to say where nothing tells the origin.</summary>
    /// <param name="taken">The preprocessing that is taken.</param>
    public static string Guess(Preprocessing taken) => $"prepared by {taken.ToString().ToLowerInvariant()}, which is a guess, for nothing in the file tells how its makers prepared theirs; "
        + "choose caffe for weights of Keras' VGG, torchvision for those of torchvision";

    private static bool BeginsLikeKeras(WeightFile file)
    {
        bool MayBeFirst(StoredTensor tensor) => tensor.Shape is [64, 3, 3, 3] or [3, 3, 3, 64];
        var first = new OrderedDictionary<string, StoredTensor>(file.Tensors.Where(tensor => MayBeFirst(tensor.Value)), StringComparer.Ordinal);
        return ConvolveLayout.Of(file with { Tensors = first }).Values.Any(kernel => kernel.Shape is [3, 3, 3, 64]
            && firstFilterOfKeras.Select((number, i) => MathF.Abs(kernel.Values[i * 64] - number)).All(difference => difference <= Nearness));
    }

    // Its layers have numbers, which activations, poolings and normalizations take as well: features.0.weight, features.2.weight, features.5.weight, …,
    // within whatever held the network when it was saved: model.features.0.weight, state_dict.module.features.0.weight, features.module.0.weight.
    private static bool HasNamesOfTorchvision(WeightFile file)
    {
        Match[] kernels = [.. file.Tensors.Where(tensor => tensor.Value.Shape.Length == 4).Select(tensor => NumberedLayer().Match(tensor.Key))];
        if (kernels.Length == 0 || kernels.Any(kernel => !kernel.Success || kernel.Groups["within"].Value != kernels[0].Groups["within"].Value)) return false;
        HashSet<string> places = [.. kernels.Select(kernel => kernel.Groups["place"].Value)];
        bool Fit(int layers) => torchvisionBlocks.Any(blocks => places.SetEquals(Places(blocks, layers).Take(places.Count).Select(place => $"{place}")));
        string Beside(Match kernel) => $"{kernel.Groups["within"].Value}{int.Parse(kernel.Groups["place"].Value) + 1}.running_mean";
        return places.Count == kernels.Length && (Fit(layers: 2) || (Fit(layers: 3) && kernels.All(kernel => file.Tensors.ContainsKey(Beside(kernel)))));
    }

    // Where the convolutions stand: each with its activation, and with a normalization between them where there are three layers for one.
    private static IEnumerable<int> Places(int[] blocks, int layers)
    {
        int place = 0;
        foreach (int convolutions in blocks)
        {
            for (int i = 0; i < convolutions; i++, place += layers) yield return place;
            place++;
        }
    }

    [GeneratedRegex(@"^(?<within>(.*[./])?features\.(module\.)?)(?<place>\d{1,3})\.weight$", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex NumberedLayer();
}
