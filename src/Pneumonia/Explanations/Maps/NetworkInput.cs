using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>Turns images of the right size into a network's input.</summary>
public static class NetworkInput
{
    /// <summary>The network's input for one or more images.</summary>
    /// <param name="network">The network, on its device.</param>
    /// <param name="pixels">[N, …the network's input].</param>
    /// <param name="scaling">What becomes of a byte.</param>
    /// <returns>[N, …input], a tensor that the caller disposes.</returns>
    public static Tensor Of(Sequential network, ReadOnlySpan<byte> pixels, PixelScaling scaling)
    {
        var count = pixels.Length / network.InputShape.Length;
        using var staged = new StagedPixels(network.Device!, pixels.Length);
        staged.Upload(pixels);
        var input = Tensor.Uninitialized(network.Device!, new Shape([count, .. network.InputShape.Sizes]));
        PixelConversionOperation.Apply(staged, input, scaling);
        return input;
    }
}
