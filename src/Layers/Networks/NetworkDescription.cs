using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Networks;

/// <summary>A network as JSON: its input and its layers, enough to build it again.</summary>
public static class NetworkDescription
{
    /// <summary>Describes a network.</summary>
    public static JsonObject ToJson(Sequential network) => new()
    {
        ["input"] = new JsonArray([.. network.InputShape.Sizes.Select(s => (JsonNode)s)]),
        ["layers"] = new JsonArray([.. network.Layers.Select(Describe)]),
    };

    /// <summary>Builds a described network, without memory for its parameters yet.</summary>
    /// <exception cref="FormatException">The description lacks something or names an unknown kind of layer.</exception>
    public static Sequential FromJson(JsonNode? description)
    {
        try
        {
            var input = description?["input"]?.AsArray().Select(s => (int)s!).ToArray() ?? throw new FormatException("it has no \"input\"");
            var layers = description["layers"]?.AsArray() ?? throw new FormatException("it has no \"layers\"");
            return new Sequential(new Shape(input), [.. layers.Select(l => Build(l!))]);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException or ArgumentException or NullReferenceException or FormatException or OverflowException)
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
        var name = Text(layer, "name");
        return Text(layer, "kind") switch
        {
            "conv2d" => new Conv2D(Whole(layer, "filters"), Whole(layer, "kernel"))
            {
                Name = name,
                Stride = Whole(layer, "stride"),
                Padding = Text(layer, "padding") switch
                {
                    "valid" => Padding.Valid,
                    "same" => Padding.Same,
                    // Beyond its own size a kernel would see nothing but zeros.
                    var amount => int.Parse(amount) is var zeros && zeros < Whole(layer, "kernel")
                        ? Padding.Of(zeros)
                        : throw new FormatException($"layer {name} has a padding of {zeros}, as wide as its kernel or wider"),
                },
                Bias = (bool?)layer["bias"] ?? true,
                Activation = ActivationOf(layer),
                L1 = (float?)layer["l1"] ?? 0,
                L2 = (float?)layer["l2"] ?? 0,
            },
            "dense" => new Dense(Whole(layer, "units")) { Name = name, Activation = ActivationOf(layer) },
            "batch_normalization" => new BatchNormalizationLayer
            {
                Name = name,
                Momentum = Fraction(layer, "momentum"),
                Epsilon = Fraction(layer, "epsilon"),
                Activation = ActivationOf(layer),
            },
            "max_pool2d" => new MaxPool2D(Whole(layer, "window")) { Name = name, Stride = Whole(layer, "stride") },
            "global_average_pool" => new GlobalAveragePool { Name = name },
            "flatten" => new Flatten { Name = name },
            "dropout" => new Dropout((float)(layer["rate"] ?? throw new FormatException($"layer {name} has no \"rate\""))) { Name = name },
            "activation" => new ActivationLayer(Text(layer, "function")) { Name = name },
            var kind => throw new FormatException($"layer {name} is of the unknown kind \"{kind}\""),
        };
    }

    private static Activation ActivationOf(JsonNode layer) => Text(layer, "activation") switch
    {
        "linear" => Activation.Linear,
        "relu" => Activation.Relu,
        var other => throw new FormatException($"unknown activation \"{other}\""),
    };

    private static string Text(JsonNode layer, string key) => (string?)layer[key] ?? throw new FormatException($"a layer has no \"{key}\"");

    private static float Fraction(JsonNode layer, string key) => (float?)layer[key] ?? throw new FormatException($"a layer has no \"{key}\"");

    private static int Whole(JsonNode layer, string key) => (int?)layer[key] ?? throw new FormatException($"a layer has no \"{key}\"");
}
