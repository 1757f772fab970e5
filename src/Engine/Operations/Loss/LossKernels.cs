using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Loss;

/// <summary>A batch for the losses: logits and gradient [N, classes], targets, weights and losses [N].</summary>
internal struct LossBatch
{
    public ArrayView<float> Logits, Targets, Weights, Losses, Gradient;
    public int Rows, Classes, Weighted;
}

/// <summary>A loss of one sample and its gradient.</summary>
internal interface ILoss
{
    /// <summary>Writes the loss of sample <paramref name="i"/> and the gradient with respect to its logits.</summary>
    static abstract void Compute(LossBatch batch, int i);
}

// an item is a sample
[Kernel("binary-cross-entropy", "loss", typeof(BinaryCrossEntropy))]
[Kernel("softmax-cross-entropy", "loss", typeof(SoftmaxCrossEntropy))]
internal struct LossAndGradient<TLoss> : IKernel where TLoss : struct, ILoss
{
    public LossBatch Batch;

    public readonly void Run(int i) => TLoss.Compute(Batch, i);
}

// logits, gradient [N,1], targets, weights, losses [N]
internal readonly struct BinaryCrossEntropy : ILoss
{
    public static void Compute(LossBatch batch, int i)
    {
        var z = batch.Logits[i];
        var t = batch.Targets[i] >= 0f & batch.Targets[i] <= 1f ? batch.Targets[i] : float.NaN;
        var weight = batch.Weighted != 0 ? batch.Weights[i] : 1f;
        // e^-|z| never overflows.
        var e = XMath.Exp(z < 0 ? z : -z);
        batch.Losses[i] = weight * ((z < 0 ? 0f : z) - z * t + LogOnePlus(e));
        var probability = (z < 0 ? e : 1f) / (1f + e);
        batch.Gradient[i] = weight * (probability - t) / batch.Rows;
    }

    /// <summary>ln(1+e) for 0 ≤ e ≤ 1; below 0.03 by its series, because 1+e would lose precision.</summary>
    private static float LogOnePlus(float e) =>
        e < 0.03f ? e * (1f - e * (0.5f - e * (0.33333334f - e * 0.25f))) : XMath.Log(1f + e);
}

// logits, gradient [N,K], targets, weights, losses [N]
internal readonly struct SoftmaxCrossEntropy : ILoss
{
    public static void Compute(LossBatch batch, int i)
    {
        var logits = batch.Logits;
        var at = i * batch.Classes;
        // Only a valid label becomes an index; an invalid one reads the first logit, and its NaN weight covers that.
        var isLabel = batch.Targets[i] >= 0f & batch.Targets[i] < batch.Classes;
        var target = (int)(isLabel ? batch.Targets[i] : 0f);
        isLabel = isLabel & target == batch.Targets[i];
        var weight = isLabel ? (batch.Weighted != 0 ? batch.Weights[i] : 1f) : float.NaN;
        var largest = logits[at];
        for (var k = 1; k < batch.Classes; k++) largest = logits[at + k] <= largest ? largest : logits[at + k];
        var sum = 0f;
        for (var k = 0; k < batch.Classes; k++) sum += XMath.Exp(logits[at + k] - largest);
        batch.Losses[i] = weight * (XMath.Log(sum) + largest - logits[at + target]);
        for (var k = 0; k < batch.Classes; k++)
            batch.Gradient[at + k] = weight * (XMath.Exp(logits[at + k] - largest) / sum - (k == target ? 1f : 0f)) / batch.Rows;
    }
}

// losses [N], mean [1]; one thread sums the batch: a few hundred numbers, always in the same order
[Kernel("loss-mean", "loss")]
internal struct LossMean : IGroupKernel
{
    public ArrayView<float> Losses, Mean;
    public int Rows;

    public readonly void Run()
    {
        var sum = 0f;
        for (var i = 0; i < Rows; i++) sum += Losses[i];
        Mean[0] = sum / Rows;
    }
}

// gradient, target [N, classes], upstream [1]
[Kernel("loss-scale-gradient", "loss")]
internal struct LossScaleGradient : IKernel
{
    public ArrayView<float> Gradient, Upstream, Target;
    public int Accumulate;

    public readonly void Run(int i)
    {
        var contribution = Gradient[i] * Upstream[0];
        Target[i] = Accumulate != 0 ? Target[i] + contribution : contribution;
    }
}

// logits [N, classes], targets, counted [N], count [1]
[Kernel("correct-answers", "loss")]
internal struct CountCorrect : IGroupKernel
{
    public ArrayView<float> Logits, Targets, Counted, Count;
    public int Rows, Classes, Weighted;

    public readonly void Run()
    {
        var sum = 0f;
        for (var i = 0; i < Rows; i++)
        {
            var answer = 0;
            if (Classes == 1) answer = Logits[i] >= 0 ? 1 : 0;
            else
                for (var k = 1; k < Classes; k++)
                    if (Logits[i * Classes + k] > Logits[i * Classes + answer]) answer = k;
            if (answer == Targets[i]) sum += Weighted != 0 ? Counted[i] : 1f;
        }
        Count[0] = sum;
    }
}
