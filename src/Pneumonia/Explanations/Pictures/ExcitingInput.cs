using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// The input that most excites a channel, found by gradient ascent (Erhan et al., 2009): noise around gray, moved uphill along the
/// gradient of the channel's mean over all positions, within the range of a byte.
/// </summary>
/// <param name="network">The network, on its device.</param>
/// <param name="scaling">What becomes of a byte of an image.</param>
/// <param name="seed">Of the noise.</param>
public sealed class ExcitingInput(Sequential network, PixelScaling scaling, int seed)
{
    private const int Steps = 24, BatchSize = 16;

    // In bytes: a step moves a pixel by this much where the gradient is as strong as on average.
    private const double Stride = 6, Noise = 20;

    /// <summary>An input for each of some channels of a layer.</summary>
    /// <param name="layer">The layer, counted from 0.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <returns>[H,W,C] bytes for each.</returns>
    public IReadOnlyList<byte[]> For(int layer, IReadOnlyList<int> channels, CancellationToken cancellation = default) =>
        [.. channels.Chunk(BatchSize).SelectMany(chunk => Climb(layer, chunk, cancellation))];

    private IEnumerable<byte[]> Climb(int layer, int[] channels, CancellationToken cancellation)
    {
        var part = network.Part(0, layer + 1);
        int length = network.InputShape.Length, colours = network.InputShape[2];
        var bytes = new double[channels.Length * length];
        for (var i = 0; i < channels.Length; i++)
        {
            // A channel's picture does not depend on which others are drawn with it.
            var random = new RandomStream(seed, $"{network.Layers[layer].Name}/{channels[i]}");
            for (var p = 0; p < length; p++) bytes[i * length + p] = 127.5 + random.Uniform((ulong)p, -Noise, Noise);
        }
        using var upstream = Mean(part.OutputShape, channels);
        for (var step = 0; step < Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var input = Tensor.FromValues(network.Device!, new Shape([channels.Length, .. network.InputShape.Sizes]),
                Scaled(bytes, colours));
            using var gradient = part.InputGradient(input, upstream);
            var uphill = gradient.ToArray();
            for (var i = 0; i < channels.Length; i++) Move(bytes.AsSpan(i * length, length), uphill.AsSpan(i * length, length), colours);
        }
        return Enumerable.Range(0, channels.Length)
            .Select(i => Array.ConvertAll(bytes[(i * length)..((i + 1) * length)], b => (byte)(b + 0.5))).ToArray();
    }

    // The weight of every output: one over the positions for the channel that an image is made for.
    private Tensor Mean(Shape shape, int[] channels)
    {
        int count = shape[^1], positions = shape.Length / count;
        var weights = new float[channels.Length * shape.Length];
        for (var i = 0; i < channels.Length; i++)
            for (var p = 0; p < positions; p++) weights[i * shape.Length + p * count + channels[i]] = 1f / positions;
        return Tensor.FromValues(network.Device!, new Shape([channels.Length, .. shape.Sizes]), weights);
    }

    private void Move(Span<double> bytes, ReadOnlySpan<float> uphill, int colours)
    {
        double square = 0;
        for (var i = 0; i < uphill.Length; i++) square += Slope(uphill, i) * Slope(uphill, i);
        // A channel that nothing reaches has no gradient.
        if (square == 0) return;
        var scale = Stride / Math.Sqrt(square / uphill.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            // The gradient is in the order of the network's channels.
            var place = scaling.Reversed != 0 ? i - i % colours + colours - 1 - i % colours : i;
            bytes[i] = Math.Clamp(bytes[i] + scale * Slope(uphill, place), 0, 255);
        }

        // Per byte: the network's input changes by the channel's scale.
        double Slope(ReadOnlySpan<float> gradient, int place) => (double)gradient[place] * scaling.ScaleOf(place % colours);
    }

    private float[] Scaled(double[] bytes, int colours)
    {
        var values = new float[bytes.Length];
        for (var i = 0; i < values.Length; i++)
        {
            int channel = i % colours, source = scaling.Reversed != 0 ? i - channel + colours - 1 - channel : i;
            values[i] = (float)bytes[source] * scaling.ScaleOf(channel) + scaling.OffsetOf(channel);
        }
        return values;
    }
}
