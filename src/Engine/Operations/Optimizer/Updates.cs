using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Optimizer;

/// <summary>
/// The update rules: parameters and optimizer state change in place, given the gradients. All parameters of a network are updated by one
/// launch, their penalties included: g is the gradient of the loss plus λ₁·sign(w) + 2λ₂·w, and η a parameter's own rate times the
/// optimizer's; decay takes η·λ·w away besides. Weights, gradients and state lie in one buffer each; the table says where. Each rule throws an
/// <see cref="ArgumentException"/> where the table reaches beyond the end of a buffer.
/// </summary>
public static class Updates
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
        device.Launch(device.Shape == KernelShape.Cpu ? UpdateKernels.Update<PiecePerItem, TRule> : UpdateKernels.Update<PiecePerGroup, TRule>, table.Grid,
            table.View, weights.View, gradients.View, first.View, second.View, rates);
    }
}

/// <summary>The numbers of an update rule that hold for all parameters; a rule reads those that it has.</summary>
internal struct UpdateRates
{
    /// <summary>η, with what the rule itself multiplies it with.</summary>
    public float LearningRate;

    /// <summary>η alone, for decay.</summary>
    public float DecayRate;

    public float Beta1, Beta2, SquareCorrection, Epsilon;
}

/// <summary>An update rule: w, g and the optimizer's state of a parameter's element (or of four, each by itself) become new ones.</summary>
internal interface IUpdateRule
{
    /// <summary>Whether there is a first and a second state.</summary>
    static abstract bool HasFirst { get; }

    static abstract bool HasSecond { get; }

    static abstract void Apply<T>(ref T w, T g, ref T first, ref T second, UpdateRates rates) where T : struct, ILanes<T>;
}

/// <summary>v = ρv + (1−ρ)g²; w −= η·g / (√v + ε), with ρ = Beta2.</summary>
internal readonly struct RmsPropRule : IUpdateRule
{
    public static bool HasFirst => false;

    public static bool HasSecond => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<T>(ref T w, T g, ref T first, ref T v, UpdateRates rates) where T : struct, ILanes<T>
    {
        v = v * rates.Beta2 + g * (1f - rates.Beta2) * g;
        w -= g * rates.LearningRate / (T.Map<SquareRoot>(v) + T.Of(rates.Epsilon));
    }
}

/// <summary>m = μm + g; w −= η·m, with μ = Beta1.</summary>
internal readonly struct MomentumRule : IUpdateRule
{
    public static bool HasFirst => true;

    public static bool HasSecond => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<T>(ref T w, T g, ref T m, ref T second, UpdateRates rates) where T : struct, ILanes<T>
    {
        m = m * rates.Beta1 + g;
        w -= m * rates.LearningRate;
    }
}

/// <summary>w −= η·g.</summary>
internal readonly struct DescentRule : IUpdateRule
{
    public static bool HasFirst => false;

    public static bool HasSecond => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<T>(ref T w, T g, ref T first, ref T second, UpdateRates rates) where T : struct, ILanes<T> => w -= g * rates.LearningRate;
}

/// <summary>m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= η·m / (√(v·correction) + ε), with η corrected, too.</summary>
internal readonly struct AdamRule : IUpdateRule
{
    public static bool HasFirst => true;

    public static bool HasSecond => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<T>(ref T w, T g, ref T m, ref T v, UpdateRates rates) where T : struct, ILanes<T>
    {
        m = m * rates.Beta1 + g * (1f - rates.Beta1);
        v = v * rates.Beta2 + g * (1f - rates.Beta2) * g;
        w -= m * rates.LearningRate / (T.Map<SquareRoot>(v * rates.SquareCorrection) + T.Of(rates.Epsilon));
    }
}

internal readonly struct SquareRoot : IFunctionOfOne
{
    public static float Invoke(float x) => XMath.Sqrt(x);
}

internal static class UpdateKernels
{
    // pieces [groups], weights [all parameters], gradients, first and second state [trained parameters]
    public static void Update<TShape, TRule>(
        ArrayView<UpdatePiece> pieces, ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> first, ArrayView<float> second,
        UpdateRates rates)
        where TShape : struct, IWorkShape
        where TRule : struct, IUpdateRule
    {
        var piece = pieces[Grid.IdxX];
        rates.LearningRate *= piece.Rate;
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(piece.Length / 4); i += TShape.Step)
                Update<Float4, TRule>(piece, i * 4, weights, gradients, first, second, rates);
        for (var i = TShape.Rest(piece.Length); i < TShape.End(piece.Length); i += TShape.Step)
            Update<Float1, TRule>(piece, i, weights, gradients, first, second, rates);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Update<T, TRule>(
        UpdatePiece piece, int i, ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> first, ArrayView<float> second, UpdateRates rates)
        where T : struct, ILanes<T>
        where TRule : struct, IUpdateRule
    {
        var w = T.Load(weights, piece.Weights + i);
        var g = piece.Penalized(T.Load(gradients, piece.Gradient + i), w);
        var m = default(T);
        var v = default(T);
        if (TRule.HasFirst) m = T.Load(first, piece.Gradient + i);
        if (TRule.HasSecond) v = T.Load(second, piece.Gradient + i);
        w = piece.Decayed(w, rates.DecayRate);
        TRule.Apply(ref w, g, ref m, ref v, rates);
        if (TRule.HasFirst) T.Store(first, piece.Gradient + i, m);
        if (TRule.HasSecond) T.Store(second, piece.Gradient + i, v);
        T.Store(weights, piece.Weights + i, w);
    }
}
