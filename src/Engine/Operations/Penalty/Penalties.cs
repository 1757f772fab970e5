using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Operations.Penalty;

/// <summary>Weight penalties that are added to a loss: λ₁·Σ|w| + λ₂·Σw², as Keras defines them (no factor ½).</summary>
public static class Penalties
{
    /// <summary>loss [1] + λ₁·Σ|w| + λ₂·Σw² → [1]; the gradient with respect to w is λ₁·sign(w) + 2λ₂·w, with sign(0) = 0.</summary>
    public static Tensor Add(Tape tape, Tensor loss, Tensor weights, float l1, float l2)
    {
        var device = tape.Device;
        var length = weights.Shape.Length;
        var shares = Math.Clamp(length / 4096, 1, device.ParallelItems * 4);
        var parts = device.Pool.Rent(shares);
        device.Launch(PenaltyKernels.SumShare, new KernelConfig(shares, 1), weights.View, parts.View(shares), length, l1, l2);
        var output = tape.NewTensor(new Shape(1));
        device.Launch(PenaltyKernels.AddParts, new KernelConfig(1, 1), loss.View, parts.View(shares), output.View, shares);
        parts.Release();
        if (tape.Records(loss, weights))
            tape.Record("penalty", output, [weights], upstream =>
            {
                if (weights.RequiresGradient)
                {
                    var gradient = tape.GradientOf(weights, out var accumulate);
                    device.ForEach(length, PenaltyKernels.Gradient<SpanPerItem>, PenaltyKernels.Gradient<GridStride>,
                        weights.View, upstream.View, gradient.View, l1, l2, accumulate ? 1 : 0);
                }
                if (loss.RequiresGradient) tape.AddGradient(loss, Elementwise.Addition.Copy(upstream));
            });
        return output;
    }
}

internal static class PenaltyKernels
{
    // A group of one thread sums up one share of the weights.
    public static void SumShare(ArrayView<float> weights, ArrayView<float> parts, int length, float l1, float l2)
    {
        var share = (length + Grid.DimX - 1) / Grid.DimX;
        var end = IntrinsicMath.Min(length, (Grid.IdxX + 1) * share);
        var sum = 0f;
        for (var i = Grid.IdxX * share; i < end; i++) sum += l1 * IntrinsicMath.Abs(weights[i]) + l2 * weights[i] * weights[i];
        parts[Grid.IdxX] = sum;
    }

    public static void AddParts(ArrayView<float> loss, ArrayView<float> parts, ArrayView<float> output, int shares)
    {
        var sum = loss[0];
        for (var s = 0; s < shares; s++) sum += parts[s];
        output[0] = sum;
    }

    public static void Gradient<TShape>(
        ArrayView<float> weights, ArrayView<float> upstream, ArrayView<float> gradient, float l1, float l2, int accumulate)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(gradient.IntLength); i += TShape.Step)
        {
            var w = weights[i];
            var sign = w > 0 ? 1f : w < 0 ? -1f : 0f;
            var contribution = upstream[0] * (l1 * sign + 2f * l2 * w);
            gradient[i] = accumulate != 0 ? gradient[i] + contribution : contribution;
        }
    }
}
