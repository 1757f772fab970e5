using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Models;

/// <summary>How a network of <see cref="ModelChoice"/> is built: its regularization, its head, and what of its base is trained.</summary>
public sealed record NetworkOptions
{
    /// <summary>Default units of the head's hidden layer.</summary>
    public const int DefaultHead = 256;

    /// <summary>The value of <see cref="Freeze"/> for the whole base.</summary>
    public const string FreezeAll = "all";

    /// <summary>Fraction of activations dropped after every pooling layer, in [0, 1).</summary>
    public float Dropout { get; init; }

    /// <summary>Fraction of activations dropped after the hidden dense layer, in [0, 1).</summary>
    public float DenseDropout { get; init; }

    /// <summary>Fraction of activations dropped before the hidden dense layer of the cnn, in [0, 1).</summary>
    public float FlattenDropout { get; init; }

    /// <summary>Whether the convolutions of the cnn keep the size of their images.</summary>
    public bool SamePadding { get; init; }

    /// <summary>λ₁ of the penalty λ₁ Σ|w| on convolution kernels.</summary>
    public float L1 { get; init; }

    /// <summary>λ₂ of the penalty λ₂ Σw² on convolution kernels.</summary>
    public float L2 { get; init; }

    /// <summary>Units of the hidden layer of vgg19's head.</summary>
    public int Head { get; init; } = DefaultHead;

    /// <summary>The last layer of vgg19's base; null for all of it.</summary>
    public string? Until { get; init; }

    /// <summary><see cref="FreezeAll"/>, or the last layer of the base that is not trained; null if all of it is.</summary>
    public string? Freeze { get; init; }

    /// <summary>Learning rate of the base as a multiple of the head's; null for the same.</summary>
    public float? BaseLearningRateFactor { get; init; }
}
