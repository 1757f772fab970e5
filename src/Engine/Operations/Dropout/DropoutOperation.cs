using Convolve.Engine.Autograd;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Dropout;

/// <summary>
/// Inverted dropout: each value becomes zero with probability p, the others are divided by 1 − p. The mask is a function of a key
/// and the element's index, so that it needs no memory, is the same in the backward pass, and does not depend on thread order.
/// </summary>
public static class DropoutOperation
{
    /// <summary>Any shape.</summary>
    /// <param name="tape">Records the operation.</param>
    /// <param name="input">x.</param>
    /// <param name="probability">p, at least 0 and below 1.</param>
    /// <param name="key">Selects the mask; made of seed, step and layer by <see cref="CounterRandom.Key"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not in [0, 1).</exception>
    public static Tensor Apply(Tape tape, Tensor input, float probability, uint key)
    {
        if (!(probability >= 0 && probability < 1))
            throw new ArgumentOutOfRangeException(nameof(probability),
                $"dropout: probability {probability} must be at least 0 and below 1");
        var output = tape.NewTensor(input.Shape);
        Launch(input, output, probability, key, false);
        if (tape.Records(input))
            tape.Record("dropout", output, [], upstream =>
                Launch(upstream, tape.GradientOver(upstream, input, out var accumulate), probability, key, accumulate));
        return output;
    }

    private static void Launch(Tensor source, Tensor target, float probability, uint key, bool accumulate) =>
        target.Device.Kernels.ForEach(target.Shape.Length, new DropoutMask
        {
            Source = source.View,
            Target = target.View,
            Probability = probability,
            Key = key,
            Accumulate = accumulate ? 1 : 0,
        });
}
