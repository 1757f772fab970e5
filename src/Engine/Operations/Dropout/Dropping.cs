using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Dropout;

/// <summary>
/// Inverted dropout: each value becomes zero with probability p, the others are divided by 1 − p. The mask is a function of a key
/// and the element's index, so that it needs no memory, comes out the same on the way back, and does not depend on thread order.
/// </summary>
public static class Dropping
{
    /// <summary>Any shape.</summary>
    /// <param name="tape">Records the operation.</param>
    /// <param name="input">x.</param>
    /// <param name="probability">p, at least 0 and below 1.</param>
    /// <param name="key">Another key, another mask: made of seed, step and layer by <see cref="CounterRandom.Key"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not in [0, 1).</exception>
    public static Tensor Apply(Tape tape, Tensor input, float probability, uint key)
    {
        if (!(probability >= 0 && probability < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), $"dropout: probability {probability} must be at least 0 and below 1");
        var output = tape.NewTensor(input.Shape);
        Launch(input, output, probability, key, false);
        if (tape.Records(input))
            tape.Record("dropout", output, [], upstream =>
                Launch(upstream, tape.GradientOver(upstream, input, out var accumulate), probability, key, accumulate));
        return output;
    }

    private static void Launch(Tensor source, Tensor target, float probability, uint key, bool accumulate) =>
        target.Device.ForEach(target.Shape.Length, DropoutKernels.Mask<SpanPerItem>, DropoutKernels.Mask<GridStride>,
            source.View, target.View, probability, key, accumulate ? 1 : 0);
}

internal static class DropoutKernels
{
    // The mask is linear and symmetric: the same kernel is the forward pass and its gradient.
    public static void Mask<TShape>(ArrayView<float> source, ArrayView<float> target, float probability, uint key, int accumulate)
        where TShape : struct, IWorkShape
    {
        // Two plain loops, which a processor's compiler makes vectors of; with a condition inside it does not.
        if (accumulate != 0)
            for (var i = TShape.First; i < TShape.End(target.IntLength); i += TShape.Step) target[i] += Masked(source[i], i, probability, key);
        else
            for (var i = TShape.First; i < TShape.End(target.IntLength); i += TShape.Step) target[i] = Masked(source[i], i, probability, key);
    }

    private static float Masked(float value, int index, float probability, uint key)
    {
        var scaled = value * (1f / (1f - probability));
        return CounterRandom.Uniform(key, (uint)index) < probability ? 0f : scaled;
    }
}
