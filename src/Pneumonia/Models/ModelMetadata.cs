using System.Text.Json.Nodes;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Models;

/// <summary>A checkpoint's metadata beside the network: preprocessing and classes.</summary>
/// <param name="Classes">Names of the classes in the order of its outputs; of two, the positive one is second. Null if not stored.</param>
/// <param name="Resize">How images are resized.</param>
/// <param name="Labels">Where the classes come from.</param>
/// <param name="Preprocessing">Preprocessing.</param>
/// <param name="Threshold">The decision threshold chosen on validation images; null if not stored.</param>
public sealed record ModelMetadata(IReadOnlyList<string>? Classes, ResizeMethod Resize, LabelScheme Labels, Preprocessing Preprocessing,
    double? Threshold = null)
{
    /// <summary>As stored in checkpoints.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        if (Classes is not null) json["classes"] = new JsonArray([.. Classes.Select(name => (JsonNode)name)]);
        json["resize"] = Word(Resize);
        json["labels"] = Word(Labels);
        json["preprocessing"] = Word(Preprocessing);
        if (Threshold is not null) json["threshold"] = Threshold;
        return json;
    }

    /// <summary>Reads a checkpoint's metadata; missing entries get the value that versions before the entry used.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="path">Its name for messages.</param>
    /// <param name="outputs">Logits of its network.</param>
    /// <exception cref="WeightFileException">It has an invalid entry: any tool may have written it.</exception>
    public static ModelMetadata Read(Checkpoint checkpoint, string path, int outputs)
    {
        try
        {
            var json = checkpoint.Application;
            var classes = json["classes"]?.AsArray()
                .Select(name => (string?)name ?? throw new FormatException("a class has no name")).ToArray();
            var count = Classification.Classes(outputs);
            if (classes is not null && (classes.Length != count || classes.Distinct().Count() != count))
                throw new FormatException($"its network has {count} classes, its names are {string.Join(", ", classes)}");
            var threshold = (double?)json["threshold"];
            if (threshold is < 0 or > 1 or double.NaN) throw new FormatException($"the threshold {threshold} is not a probability");
            return new ModelMetadata(classes, Choice(json, "resize", ResizeMethod.Bilinear), Choice(json, "labels", LabelScheme.Folders),
                Choice(json, "preprocessing", Preprocessing.Rescale), threshold);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new WeightFileException($"{path}: its metadata cannot be used: {e.Message}", e);
        }
    }

    private static T Choice<T>(JsonObject json, string key, T unsaid) where T : struct, Enum
    {
        if (json[key] is not { } node) return unsaid;
        var word = (string?)node ?? "";
        foreach (var value in Enum.GetValues<T>())
            if (Word(value) == word) return value;
        throw new FormatException($"{key} is \"{word}\", expected one of {string.Join(", ", Enum.GetValues<T>().Select(Word))}");
    }

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
