using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Optimizer;

/// <summary>The update rules: parameters and optimizer state change in place, given the gradient.</summary>
public static class Updates
{
    /// <summary>RMSprop as in Keras 2 and libtorch: v = ρv + (1−ρ)g²; w −= η·g / (√v + ε).</summary>
    public static void RmsProp(Tensor weights, Tensor gradient, Tensor meanSquare, float learningRate, float rho, float epsilon) =>
        weights.Device.ForEach(weights.Shape.Length, UpdateKernels.RmsProp<SpanPerItem>, UpdateKernels.RmsProp<GridStride>,
            weights.View, gradient.View, meanSquare.View, learningRate, rho, epsilon);

    /// <summary>Stochastic gradient descent with momentum: m = μm + g; w −= η·m.</summary>
    public static void Momentum(Tensor weights, Tensor gradient, Tensor velocity, float learningRate, float momentum) =>
        weights.Device.ForEach(weights.Shape.Length, UpdateKernels.Momentum<SpanPerItem>, UpdateKernels.Momentum<GridStride>,
            weights.View, gradient.View, velocity.View, learningRate, momentum);

    /// <summary>Stochastic gradient descent: w −= η·g.</summary>
    public static void Descent(Tensor weights, Tensor gradient, float learningRate) =>
        weights.Device.ForEach(weights.Shape.Length, UpdateKernels.Descent<SpanPerItem>, UpdateKernels.Descent<GridStride>,
            weights.View, gradient.View, learningRate);

    /// <summary>
    /// Adam (Kingma and Ba, 2014): m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= η·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε).
    /// </summary>
    /// <param name="weights">w.</param>
    /// <param name="gradient">g.</param>
    /// <param name="mean">m.</param>
    /// <param name="meanSquare">v.</param>
    /// <param name="learningRate">η.</param>
    /// <param name="beta1">β₁.</param>
    /// <param name="beta2">β₂.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="step">t, counted from 1.</param>
    public static void Adam(
        Tensor weights, Tensor gradient, Tensor mean, Tensor meanSquare, float learningRate, float beta1, float beta2, float epsilon, long step)
    {
        var rates = new AdamRates
        {
            Step = (float)(learningRate / (1 - Math.Pow(beta1, step))),
            Beta1 = beta1,
            Beta2 = beta2,
            SquareCorrection = (float)(1 / (1 - Math.Pow(beta2, step))),
            Epsilon = epsilon,
        };
        weights.Device.ForEach(weights.Shape.Length, UpdateKernels.Adam<SpanPerItem>, UpdateKernels.Adam<GridStride>,
            weights.View, gradient.View, mean.View, meanSquare.View, rates);
    }
}

internal struct AdamRates
{
    public float Step, Beta1, Beta2, SquareCorrection, Epsilon;
}

internal static class UpdateKernels
{
    public static void RmsProp<TShape>(
        ArrayView<float> weights, ArrayView<float> gradient, ArrayView<float> meanSquare, float learningRate, float rho, float epsilon)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(weights.IntLength); i += TShape.Step)
        {
            var g = gradient[i];
            var v = rho * meanSquare[i] + (1f - rho) * g * g;
            meanSquare[i] = v;
            weights[i] -= learningRate * g / (XMath.Sqrt(v) + epsilon);
        }
    }

    public static void Momentum<TShape>(
        ArrayView<float> weights, ArrayView<float> gradient, ArrayView<float> velocity, float learningRate, float momentum)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(weights.IntLength); i += TShape.Step)
        {
            var m = momentum * velocity[i] + gradient[i];
            velocity[i] = m;
            weights[i] -= learningRate * m;
        }
    }

    public static void Descent<TShape>(ArrayView<float> weights, ArrayView<float> gradient, float learningRate) where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(weights.IntLength); i += TShape.Step) weights[i] -= learningRate * gradient[i];
    }

    public static void Adam<TShape>(
        ArrayView<float> weights, ArrayView<float> gradient, ArrayView<float> mean, ArrayView<float> meanSquare, AdamRates rates)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(weights.IntLength); i += TShape.Step)
        {
            var g = gradient[i];
            var m = rates.Beta1 * mean[i] + (1f - rates.Beta1) * g;
            var v = rates.Beta2 * meanSquare[i] + (1f - rates.Beta2) * g * g;
            mean[i] = m;
            meanSquare[i] = v;
            weights[i] -= rates.Step * m / (XMath.Sqrt(v * rates.SquareCorrection) + rates.Epsilon);
        }
    }
}
