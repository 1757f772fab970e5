using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Loss;

/// <summary>
/// Losses on logits, stable for any finite logit. One kernel computes value and gradient, because the gradient is known as soon as the
/// logits are. The mean is over the batch, Σ wᵢ·lossᵢ / N, also with sample weights.
/// </summary>
/// <remarks>
/// Targets written by the host are checked here. Targets computed by a kernel are not, because that would cost every
/// step a round trip: an invalid label makes the loss and its sample's gradient NaN, and no read is out of bounds.
/// </remarks>
public static class LossOperation
{
    /// <summary>
    /// Binary cross-entropy of σ(z) against t: max(z,0) − z·t + ln(1 + e^−|z|), with the gradient σ(z) − t.
    /// </summary>
    /// <param name="tape">Records the operation.</param>
    /// <param name="logits">z, [N,1].</param>
    /// <param name="targets">t in 0…1, [N].</param>
    /// <param name="sampleWeights">wᵢ, [N]; ones if omitted.</param>
    /// <returns>The loss, [1].</returns>
    /// <exception cref="ArgumentException">The shapes do not match, or a target is not in 0…1.</exception>
    public static Tensor BinaryCrossEntropy(Tape tape, Tensor logits, Tensor targets, Tensor? sampleWeights = null)
    {
        if (logits.Shape.Rank != 2 || logits.Shape[1] != 1 || targets.Shape != new Shape(logits.Shape[0]))
            throw new ArgumentException($"binary cross-entropy: logits {logits.Shape} must be [N,1] and targets {targets.Shape} [N]");
        if (targets.Range is { } range && !(range.Lowest >= 0 && range.Highest <= 1))
        {
            var (sample, target) = range.Highest <= 1 ? (range.LowestAt, range.Lowest) : (range.HighestAt, range.Highest);
            throw new ArgumentException(
                $"binary cross-entropy: the target of sample {sample} is {target}; it must lie between 0 and 1, the two classes of "
                    + "one logit");
        }
        return Apply<BinaryCrossEntropy>("binary cross-entropy", tape, logits, targets, sampleWeights);
    }

    /// <summary>
    /// Cross-entropy of softmax(z) against a class: ln Σⱼ e^zⱼ − z_target, with the gradient softmax(z) − one-hot(target).
    /// </summary>
    /// <param name="tape">Records the operation.</param>
    /// <param name="logits">z, [N, classes].</param>
    /// <param name="targets">The class of each sample as a whole number, [N].</param>
    /// <param name="sampleWeights">wᵢ, [N]; ones if omitted.</param>
    /// <returns>The loss, [1].</returns>
    /// <exception cref="ArgumentException">The shapes do not match, or a target is not a class.</exception>
    public static Tensor SoftmaxCrossEntropy(Tape tape, Tensor logits, Tensor targets, Tensor? sampleWeights = null)
    {
        if (logits.Shape.Rank != 2 || logits.Shape[1] < 2 || targets.Shape != new Shape(logits.Shape[0]))
            throw new ArgumentException(
                $"softmax cross-entropy: logits {logits.Shape} must be [N, classes] and targets {targets.Shape} [N]");
        var classes = logits.Shape[1];
        if (targets.Range is { } range && !(range.Lowest >= 0 && range.Highest < classes && range.BrokenAt < 0))
        {
            var (sample, label) = range.Lowest < 0 ? (range.LowestAt, range.Lowest)
                : range.Highest < classes ? (range.BrokenAt, range.Broken)
                : (range.HighestAt, range.Highest);
            throw new ArgumentException(
                $"softmax cross-entropy: the label of sample {sample} is {label}; with {classes} classes it must be a whole number from 0 "
                    + $"to {classes - 1}");
        }
        return Apply<SoftmaxCrossEntropy>("softmax cross-entropy", tape, logits, targets, sampleWeights);
    }

    private static Tensor Apply<TLoss>(string operation, Tape tape, Tensor logits, Tensor targets, Tensor? sampleWeights)
        where TLoss : struct, ILoss
    {
        var (rows, classes) = (logits.Shape[0], logits.Shape[1]);
        if (sampleWeights is not null && sampleWeights.Shape != targets.Shape)
            throw new ArgumentException($"{operation}: sample weights {sampleWeights.Shape} do not fit targets {targets.Shape}");
        if (sampleWeights?.Range is { } range && !(float.IsFinite(range.Lowest) && float.IsFinite(range.Highest)))
            throw new ArgumentException($"{operation}: the weight of sample "
                + $"{(float.IsFinite(range.Lowest) ? range.HighestAt : range.LowestAt)} is not a finite number");
        var device = tape.Device;
        using var perSample = Tensor.Uninitialized(device, new Shape(rows));
        using var gradient = Tensor.Uninitialized(device, logits.Shape);
        device.Kernels.ForEach(rows, new LossAndGradient<TLoss>
        {
            Batch = new()
            {
                Logits = logits.View,
                Targets = targets.View,
                Weights = (sampleWeights ?? targets).View,
                Losses = perSample.View,
                Gradient = gradient.View,
                Rows = rows,
                Classes = classes,
                Weighted = sampleWeights is null ? 0 : 1,
            },
        });
        var loss = tape.NewTensor(new Shape(1));
        device.Kernels.ForEachGroup(new(1), new LossMean { Losses = perSample.View, Mean = loss.View, Rows = rows });
        if (tape.Records(logits))
            tape.Record(operation, loss, [gradient], upstream =>
            {
                var target = tape.GradientOf(logits, out var accumulate);
                device.Kernels.ForEach(target.Shape.Length,
                    new LossScaleGradient
                    {
                        Gradient = gradient.View,
                        Upstream = upstream.View,
                        Target = target.View,
                        Accumulate = accumulate ? 1 : 0
                    });
            });
        return loss;
    }
}
