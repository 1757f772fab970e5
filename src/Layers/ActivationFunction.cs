namespace Convolve.Layers;

/// <summary>A nonlinear function after a layer. Files name it in lower case.</summary>
public enum ActivationFunction
{
    /// <summary>None: x.</summary>
    Linear,

    /// <summary>max(0, x). Convolutions, dense layers and batch normalization apply it in the same kernel as their sums.</summary>
    Relu,

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    Sigmoid,

    /// <summary>eˣ / Σ eˣ over the last dimension.</summary>
    Softmax,
}
