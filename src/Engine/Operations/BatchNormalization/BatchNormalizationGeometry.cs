using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.BatchNormalization;

/// <summary>Every size of a batch normalization: input and output [rows, channels], where a row is a pixel of an image or a whole
/// sample.</summary>
/// <param name="Rows">Values of each channel: N·H·W of images [N,H,W,C], N of rows [N,C].</param>
/// <param name="Channels">C.</param>
public readonly record struct BatchNormalizationGeometry(int Rows, int Channels)
{
    /// <summary>Computes the sizes.</summary>
    /// <param name="input">[..., C].</param>
    /// <param name="channels">The shape of per-channel data such as the scale: [C].</param>
    /// <exception cref="ArgumentException">The input has no channels, or a different number.</exception>
    public static BatchNormalizationGeometry Create(Shape input, Shape channels)
    {
        if (input.Rank < 2) throw new ArgumentException($"batch normalization: input {input} must be [N,...,C]");
        if (channels != new Shape(input[^1]))
            throw new ArgumentException($"batch normalization: scale, shift and statistics {channels} do not fit input {input}");
        return new(input.Length / input[^1], input[^1]);
    }
}
