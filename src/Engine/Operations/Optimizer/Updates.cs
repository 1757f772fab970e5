using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Optimizer;

/// <summary>
/// The update rules: parameters and optimizer state change in place, given the gradients. All parameters of a network are updated by one
/// launch, their penalties included: g is the gradient of the loss plus λ₁·sign(w) + 2λ₂·w, and η a parameter's own rate times the
/// optimizer's. Weights, gradients and state lie in one buffer each; the table says where.
/// </summary>
public static class Updates
{
    /// <summary>RMSprop as in Keras 2 and libtorch: v = ρv + (1−ρ)g²; w −= η·g / (√v + ε).</summary>
    public static void RmsProp(
        UpdateTable table, Tensor weights, Tensor gradients, Tensor meanSquare, float learningRate, float rho, float epsilon) =>
        Launch(table, UpdateKernels.RmsProp<PiecePerItem>, UpdateKernels.RmsProp<PiecePerGroup>, weights, gradients, meanSquare, meanSquare,
            new UpdateRates { LearningRate = learningRate, Beta2 = rho, Epsilon = epsilon });

    /// <summary>Stochastic gradient descent with momentum: m = μm + g; w −= η·m.</summary>
    public static void Momentum(UpdateTable table, Tensor weights, Tensor gradients, Tensor velocity, float learningRate, float momentum) =>
        Launch(table, UpdateKernels.Momentum<PiecePerItem>, UpdateKernels.Momentum<PiecePerGroup>, weights, gradients, velocity, velocity,
            new UpdateRates { LearningRate = learningRate, Beta1 = momentum });

    /// <summary>Stochastic gradient descent: w −= η·g.</summary>
    public static void Descent(UpdateTable table, Tensor weights, Tensor gradients, float learningRate) =>
        Launch(table, UpdateKernels.Descent<PiecePerItem>, UpdateKernels.Descent<PiecePerGroup>, weights, gradients, gradients, gradients,
            new UpdateRates { LearningRate = learningRate });

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
        Launch(table, UpdateKernels.Adam<PiecePerItem>, UpdateKernels.Adam<PiecePerGroup>, weights, gradients, mean, meanSquare, new UpdateRates
        {
            LearningRate = (float)(learningRate / (1 - Math.Pow(beta1, step))),
            Beta1 = beta1,
            Beta2 = beta2,
            SquareCorrection = (float)(1 / (1 - Math.Pow(beta2, step))),
            Epsilon = epsilon,
        });

    private static void Launch(
        UpdateTable table,
        Action<ArrayView<UpdatePiece>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, UpdateRates> cpu,
        Action<ArrayView<UpdatePiece>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, UpdateRates> gpu,
        Tensor weights, Tensor gradients, Tensor first, Tensor second, UpdateRates rates)
    {
        var device = weights.Device;
        device.Launch(device.Shape == KernelShape.Cpu ? cpu : gpu, table.Grid,
            table.View, weights.View, gradients.View, first.View, second.View, rates);
    }
}

/// <summary>The numbers of an update rule that hold for all parameters; a rule reads those that it has.</summary>
internal struct UpdateRates
{
    public float LearningRate, Beta1, Beta2, SquareCorrection, Epsilon;
}

// pieces [groups], weights [all parameters], gradients and state [trained parameters]
internal static class UpdateKernels
{
    public static void RmsProp<TShape>(
        ArrayView<UpdatePiece> pieces, ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> meanSquare, ArrayView<float> unused,
        UpdateRates rates)
        where TShape : struct, IWorkShape
    {
        var piece = pieces[Grid.IdxX];
        var learningRate = rates.LearningRate * piece.Rate;
        for (var i = TShape.First; i < TShape.End(piece.Length); i += TShape.Step)
        {
            var w = weights[piece.Weights + i];
            var g = piece.Penalized(gradients[piece.Gradient + i], w);
            var v = rates.Beta2 * meanSquare[piece.Gradient + i] + (1f - rates.Beta2) * g * g;
            meanSquare[piece.Gradient + i] = v;
            weights[piece.Weights + i] = w - learningRate * g / (XMath.Sqrt(v) + rates.Epsilon);
        }
    }

    public static void Momentum<TShape>(
        ArrayView<UpdatePiece> pieces, ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> velocity, ArrayView<float> unused,
        UpdateRates rates)
        where TShape : struct, IWorkShape
    {
        var piece = pieces[Grid.IdxX];
        var learningRate = rates.LearningRate * piece.Rate;
        for (var i = TShape.First; i < TShape.End(piece.Length); i += TShape.Step)
        {
            var w = weights[piece.Weights + i];
            var m = rates.Beta1 * velocity[piece.Gradient + i] + piece.Penalized(gradients[piece.Gradient + i], w);
            velocity[piece.Gradient + i] = m;
            weights[piece.Weights + i] = w - learningRate * m;
        }
    }

    public static void Descent<TShape>(
        ArrayView<UpdatePiece> pieces, ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> unused, ArrayView<float> unusedToo,
        UpdateRates rates)
        where TShape : struct, IWorkShape
    {
        var piece = pieces[Grid.IdxX];
        var learningRate = rates.LearningRate * piece.Rate;
        for (var i = TShape.First; i < TShape.End(piece.Length); i += TShape.Step)
        {
            var w = weights[piece.Weights + i];
            weights[piece.Weights + i] = w - learningRate * piece.Penalized(gradients[piece.Gradient + i], w);
        }
    }

    public static void Adam<TShape>(
        ArrayView<UpdatePiece> pieces, ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> mean, ArrayView<float> meanSquare,
        UpdateRates rates)
        where TShape : struct, IWorkShape
    {
        var piece = pieces[Grid.IdxX];
        var learningRate = rates.LearningRate * piece.Rate;
        for (var i = TShape.First; i < TShape.End(piece.Length); i += TShape.Step)
        {
            var w = weights[piece.Weights + i];
            var g = piece.Penalized(gradients[piece.Gradient + i], w);
            var m = rates.Beta1 * mean[piece.Gradient + i] + (1f - rates.Beta1) * g;
            var v = rates.Beta2 * meanSquare[piece.Gradient + i] + (1f - rates.Beta2) * g * g;
            mean[piece.Gradient + i] = m;
            meanSquare[piece.Gradient + i] = v;
            weights[piece.Weights + i] = w - learningRate * m / (XMath.Sqrt(v * rates.SquareCorrection) + rates.Epsilon);
        }
    }
}
