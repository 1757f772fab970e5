using Convolve.Layers.Parameters;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Assigns the tensors of a weight file to the layers of a network. If tensors are named after the layers, as in Keras's and Convolve's
/// files (<c>block1_conv1/…</c>), by name; else, as in PyTorch's (<c>features.0.weight</c>), by order: the n-th convolution of the file is
/// the n-th of the network, and likewise for dense layers and normalizations. If a layer has one tensor of rank 1, it is the bias. The four
/// tensors of a normalization have the same shape and are distinguished by name.
/// </summary>
public sealed class PretrainedWeights
{
    // The names of a normalization's parameters in Convolve, Keras and PyTorch; the running mean identifies one.
    private static readonly string[] runningMean = ["running_mean", "moving_mean"];
    private static readonly string[][] synonyms =
        [["scale", "gamma", "weight"], ["shift", "beta", "bias"], runningMean, ["running_variance", "moving_variance", "running_var"]];

    private readonly List<(Parameter Parameter, StoredTensor Tensor)> pairs = [];
    private readonly List<string> missing = [], misshapen = [], unexpected = [];
    private readonly OrderedDictionary<string, StoredTensor> tensors;
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private readonly string path;

    /// <summary>Assigns the tensors of a file to layers.</summary>
    /// <param name="file">The file, in any layout.</param>
    /// <param name="layers">The layers to fill, including those without parameters.</param>
    public PretrainedWeights(WeightFile file, IReadOnlyList<Layer> layers)
    {
        path = file.Path;
        tensors = ConvolveLayout.Of(file);
        var byName = layers.Any(layer => layer.Parameters.Count > 0 && tensors.Keys.Any(name => BelongsTo(name, layer.Name)));
        var places = new Dictionary<int, int>();
        foreach (var layer in layers.Where(layer => layer.Parameters.Count > 0))
        {
            // The kernel's rank tells convolutions from dense layers, and a running mean a normalization; the tensors of a layer share a
            // name up to its last part.
            var rank = layer.Parameters.Max(parameter => parameter.Shape.Rank);
            var place = places[rank] = places.GetValueOrDefault(rank) + 1;
            var names = byName
                ? [.. tensors.Keys.Where(name => BelongsTo(name, layer.Name))]
                : SameLayer(tensors
                    .Where(tensor => tensor.Value.Shape.Length == rank && (rank > 1 || runningMean.Contains(LastPart(tensor.Key))))
                    .Skip(place - 1).Select(tensor => tensor.Key).FirstOrDefault());
            var alike = layer.Parameters.Count(parameter => parameter.Shape.Rank == 1) > 1;
            foreach (var parameter in layer.Parameters)
            {
                var isVector = parameter.Shape.Rank == 1;
                var name = names.FirstOrDefault(name => !used.Contains(name) && tensors[name].Shape.Length == 1 == isVector
                    && (!(isVector && alike) || MeansTheSame(LastPart(name), LastPart(parameter.Name))));
                if (name is null)
                {
                    missing.Add(parameter.Name);
                    FirstUnfilled ??= layer;
                    continue;
                }
                used.Add(name);
                if (parameter.Shape.Sizes.AsSpan().SequenceEqual(tensors[name].Shape)) pairs.Add((parameter, tensors[name]));
                else misshapen.Add($"{name} is [{string.Join(',', tensors[name].Shape)}] where {parameter.Name} is {parameter.Shape}");
            }
        }
        unexpected.AddRange(tensors.Keys.Where(name => !used.Contains(name)));
    }

    /// <summary>Parameters for which the file has no tensor.</summary>
    public IReadOnlyList<string> Missing => missing;

    /// <summary>The first layer with a missing parameter; null if none is missing.</summary>
    public Layer? FirstUnfilled { get; private set; }

    /// <summary>Tensors whose shape differs from their parameter's, one phrase each.</summary>
    public IReadOnlyList<string> Misshapen => misshapen;

    /// <summary>Tensors that no layer takes: of further layers, or of another network.</summary>
    public IReadOnlyList<string> Unexpected => unexpected;

    /// <summary>Overwrites the parameters.</summary>
    /// <exception cref="WeightFileException">A parameter would keep its random values; the message lists what is missing or has another
    /// shape.</exception>
    public void Load()
    {
        RequireFit();
        foreach (var (parameter, tensor) in pairs) parameter.Value.CopyFrom(tensor.Values);
    }

    /// <summary>Checks that every parameter gets values; none of them needs memory yet.</summary>
    /// <exception cref="WeightFileException">
    /// A parameter would keep its random values, and the message lists what is missing or has another shape; or the file's other tensors
    /// belong to another network; or a value is NaN or infinite.
    /// </exception>
    public void RequireFit()
    {
        if (missing.Count > 0 || misshapen.Count > 0)
            throw new WeightFileException($"{path}: does not fill the network: {string.Join("; ", new[]
            {
                missing.Count > 0 ? $"missing {List(missing)}" : null,
                misshapen.Count > 0 ? $"of another shape: {List(misshapen)}" : null,
                unexpected.Count > 0 ? $"not used {List(unexpected)}" : null,
            }.OfType<string>())}");
        if ((NormalizationBetween() ?? AnotherNetwork()) is { } foreign) throw new WeightFileException($"{path}: {foreign}");
        List<string> notNumbers = [.. pairs.Where(pair => !pair.Tensor.IsFinite).Select(pair => pair.Parameter.Name)];
        if (notNumbers.Count > 0) throw new WeightFileException($"{path}: holds values that are no numbers, in {List(notNumbers)}");
    }

    // Also if the network was a layer of another one: vgg19/block1_conv1/kernel.
    private static bool BelongsTo(string name, string layer) =>
        name.StartsWith(layer + "/", StringComparison.Ordinal) || name.StartsWith(layer + ".", StringComparison.Ordinal)
        || name.Contains("/" + layer + "/", StringComparison.Ordinal);

    // Layers before or after the requested ones may stay unused, but not layers between two of them.
    private string? NormalizationBetween()
    {
        string[] names = [.. tensors.Keys];
        var (first, last) = (Array.FindIndex(names, used.Contains), Array.FindLastIndex(names, used.Contains));
        return first >= 0 && names[first..last].FirstOrDefault(name =>
            !used.Contains(name) && runningMean.Contains(LastPart(name))) is { } norm
            ? $"holds a normalization ({norm}) that the network does not have; its other weights mean nothing without it"
            : null;
    }

    // ema.features.0.weight beside model.features.0.weight: ambiguous.
    private string? AnotherNetwork()
    {
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in used)
            if (WithinNetwork(name) is { } place) places[place] = name;
        return tensors.Keys.FirstOrDefault(name =>
            !used.Contains(name) && WithinNetwork(name) is { } place && places.TryGetValue(place, out var same)
            && tensors[same].Shape.AsSpan().SequenceEqual(tensors[name].Shape)) is { } other
            ? $"holds several networks, {places[WithinNetwork(other)!]} of one and {other} of another; leave only one in the file"
            : null;
    }

    // The name without its first part, which may be a network's; features.0 and classifier.0 are two layers of one network.
    private static string? WithinNetwork(string name) =>
        name.IndexOfAny(['.', '/']) is var end && end >= 0 && name[(end + 1)..] is [not (>= '0' and <= '9'), ..] rest
        && rest.IndexOfAny(['.', '/']) >= 0 ? rest : null;

    // Keras adds a number: gamma:0.
    private static string LastPart(string name) => name[(name.LastIndexOfAny(['/', '.']) + 1)..].Split(':')[0];

    private static bool MeansTheSame(string name, string parameter) =>
        name == parameter || synonyms.Any(words => words.Contains(name) && words.Contains(parameter));

    private string[] SameLayer(string? kernel)
    {
        if (kernel is null) return [];
        var prefix = kernel[..(kernel.LastIndexOfAny(['.', '/']) + 1)];
        return [kernel, .. tensors.Keys.Where(name =>
            name != kernel && prefix.Length > 0 && name.StartsWith(prefix, StringComparison.Ordinal))];
    }

    private static string List(List<string> names)
    {
        // Tensor names in files are arbitrary.
        const int Shown = 6, Longest = 100;
        var shown = names.Take(Shown).Select(name => name.Length > Longest ? $"{name[..Longest]}…" : name);
        return string.Join(", ", shown) + (names.Count > Shown ? $" and {names.Count - Shown} more" : "");
    }
}
