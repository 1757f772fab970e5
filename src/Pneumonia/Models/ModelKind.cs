namespace Convolve.Pneumonia.Models;

/// <summary>A network of the reference experiments, or the project's own.</summary>
public enum ModelKind
{
    Mlp,
    Cnn,
    Vgg19,

    /// <summary>The project's own: small, for grayscale images.</summary>
    Compact,
}
