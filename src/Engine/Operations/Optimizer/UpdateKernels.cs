using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Optimizer;

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
    public static void Apply<T>(ref T w, T g, ref T first, ref T second, UpdateRates rates)
        where T : struct, ILanes<T> => w -= g * rates.LearningRate;
}

/// <summary>m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= η·m / (√(v·correction) + ε), with η also corrected.</summary>
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

// pieces [groups], weights [all parameters], gradients, first and second state [trained parameters]; a group updates one piece
[Kernel("rmsprop", "optimizer", typeof(PiecePerItem), typeof(RmsPropRule), Target = KernelTarget.Cpu)]
[Kernel("rmsprop", "optimizer", typeof(PiecePerGroup), typeof(RmsPropRule), Target = KernelTarget.Gpu)]
[Kernel("momentum", "optimizer", typeof(PiecePerItem), typeof(MomentumRule), Target = KernelTarget.Cpu)]
[Kernel("momentum", "optimizer", typeof(PiecePerGroup), typeof(MomentumRule), Target = KernelTarget.Gpu)]
[Kernel("descent", "optimizer", typeof(PiecePerItem), typeof(DescentRule), Target = KernelTarget.Cpu)]
[Kernel("descent", "optimizer", typeof(PiecePerGroup), typeof(DescentRule), Target = KernelTarget.Gpu)]
[Kernel("adam", "optimizer", typeof(PiecePerItem), typeof(AdamRule), Target = KernelTarget.Cpu)]
[Kernel("adam", "optimizer", typeof(PiecePerGroup), typeof(AdamRule), Target = KernelTarget.Gpu)]
[KernelTraits(IsHot = true, HasVectorLoads = true)]
internal struct UpdateParameters<TShape, TRule> : IGroupKernel
    where TShape : struct, IWorkShape
    where TRule : struct, IUpdateRule
{
    public ArrayView<UpdatePiece> Pieces;
    public ArrayView<float> Weights, Gradients, First, Second;
    public UpdateRates Rates;

    public readonly void Run()
    {
        var piece = Pieces[Grid.IdxX];
        var rates = Rates;
        rates.LearningRate *= piece.Rate;
        new Elements<TShape, UpdateElements<TRule>>
        {
            Kernel = new()
            {
                Weights = Weights,
                Gradients = Gradients,
                First = First,
                Second = Second,
                Piece = piece,
                Rates = rates,
            },
            Length = piece.Length,
            Fours = piece.Length / 4,
        }.Run();
    }
}

/// <summary>The elements of one piece.</summary>
internal struct UpdateElements<TRule> : IElementKernel where TRule : struct, IUpdateRule
{
    public ArrayView<float> Weights, Gradients, First, Second;
    public UpdatePiece Piece;
    public UpdateRates Rates;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        var w = T.Load(Weights, Piece.Weights + i);
        var g = Piece.Penalized(T.Load(Gradients, Piece.Gradient + i), w);
        var m = default(T);
        var v = default(T);
        if (TRule.HasFirst) m = T.Load(First, Piece.Gradient + i);
        if (TRule.HasSecond) v = T.Load(Second, Piece.Gradient + i);
        w = Piece.Decayed(w, Rates.DecayRate);
        TRule.Apply(ref w, g, ref m, ref v, Rates);
        if (TRule.HasFirst) T.Store(First, Piece.Gradient + i, m);
        if (TRule.HasSecond) T.Store(Second, Piece.Gradient + i, v);
        T.Store(Weights, Piece.Weights + i, w);
    }
}
