using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Loss;

/// <summary>Counts the correct predictions of a batch on the device, so that a training step reads back one number instead of its
/// logits.</summary>
public static class CorrectAnswersOperation
{
    /// <summary>Writes the total weight Σ wᵢ of the correctly classified samples to <paramref name="count"/> [1].</summary>
    /// <param name="logits">[N,1] (class 1 from 0 on) or [N, classes] (the largest).</param>
    /// <param name="targets">Classes as whole numbers, [N].</param>
    /// <param name="counted">1 for samples that count, 0 for others, [N]; all if omitted.</param>
    /// <param name="count">Receives the result, [1].</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static void Count(Tensor logits, Tensor targets, Tensor? counted, Tensor count)
    {
        if (logits.Shape.Rank != 2 || targets.Shape != new Shape(logits.Shape[0]) || (counted ?? targets).Shape != targets.Shape
            || count.Shape != new Shape(1))
            throw new ArgumentException(
                $"right answers: logits {logits.Shape} must be [N, classes], targets {targets.Shape} and samples that count "
                    + $"{(counted ?? targets).Shape} [N], the result {count.Shape} [1]");
        logits.Device.Kernels.ForEachGroup(new(1), new CountCorrect
        {
            Logits = logits.View,
            Targets = targets.View,
            Counted = (counted ?? targets).View,
            Count = count.View,
            Rows = logits.Shape[0],
            Classes = logits.Shape[1],
            Weighted = counted is null ? 0 : 1,
        });
    }
}
