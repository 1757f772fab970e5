using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Networks;

/// <summary>The networks of the reference experiments. Outputs are logits: one for two classes, else one per class.</summary>
public static class ReferenceNetworks
{
    /// <summary>Flatten → Dense 20 → 7 → 5 → logits.</summary>
    public static Sequential Mlp(int pixels, int channels = 3, int outputs = 1) => new(new Shape(pixels, pixels, channels),
    [
        new Flatten { Name = "flatten" },
        new Dense(20) { Name = "dense1", Activation = ActivationFunction.Relu },
        new Dense(7) { Name = "dense2", Activation = ActivationFunction.Relu },
        new Dense(5) { Name = "dense3", Activation = ActivationFunction.Relu },
        new Dense(outputs) { Name = "logits" },
    ]);

    /// <summary>
    /// [Conv 3×3 → MaxPool 2×2 (→ Dropout)] × 4 with 32, 64, 128, 128 filters (→ Dropout) → Dense 512 (→ Dropout) → logits.
    /// </summary>
    /// <param name="pixels">Side of the images, at least 46, with same padding 16: smaller images vanish in the fourth block.</param>
    /// <param name="channels">Channels of the images.</param>
    /// <param name="outputs">Logits.</param>
    /// <param name="dropout">Dropout rate after every pooling.</param>
    /// <param name="denseDropout">Dropout rate after the dense layer.</param>
    /// <param name="l1">λ₁ on the convolution kernels.</param>
    /// <param name="l2">λ₂ on the convolution kernels.</param>
    /// <param name="samePadding">Whether convolutions pad their input with zeros to keep its size.</param>
    /// <param name="flattenDropout">Dropout rate before the dense layer.</param>
    public static Sequential Cnn(int pixels, int channels = 3, int outputs = 1, float dropout = 0, float denseDropout = 0, float l1 = 0,
        float l2 = 0,
        bool samePadding = false, float flattenDropout = 0)
    {
        var layers = new List<Layer>();
        int[] filters = [32, 64, 128, 128];
        for (var block = 1; block <= filters.Length; block++)
        {
            layers.Add(new Conv2D(filters[block - 1], 3)
            {
                Name = $"conv{block}",
                Padding = samePadding ? Padding.Same : Padding.Valid,
                Activation = ActivationFunction.Relu,
                L1 = l1,
                L2 = l2,
            });
            layers.Add(new MaxPooling2D { Name = $"pool{block}" });
            if (dropout > 0) layers.Add(new Dropout(dropout) { Name = $"dropout{block}" });
        }
        layers.Add(new Flatten { Name = "flatten" });
        if (flattenDropout > 0) layers.Add(new Dropout(flattenDropout) { Name = "flatten_dropout" });
        layers.Add(new Dense(512) { Name = "dense1", Activation = ActivationFunction.Relu });
        if (denseDropout > 0) layers.Add(new Dropout(denseDropout) { Name = "dense_dropout" });
        layers.Add(new Dense(outputs) { Name = "logits" });
        return new Sequential(new Shape(pixels, pixels, channels), layers);
    }

    /// <summary>
    /// VGG19 (Simonyan and Zisserman, 2014) without its top, with Keras' layer names, then Flatten → Dense (→ Dropout) → logits.
    /// </summary>
    /// <param name="pixels">Side of the images, at least 32 for the whole base.</param>
    /// <param name="channels">Channels of the images.</param>
    /// <param name="outputs">Logits.</param>
    /// <param name="head">Units of the dense layer.</param>
    /// <param name="until">The last layer of the base; all of it if omitted.</param>
    /// <param name="denseDropout">Dropout rate after the dense layer.</param>
    /// <exception cref="ArgumentException">The base has no such layer, or the images are too small for it.</exception>
    public static Sequential Vgg19(int pixels, int channels = 3, int outputs = 1, int head = 256, string until = "block5_pool",
        float denseDropout = 0)
    {
        var layers = Vgg19Base();
        var last = layers.FindIndex(layer => layer.Name == until);
        if (last < 0) throw new ArgumentException($"vgg19: its base has no layer {until}");
        layers.RemoveRange(last + 1, layers.Count - last - 1);
        layers.Add(new Flatten { Name = Vgg19Head });
        layers.Add(new Dense(head) { Name = "dense1", Activation = ActivationFunction.Relu });
        if (denseDropout > 0) layers.Add(new Dropout(denseDropout) { Name = "dense_dropout" });
        layers.Add(new Dense(outputs) { Name = "logits" });
        return new Sequential(new Shape(pixels, pixels, channels), layers);
    }

    /// <summary>The layers of VGG19's base by name, in order.</summary>
    public static IReadOnlyList<string> Vgg19BaseLayers { get; } = [.. Vgg19Base().Select(layer => layer.Name)];

    /// <summary>The first layer of the head of <see cref="Vgg19"/>.</summary>
    public static string Vgg19Head => "flatten";

    /// <summary>The layers of VGG19's base, in no network yet.</summary>
    internal static List<Layer> Vgg19Base()
    {
        var layers = new List<Layer>();
        (int Filters, int Depth)[] blocks = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)];
        for (var block = 1; block <= blocks.Length; block++)
        {
            for (var depth = 1; depth <= blocks[block - 1].Depth; depth++)
                layers.Add(new Conv2D(blocks[block - 1].Filters, 3)
                {
                    Name = $"block{block}_conv{depth}",
                    Padding = Padding.Same,
                    Activation = ActivationFunction.Relu,
                });
            layers.Add(new MaxPooling2D { Name = $"block{block}_pool" });
        }
        return layers;
    }
}
