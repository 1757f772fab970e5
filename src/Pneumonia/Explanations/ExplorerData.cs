using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// What the page needs to repeat the arithmetic of every unit: each stage's sizes and the weights that a prediction really uses, and for each image
/// the values that go in and come out, as float32 in base64. A stage whose output is left out for its size can be neither drawn
/// nor taken apart, nor can the one after it.
/// </summary>
/// <param name="MostWeights">Weights of one stage; of larger ones some channels are taken; null for no limit.</param>
/// <param name="MostValues">Values of all images together, the smallest outputs first; null for no limit.</param>
public sealed record ExplorerData(int? MostWeights, long? MostValues)
{
    /// <summary>What a page holds without <c>--all</c>: about ten megabytes.</summary>
    public static ExplorerData Limited { get; } = new(1 << 18, 3 << 19);

    /// <summary>Everything, however much it is.</summary>
    public static ExplorerData Whole { get; } = new(null, null);

    /// <summary>The JSON document.</summary>
    public JsonObject Of(Sequential network, IReadOnlyList<ExplainedImage> images)
    {
        IReadOnlyList<PredictionStage> stages = network.Stages();
        bool[] included = Included(stages, images.Count, network.InputShape.Length);
        var described = new JsonArray();
        // Stages that hand their values on are no step of the arithmetic; -1 is the image.
        int before = -1;
        for (int s = 0; s < stages.Count; s++)
        {
            if (stages[s].KeepsValues) continue;
            JsonObject stage = Describe(network, stages[s], images.Select(image => image.Outputs[s]).First());
            stage["output"] = s;
            stage["input"] = before;
            stage["included"] = included[s];
            described.Add((JsonNode)stage);
            before = s;
        }
        return new JsonObject
        {
            ["input"] = Sizes(network.InputShape.Sizes),
            ["stages"] = described,
            ["images"] = new JsonArray([.. images.Select(image => (JsonNode)new JsonObject
            {
                ["name"] = image.Name,
                ["gray"] = Convert.ToBase64String(image.Gray),
                ["values"] = Encoded(image.Input),
                ["outputs"] = new JsonArray([.. image.Outputs.Select((output, s) =>
                    included[s] && !stages[s].KeepsValues ? (JsonNode)Encoded(output) : null)]),
            })]),
        };
    }

    private bool[] Included(IReadOnlyList<PredictionStage> stages, int images, int input)
    {
        var included = new bool[stages.Count];
        long used = (long)input * images;
        foreach (int s in Enumerable.Range(0, stages.Count).OrderBy(s => stages[s].OutputShape.Length))
        {
            if (stages[s].KeepsValues) continue;
            used += (long)stages[s].OutputShape.Length * images;
            included[s] = MostValues is not { } limit || used <= limit;
        }
        return included;
    }

    private JsonObject Describe(Sequential network, PredictionStage stage, float[] output)
    {
        var json = new JsonObject
        {
            ["name"] = stage.Name,
            ["layer"] = stage.Layer.Name,
            ["kind"] = stage.Layer.Kind,
            ["folded"] = stage.Normalization is not null,
            ["shape"] = Sizes(stage.OutputShape.Sizes),
            ["from"] = Sizes(stage.Layer.InputShape.Sizes),
            ["relu"] = stage.Relu,
        };
        (int Height, int Width, int Stride, int Top, int Left)? window = stage.Layer switch
        {
            Conv2D { Geometry: var g } => (g.KernelHeight, g.KernelWidth, g.Stride, g.PaddingTop, g.PaddingLeft),
            MaxPool2D { Geometry: var g } => (g.WindowHeight, g.WindowWidth, g.Stride, 0, 0),
            _ => null,
        };
        if (window is { } w) json["window"] = Sizes([w.Height, w.Width, w.Stride, w.Top, w.Left]);
        if (stage.Layer is ActivationLayer) json["function"] = (string)stage.Layer.Settings["function"]!;
        if (ReceptiveField.Of(network, stage.End - 1) is { Rows: var rows, Columns: var columns })
            json["field"] = Sizes([rows.First, rows.Step, rows.Size, rows.End, columns.First, columns.Step, columns.Size, columns.End]);
        if (stage.Weights() is not { } weights) return json;
        int channels = weights.Bias.Length, terms = weights.Kernel.Length / channels;
        int[] shown = ChannelChoice.Of(output, channels, MostWeights is { } most ? Math.Max(1, most / terms) : null);
        // Channel by channel, so that the weights of one lie together: [shown, KH,KW,C] or [shown, in].
        var kernels = new float[shown.Length * terms];
        for (int i = 0; i < shown.Length; i++)
            for (int t = 0; t < terms; t++) kernels[i * terms + t] = weights.Kernel[t * channels + shown[i]];
        json["channels"] = Sizes(shown);
        json["kernels"] = Encoded(kernels);
        json["biases"] = Encoded([.. shown.Select(k => weights.Bias[k])]);
        return json;
    }

    private static JsonArray Sizes(IEnumerable<int> sizes) => new([.. sizes.Select(size => (JsonNode)size)]);

    // Every machine that .NET runs on and every browser has the low byte first.
    private static string Encoded(float[] values) => Convert.ToBase64String(MemoryMarshal.AsBytes(values.AsSpan()));
}
