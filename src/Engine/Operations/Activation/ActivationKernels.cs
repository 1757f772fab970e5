using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Activation;

/// <summary>A function y = f(x) and its derivative in terms of y.</summary>
internal interface IActivation : IFunctionOfOne
{
    /// <summary>f′(x), given y = f(x).</summary>
    static abstract float Slope(float y);
}

/// <summary>max(0, x); NaN stays NaN.</summary>
internal readonly struct Relu : IActivation
{
    public static float Invoke(float x) => x < 0 ? 0 : x;

    // With integers for the two slopes, ILGPU's OpenCL code would reinterpret the integer 1 as the float 1.4e-45.
    public static float Slope(float y) => y > 0 ? 1f : 0f;
}

/// <summary>1 / (1 + e⁻ˣ), with an exponent that is never positive, so that it cannot overflow.</summary>
internal readonly struct Sigmoid : IActivation
{
    public static float Invoke(float x)
    {
        var e = XMath.Exp(x < 0 ? x : -x);
        return (x < 0 ? e : 1f) / (1f + e);
    }

    public static float Slope(float y) => y * (1f - y);
}

// x, y, any shape
[Kernel("relu-forward", "activation", typeof(Relu))]
[Kernel("sigmoid-forward", "activation", typeof(Sigmoid))]
internal struct ActivationForward<TActivation> : IElementKernel where TActivation : struct, IActivation
{
    public ArrayView<float> Input, Output;

    public readonly void Run<T>(int i) where T : struct, ILanes<T> => T.Store(Output, i, T.Map<TActivation>(T.Load(Input, i)));
}

// dy, y, dx, any shape
[Kernel("relu-gradient", "activation", typeof(Relu))]
[Kernel("sigmoid-gradient", "activation", typeof(Sigmoid))]
internal struct ActivationGradInput<TActivation> : IElementKernel where TActivation : struct, IActivation
{
    public ArrayView<float> Upstream, Output, Gradient;
    public int Accumulate;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        var contribution = T.Load(Upstream, i) * T.Map<SlopeOf<TActivation>>(T.Load(Output, i));
        if (Accumulate != 0) contribution = T.Load(Gradient, i) + contribution;
        T.Store(Gradient, i, contribution);
    }
}

/// <summary>An activation's derivative, applied lane by lane.</summary>
internal readonly struct SlopeOf<TActivation> : IFunctionOfOne where TActivation : struct, IActivation
{
    public static float Invoke(float y) => TActivation.Slope(y);
}
