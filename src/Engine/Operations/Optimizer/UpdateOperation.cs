using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Optimizer;

/// <summary>
/// The update rules: parameters and optimizer state change in place, given the gradients. All parameters of a network are updated by one
/// launch, their penalties included: g is the gradient of the loss plus λ₁·sign(w) + 2λ₂·w, and η a parameter's own rate times the
/// optimizer's; decay also subtracts η·λ·w. Weights, gradients and state are in one buffer each, at positions given by the table. Each rule
/// throws an <see cref="ArgumentException"/> if the table exceeds a buffer.
/// </summary>
public static class UpdateOperation
{
    /// <summary>RMSprop as in Keras 2 and libtorch: v = ρv + (1−ρ)g²; w −= η·g / (√v + ε).</summary>
    public static void RmsProp(
        UpdateTable table, Tensor weights, Tensor gradients, Tensor meanSquare, float learningRate, float rho, float epsilon) =>
        Launch<RmsPropRule>(table, weights, gradients, meanSquare, meanSquare,
            new UpdateRates { LearningRate = learningRate, DecayRate = learningRate, Beta2 = rho, Epsilon = epsilon });

    /// <summary>Stochastic gradient descent with momentum: m = μm + g; w −= η·m.</summary>
    public static void Momentum(UpdateTable table, Tensor weights, Tensor gradients, Tensor velocity, float learningRate, float momentum) =>
        Launch<MomentumRule>(table, weights, gradients, velocity, velocity,
            new UpdateRates { LearningRate = learningRate, DecayRate = learningRate, Beta1 = momentum });

    /// <summary>Stochastic gradient descent: w −= η·g.</summary>
    public static void Descent(UpdateTable table, Tensor weights, Tensor gradients, float learningRate) =>
        Launch<DescentRule>(table, weights, gradients, gradients, gradients,
            new UpdateRates { LearningRate = learningRate, DecayRate = learningRate });

    /// <summary>
    /// Adam (Kingma and Ba, 2014): m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= η·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε).
    /// </summary>
    /// <param name="table">Which parameters.</param>
    /// <param name="weights">w.</param>
    /// <param name="gradients">g.</param>
    /// <param name="mean">m.</param>
    /// <param name="meanSquare">v.</param>
    /// <param name="learningRate">η.</param>
    /// <param name="beta1">β₁.</param>
    /// <param name="beta2">β₂.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="step">t, counted from 1.</param>
    public static void Adam(
        UpdateTable table, Tensor weights, Tensor gradients, Tensor mean, Tensor meanSquare,
        float learningRate, float beta1, float beta2, float epsilon, long step) =>
        Launch<AdamRule>(table, weights, gradients, mean, meanSquare, new UpdateRates
        {
            LearningRate = (float)(learningRate / (1 - Math.Pow(beta1, step))),
            DecayRate = learningRate,
            Beta1 = beta1,
            Beta2 = beta2,
            SquareCorrection = (float)(1 / (1 - Math.Pow(beta2, step))),
            Epsilon = epsilon,
        });

    private static void Launch<TRule>(UpdateTable table, Tensor weights, Tensor gradients, Tensor first, Tensor second, UpdateRates rates)
        where TRule : struct, IUpdateRule
    {
        table.RequireInside(weights, gradients, first, second);
        var device = weights.Device;
        if (device.Shape == KernelShape.Cpu) LaunchIn<PiecePerItem>();
        else LaunchIn<PiecePerGroup>();

        void LaunchIn<TShape>()
            where TShape : struct, IWorkShape => device.Kernels.ForEachGroup(table.Grid, new UpdateParameters<TShape, TRule>
            {
                Pieces = table.View,
                Weights = weights.View,
                Gradients = gradients.View,
                First = first.View,
                Second = second.View,
                Rates = rates,
            });
    }
}
