using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers.Networks;

/// <summary>
/// The project's own network for chest X-rays, with half a million parameters instead of the reference's 3.5 million. Almost all of those
/// are in a dense layer and learn where in an image something was in training. Here the prediction is made from means over the image, so
/// position, crop and size of the chest matter less. Batch normalization evens out contrast and allows large learning rates. Grayscale
/// input.
/// </summary>
public static class CompactNetwork
{
    /// <summary>Images smaller than this vanish in the fourth pooling.</summary>
    public const int SmallestPixels = 16;

    // Few channels at high resolution, where layers are memory-bound; at least 16 in and out from the second convolution on, and multiples
    // of 32, which fill the kernels' tiles.
    private static readonly int[][] blocks = [[16], [32], [64, 64], [128, 128], [192]];

    /// <summary>[Conv 3×3 → batch normalization, ReLU] × 1, 1, 2, 2, 1 with max pooling between → global average → logits.</summary>
    /// <param name="pixels">Side of the images, at least 16.</param>
    /// <param name="channels">Channels of the images.</param>
    /// <param name="outputs">Logits.</param>
    /// <param name="dropout">Dropout rate after every pooling.</param>
    /// <param name="denseDropout">Dropout rate before the logits.</param>
    /// <param name="l1">λ₁ on the convolution kernels.</param>
    /// <param name="l2">λ₂ on the convolution kernels.</param>
    public static Sequential Build(
        int pixels, int channels = 1, int outputs = 1, float dropout = 0, float denseDropout = 0, float l1 = 0, float l2 = 0)
    {
        var layers = new List<Layer>();
        for (var block = 1; block <= blocks.Length; block++)
        {
            for (var depth = 1; depth <= blocks[block - 1].Length; depth++)
            {
                layers.Add(new Conv2D(blocks[block - 1][depth - 1], 3)
                {
                    Name = $"block{block}_conv{depth}",
                    Padding = Padding.Same,
                    Bias = false,
                    Initializer = Initializer.HeNormal,
                    L1 = l1,
                    L2 = l2,
                });
                layers.Add(new BatchNormalization { Name = $"block{block}_norm{depth}", Activation = ActivationFunction.Relu });
            }
            if (block == blocks.Length) break;
            layers.Add(new MaxPooling2D { Name = $"block{block}_pool" });
            if (dropout > 0) layers.Add(new Dropout(dropout) { Name = $"dropout{block}" });
        }
        layers.Add(new GlobalAveragePooling2D { Name = "mean" });
        if (denseDropout > 0) layers.Add(new Dropout(denseDropout) { Name = "dense_dropout" });
        layers.Add(new Dense(outputs) { Name = "logits" });
        return new Sequential(new Shape(pixels, pixels, channels), layers);
    }
}
