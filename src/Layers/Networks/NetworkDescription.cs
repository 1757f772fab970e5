using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Networks;

/// <summary>A network as JSON: its input shape and layers, enough to build it again.</summary>
public static class NetworkDescription
{
    private static readonly Dictionary<string, Func<LayerDescription, Layer>> builders = new(
    [
        Of<Conv2D>(), Of<Dense>(), Of<BatchNormalization>(), Of<MaxPooling2D>(), Of<GlobalAveragePooling2D>(), Of<Flatten>(), Of<Dropout>(),
        Of<Activation>(),
    ]);

    /// <summary>Describes a network.</summary>
    public static JsonObject ToJson(Sequential network) => new()
    {
        ["input"] = new JsonArray([.. network.InputShape.Sizes.Select(s => (JsonNode)s)]),
        ["layers"] = new JsonArray([.. network.Layers.Select(Describe)]),
    };

    /// <summary>Builds a network from its description; its parameters have no memory yet.</summary>
    /// <exception cref="FormatException">The description is incomplete, or names an unknown kind of layer.</exception>
    public static Sequential FromJson(JsonNode? description)
    {
        try
        {
            var input = description?["input"]?.AsArray().Select(s => (int)s!).ToArray() ?? throw new FormatException("it has no \"input\"");
            var layers = description["layers"]?.AsArray() ?? throw new FormatException("it has no \"layers\"");
            return new Sequential(new Shape(input), [.. layers.Select(l => Build(l!))]);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException or ArgumentException or NullReferenceException
            or FormatException or OverflowException)
        {
            throw new FormatException($"the description of the network cannot be used: {e.Message}", e);
        }
    }

    private static JsonNode Describe(Layer layer)
    {
        var json = new JsonObject { ["kind"] = layer.Kind, ["name"] = layer.Name };
        foreach (var (key, value) in layer.Settings) json[key] = value?.DeepClone();
        return json;
    }

    private static Layer Build(JsonNode layer)
    {
        var description = new LayerDescription(layer);
        return builders.TryGetValue(description.Kind, out var build)
            ? build(description)
            : throw new FormatException($"layer {description.Name} is of the unknown kind \"{description.Kind}\"");
    }

    private static KeyValuePair<string, Func<LayerDescription, Layer>> Of<TLayer>() where TLayer : IDescribedLayer =>
        new(TLayer.KindInFiles, TLayer.Build);
}
