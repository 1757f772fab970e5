using Convolve.Engine.Operations.Convolution;

namespace Convolve.Layers;

/// <summary>What a layer may know about the pass that it takes part in.</summary>
/// <param name="Training">Whether dropout is on, and normalizations take the statistics of the batch.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The training step, counted over the whole run; each step has random numbers of its own.</param>
/// <param name="Algorithm">How convolutions are computed.</param>
public readonly record struct Pass(
    bool Training, uint Seed = 0, long Step = 0, ConvolutionAlgorithm Algorithm = ConvolutionAlgorithm.Auto)
{
    /// <summary>A pass for prediction.</summary>
    public static Pass Inference { get; } = new(false);
}
