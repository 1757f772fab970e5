using System.IO.Compression;
using System.Text.Json.Nodes;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// What the page needs to repeat the arithmetic of every unit: each stage's sizes and the weights that a prediction really uses, and for
/// each image the values that go in and come out, to the bit. For a stage that the page computes itself, it holds how much the
/// engine's numbers differ, which is little: see <see cref="RepeatedArithmetic"/>. A stage whose output is left out for its size can be
/// neither drawn nor taken apart, nor can the one after it.
/// </summary>
/// <param name="MostWeights">Weights of one stage; of larger ones some channels are taken; null for no limit.</param>
/// <param name="MostValues">Values of all images together, the smallest outputs first; null for no limit.</param>
public sealed record ExplorerData(int? MostWeights, long? MostValues)
{
    // Products of all images together that a page may compute when it is opened: a second or two.
    private const long MostProducts = 1 << 29;

    /// <summary>What a page holds without <c>--all</c>: three megabytes of a compact network.</summary>
    public static ExplorerData Limited { get; } = new(1 << 18, 3 << 19);

    /// <summary>Everything, whatever its size.</summary>
    public static ExplorerData Whole { get; } = new(null, null);

    /// <summary>The JSON document.</summary>
    public JsonObject Of(Sequential network, IReadOnlyList<ExplainedImage> images)
    {
        var stages = network.Stages();
        var included = Included(stages, images.Count, network.InputShape.Length);
        var described = new JsonArray();
        var outputs = images.Select(_ => new JsonArray([.. stages.Select(_ => (JsonNode?)null)])).ToArray();
        // Stages that keep their values unchanged are not steps of the arithmetic; -1 is the image.
        var before = -1;
        long products = 0;
        for (var s = 0; s < stages.Count; s++)
        {
            if (stages[s].KeepsValues) continue;
            var at = before;
            var weights = Weights(stages[s], images[0].Outputs[s]);
            var repeated = included[s] && (at < 0 || included[at])
                && (weights is null || weights.Channels.Length == stages[s].OutputShape[^1])
                && RepeatedArithmetic.Products(stages[s]) is { } more && (products += more * images.Count) <= MostProducts;
            var stage = Describe(network, stages[s], weights);
            stage["output"] = s;
            stage["input"] = before;
            stage["included"] = included[s];
            stage["repeated"] = repeated;
            described.Add((JsonNode)stage);
            for (var i = 0; i < images.Count && included[s]; i++)
            {
                outputs[i][s] = Packed(images[i].Outputs[s], repeated
                    ? RepeatedArithmetic.Of(stages[s], at < 0 ? images[i].Input : images[i].Outputs[at], weights?.Kernels ?? [],
                        weights?.Biases ?? []) : null);
            }
            before = s;
        }
        return new JsonObject
        {
            ["input"] = Sizes(network.InputShape.Sizes),
            ["stages"] = described,
            ["images"] = new JsonArray([.. images.Select((image, i) => (JsonNode)new JsonObject
            {
                ["name"] = image.Name,
                ["gray"] = Convert.ToBase64String(image.Gray),
                ["values"] = Packed(image.Input),
                ["outputs"] = outputs[i],
            })]),
        };
    }

    private bool[] Included(IReadOnlyList<PredictionStage> stages, int images, int input)
    {
        var included = new bool[stages.Count];
        var used = (long)input * images;
        foreach (var s in Enumerable.Range(0, stages.Count).OrderBy(s => stages[s].OutputShape.Length))
        {
            if (stages[s].KeepsValues) continue;
            used += (long)stages[s].OutputShape.Length * images;
            included[s] = MostValues is not { } limit || used <= limit;
        }
        return included;
    }

    // Channel by channel, so that the weights of one lie together: Kernels [channels, KH,KW,C] or [channels, in].
    private sealed record StageWeights(int[] Channels, float[] Kernels, float[] Biases);

    private StageWeights? Weights(PredictionStage stage, float[] output)
    {
        if (stage.Weights() is not { } weights) return null;
        int channels = weights.Bias.Length, terms = weights.Kernel.Length / channels;
        var shown = ChannelChoice.Of(output, channels, MostWeights is { } most ? Math.Max(1, most / terms) : null);
        var kernels = new float[shown.Length * terms];
        for (var i = 0; i < shown.Length; i++)
            for (var t = 0; t < terms; t++) kernels[i * terms + t] = weights.Kernel[t * channels + shown[i]];
        return new StageWeights(shown, kernels, [.. shown.Select(k => weights.Bias[k])]);
    }

    private static JsonObject Describe(Sequential network, PredictionStage stage, StageWeights? weights)
    {
        var json = new JsonObject
        {
            ["name"] = stage.Name,
            ["layer"] = stage.Layer.Name,
            ["kind"] = stage.Layer.Kind,
            ["folded"] = stage.IsFolded,
            ["shape"] = Sizes(stage.OutputShape.Sizes),
            ["from"] = Sizes(stage.Layer.InputShape.Sizes),
            ["relu"] = stage.Relu,
        };
        (int Height, int Width, int Stride, int Top, int Left)? window = stage.Layer switch
        {
            Conv2D { Geometry: var g } => (g.KernelHeight, g.KernelWidth, g.Stride, g.PaddingTop, g.PaddingLeft),
            MaxPooling2D { Geometry: var g } => (g.WindowHeight, g.WindowWidth, g.Stride, 0, 0),
            _ => null,
        };
        if (window is { } w) json["window"] = Sizes([w.Height, w.Width, w.Stride, w.Top, w.Left]);
        if (stage.Layer is Activation) json["function"] = (string)stage.Layer.Settings["function"]!;
        if (ReceptiveField.Of(network, stage.End - 1) is { Rows: var rows, Columns: var columns })
            json["field"] = Sizes([rows.First, rows.Step, rows.Size, rows.End, columns.First, columns.Step, columns.Size, columns.End]);
        if (weights is null) return json;
        json["channels"] = Sizes(weights.Channels);
        json["kernels"] = Packed(weights.Kernels);
        json["biases"] = Packed(weights.Biases);
        return json;
    }

    private static JsonArray Sizes(IEnumerable<int> sizes) => new([.. sizes.Select(size => (JsonNode)size)]);

    /// <summary>
    /// Floats as text: their bits as integers, less those of the expected values, small ones of either sign to small numbers (zigzag), all
    /// lowest bytes first, then the second ones, and so on, deflated, in base64.
    /// </summary>
    private static string Packed(float[] values, float[]? expected = null)
    {
        var count = values.Length;
        var planes = new byte[4 * count];
        for (var i = 0; i < count; i++)
        {
            var difference = BitConverter.SingleToInt32Bits(values[i])
                - (expected is null ? 0 : BitConverter.SingleToInt32Bits(expected[i]));
            var folded = (difference << 1) ^ (difference >> 31);
            for (var b = 0; b < 4; b++) planes[b * count + i] = (byte)(folded >> (8 * b));
        }
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(planes);
        return Convert.ToBase64String(packed.GetBuffer(), 0, (int)packed.Length);
    }
}
