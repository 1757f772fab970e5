using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>Changes the tones of every image of a batch by a <see cref="ToneChange"/> of its own.</summary>
public static class Toning
{
    /// <summary>The darkest share of the range that the gamma curve tells from black; keeps its logarithm finite.</summary>
    internal const float Darkest = 1e-6f;

    /// <summary>Changes the tones of a batch.</summary>
    /// <param name="values">The images, [N,H,W,C], 0 … 255, channels in the order of the file.</param>
    /// <param name="tones">[N,5]: a <see cref="ToneChange"/> for each image.</param>
    /// <param name="target">[N,H,W,C]; takes the values as <paramref name="scaling"/> makes them.</param>
    /// <param name="scaling">What becomes of a value of 0 … 255.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Apply(Tensor values, Tensor tones, Tensor target, PixelScaling scaling)
    {
        if (values.Shape.Rank != 4 || target.Shape != values.Shape) throw new ArgumentException($"toning: {target} does not take images of {values}");
        if (tones.Shape != new Shape(values.Shape[0], ToneChange.Length))
            throw new ArgumentException($"toning: tones {tones.Shape} must be [{values.Shape[0]},{ToneChange.Length}]");
        var shape = values.Shape;
        target.Device.ForEach(shape[0] * shape[1] * shape[2], ToningKernels.Apply<SpanPerItem>, ToningKernels.Apply<GridStride>,
            values.View, tones.View, target.View, new ToningSizes { Batch = shape[0], Height = shape[1], Width = shape[2], Channels = shape[3] }, scaling);
    }
}

/// <summary>[N,H,W,C].</summary>
internal struct ToningSizes
{
    /// <summary>Images, rows, columns, channels.</summary>
    public int Batch, Height, Width, Channels;
}

internal static class ToningKernels
{
    // Four numbers from 0 to 1, less their mean, have the variance 1/3.
    private const float ToUnitVariance = 1.7320508f;

    // values [N,H,W,C], tones [N,5], y [N,H,W,C]; one thread makes all channels of a pixel
    public static void Apply<TShape>(ArrayView<float> values, ArrayView<float> tones, ArrayView<float> output, ToningSizes s, PixelScaling scaling)
        where TShape : struct, IWorkShape
    {
        var pixels = s.Batch * s.Height * s.Width;
        for (var pixel = TShape.First; pixel < TShape.End(pixels); pixel += TShape.Step)
        {
            var line = pixel / s.Width;
            var x = pixel - line * s.Width;
            var n = line / s.Height;
            var y = line - n * s.Height;
            var t = n * ToneChange.Length;
            // Beyond the edge stands the pixel at the edge.
            var here = line * s.Width;
            var above = (line - (y > 0 ? 1 : 0)) * s.Width;
            var below = (line + (y < s.Height - 1 ? 1 : 0)) * s.Width;
            var west = x - (x > 0 ? 1 : 0);
            var east = x + (x < s.Width - 1 ? 1 : 0);
            var noise = tones[t + 3] * Noise((uint)(int)tones[t + 4], (y * s.Width + x) * 4);
            for (var c = 0; c < s.Channels; c++)
            {
                var source = scaling.Source(c, s.Channels);
                var value = values[(here + x) * s.Channels + source];
                var sides = values[(above + x) * s.Channels + source] + values[(below + x) * s.Channels + source]
                    + values[(here + west) * s.Channels + source] + values[(here + east) * s.Channels + source];
                var corners = values[(above + west) * s.Channels + source] + values[(above + east) * s.Channels + source]
                    + values[(below + west) * s.Channels + source] + values[(below + east) * s.Channels + source];
                var around = 0.25f * value + 0.125f * sides + 0.0625f * corners;
                var sharp = Share((value + tones[t] * (value - around)) * (1f / 255f));
                var bent = XMath.Exp(tones[t + 1] * XMath.Log(IntrinsicMath.Max(sharp, Toning.Darkest)));
                var spread = (bent - 0.5f) * tones[t + 2] + 0.5f;
                output[pixel * s.Channels + c] = scaling.Apply(255f * Share(spread + noise), c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Share(float value) => IntrinsicMath.Min(1f, IntrinsicMath.Max(0f, value));

    /// <summary>A number with mean 0 and variance 1, nearly normal: a sum of four uniform ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Noise(uint key, int counter) =>
        (CounterRandom.Uniform(key, (uint)counter) + CounterRandom.Uniform(key, (uint)(counter + 1))
            + CounterRandom.Uniform(key, (uint)(counter + 2)) + CounterRandom.Uniform(key, (uint)(counter + 3)) - 2f) * ToUnitVariance;
}
