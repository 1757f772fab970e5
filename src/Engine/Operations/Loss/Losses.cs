using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace Convolve.Engine.Operations.Loss;

/// <summary>
/// Losses on logits, stable for any finite logit. Value and gradient come from one kernel: the gradient is known as soon as the
/// logits are. The mean is over the batch, Σ wᵢ·lossᵢ / N, also where samples carry weights.
/// </summary>
/// <remarks>
/// Targets that the host has put into their tensor are checked here. Targets that a kernel has computed are not, as that would cost every
/// step a round trip: one that is no label makes the loss and its sample's gradient NaN, and nothing outside the logits is read.
/// </remarks>
public static class Losses
{
    /// <summary>
    /// Binary cross-entropy of σ(z) against t: max(z,0) − z·t + ln(1 + e^−|z|), with the gradient σ(z) − t.
    /// </summary>
    /// <param name="tape">Records the operation.</param>
    /// <param name="logits">z, [N,1].</param>
    /// <param name="targets">t in 0…1, [N].</param>
    /// <param name="sampleWeights">wᵢ, [N]; ones if omitted.</param>
    /// <returns>The loss, [1].</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or a target does not lie in 0…1.</exception>
    public static Tensor BinaryCrossEntropy(Tape tape, Tensor logits, Tensor targets, Tensor? sampleWeights = null)
    {
        if (logits.Shape.Rank != 2 || logits.Shape[1] != 1 || targets.Shape != new Shape(logits.Shape[0]))
            throw new ArgumentException($"binary cross-entropy: logits {logits.Shape} must be [N,1] and targets {targets.Shape} [N]");
        if (targets.Range is { } range && !(range.Lowest >= 0 && range.Highest <= 1))
        {
            var (sample, target) = range.Highest <= 1 ? (range.LowestAt, range.Lowest) : (range.HighestAt, range.Highest);
            throw new ArgumentException(
                $"binary cross-entropy: the target of sample {sample} is {target}; it must lie between 0 and 1, the two classes of one logit");
        }
        return Apply("binary cross-entropy", tape, logits, targets, sampleWeights, LossKernels.BinaryCrossEntropy<SpanPerItem>, LossKernels.BinaryCrossEntropy<GridStride>);
    }

    /// <summary>
    /// Cross-entropy of softmax(z) against a class: ln Σⱼ e^zⱼ − z_target, with the gradient softmax(z) − one-hot(target).
    /// </summary>
    /// <param name="tape">Records the operation.</param>
    /// <param name="logits">z, [N, classes].</param>
    /// <param name="targets">The class of each sample as a whole number, [N].</param>
    /// <param name="sampleWeights">wᵢ, [N]; ones if omitted.</param>
    /// <returns>The loss, [1].</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or a target is no class.</exception>
    public static Tensor SoftmaxCrossEntropy(Tape tape, Tensor logits, Tensor targets, Tensor? sampleWeights = null)
    {
        if (logits.Shape.Rank != 2 || logits.Shape[1] < 2 || targets.Shape != new Shape(logits.Shape[0]))
            throw new ArgumentException($"softmax cross-entropy: logits {logits.Shape} must be [N, classes] and targets {targets.Shape} [N]");
        var classes = logits.Shape[1];
        if (targets.Range is { } range && !(range.Lowest >= 0 && range.Highest < classes && range.BrokenAt < 0))
        {
            var (sample, label) = range.Lowest < 0 ? (range.LowestAt, range.Lowest)
                : range.Highest < classes ? (range.BrokenAt, range.Broken)
                : (range.HighestAt, range.Highest);
            throw new ArgumentException(
                $"softmax cross-entropy: the label of sample {sample} is {label}; with {classes} classes it must be a whole number from 0 to {classes - 1}");
        }
        return Apply("softmax cross-entropy", tape, logits, targets, sampleWeights, LossKernels.SoftmaxCrossEntropy<SpanPerItem>, LossKernels.SoftmaxCrossEntropy<GridStride>);
    }

    private static Tensor Apply(
        string operation, Tape tape, Tensor logits, Tensor targets, Tensor? sampleWeights,
        Action<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, LossSizes> cpu,
        Action<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, LossSizes> gpu)
    {
        var (rows, classes) = (logits.Shape[0], logits.Shape[1]);
        if (sampleWeights is not null && sampleWeights.Shape != targets.Shape)
            throw new ArgumentException($"{operation}: sample weights {sampleWeights.Shape} do not fit targets {targets.Shape}");
        if (sampleWeights?.Range is { } range && !(float.IsFinite(range.Lowest) && float.IsFinite(range.Highest)))
            throw new ArgumentException($"{operation}: the weight of sample {(float.IsFinite(range.Lowest) ? range.HighestAt : range.LowestAt)} is not a finite number");
        var device = tape.Device;
        var sizes = new LossSizes { Rows = rows, Classes = classes, Weighted = sampleWeights is null ? 0 : 1 };
        using var perSample = Tensor.Uninitialized(device, new Shape(rows));
        using var gradient = Tensor.Uninitialized(device, logits.Shape);
        device.ForEach(rows, cpu, gpu, logits.View, targets.View, (sampleWeights ?? targets).View, perSample.View, gradient.View, sizes);
        var loss = tape.NewTensor(new Shape(1));
        device.Launch(LossKernels.Mean, new KernelConfig(1, 1), perSample.View, loss.View, rows);
        if (tape.Records(logits))
            tape.Record(operation, loss, [gradient], upstream =>
            {
                var target = tape.GradientOf(logits, out var accumulate);
                device.ForEach(target.Shape.Length, LossKernels.ScaleGradient<SpanPerItem>, LossKernels.ScaleGradient<GridStride>,
                    gradient.View, upstream.View, target.View, accumulate ? 1 : 0);
            });
        return loss;
    }
}

/// <summary>Sizes of a batch of logits.</summary>
internal struct LossSizes
{
    public int Rows, Classes, Weighted;
}

internal static class LossKernels
{
    // logits [N,1], targets, weights, losses [N], gradient [N,1]
    public static void BinaryCrossEntropy<TShape>(
        ArrayView<float> logits, ArrayView<float> targets, ArrayView<float> weights, ArrayView<float> losses, ArrayView<float> gradient, LossSizes sizes)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(sizes.Rows); i += TShape.Step)
        {
            var z = logits[i];
            var t = targets[i] >= 0f & targets[i] <= 1f ? targets[i] : float.NaN;
            var weight = sizes.Weighted != 0 ? weights[i] : 1f;
            // e^-|z| never overflows.
            var e = XMath.Exp(z < 0 ? z : -z);
            losses[i] = weight * ((z < 0 ? 0f : z) - z * t + LogOnePlus(e));
            var probability = (z < 0 ? e : 1f) / (1f + e);
            gradient[i] = weight * (probability - t) / sizes.Rows;
        }
    }

    // logits [N,K], targets, weights, losses [N], gradient [N,K]
    public static void SoftmaxCrossEntropy<TShape>(
        ArrayView<float> logits, ArrayView<float> targets, ArrayView<float> weights, ArrayView<float> losses, ArrayView<float> gradient, LossSizes sizes)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(sizes.Rows); i += TShape.Step)
        {
            var at = i * sizes.Classes;
            // An index is made of a number that is one: what is no label reads the first logit, and its NaN covers it.
            var isLabel = targets[i] >= 0f & targets[i] < sizes.Classes;
            var target = (int)(isLabel ? targets[i] : 0f);
            isLabel = isLabel & target == targets[i];
            var weight = isLabel ? (sizes.Weighted != 0 ? weights[i] : 1f) : float.NaN;
            var largest = logits[at];
            for (var k = 1; k < sizes.Classes; k++) largest = logits[at + k] <= largest ? largest : logits[at + k];
            var sum = 0f;
            for (var k = 0; k < sizes.Classes; k++) sum += XMath.Exp(logits[at + k] - largest);
            losses[i] = weight * (XMath.Log(sum) + largest - logits[at + target]);
            for (var k = 0; k < sizes.Classes; k++)
                gradient[at + k] = weight * (XMath.Exp(logits[at + k] - largest) / sum - (k == target ? 1f : 0f)) / sizes.Rows;
        }
    }

    // One thread adds up the batch: a few hundred numbers, always in the same order.
    public static void Mean(ArrayView<float> losses, ArrayView<float> mean, int rows)
    {
        var sum = 0f;
        for (var i = 0; i < rows; i++) sum += losses[i];
        mean[0] = sum / rows;
    }

    public static void ScaleGradient<TShape>(ArrayView<float> gradient, ArrayView<float> upstream, ArrayView<float> target, int accumulate)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(target.IntLength); i += TShape.Step)
        {
            var contribution = gradient[i] * upstream[0];
            target[i] = accumulate != 0 ? target[i] + contribution : contribution;
        }
    }

    /// <summary>ln(1+e) for 0 ≤ e ≤ 1; below 0.03 by its series, where 1+e would round the information away.</summary>
    private static float LogOnePlus(float e) =>
        e < 0.03f ? e * (1f - e * (0.5f - e * (0.33333334f - e * 0.25f))) : XMath.Log(1f + e);
}
