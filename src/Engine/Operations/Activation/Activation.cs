using System.Runtime.CompilerServices;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Activation;

/// <summary>A function of one number, y = f(x), and its derivative written in terms of the function's value.</summary>
internal interface IActivation : IFunctionOfOne
{
    /// <summary>f′(x), given y = f(x).</summary>
    static abstract float Slope(float y);
}

/// <summary>max(0, x); NaN stays NaN.</summary>
internal readonly struct Relu : IActivation
{
    public static float Invoke(float x) => x < 0 ? 0 : x;

    // With whole numbers for the two slopes ILGPU's OpenCL code reads the integer 1 as the bits of a float, 1.4e-45.
    public static float Slope(float y) => y > 0 ? 1f : 0f;
}

/// <summary>1 / (1 + e⁻ˣ), with an exponent that is never positive, so that nothing overflows.</summary>
internal readonly struct Sigmoid : IActivation
{
    public static float Invoke(float x)
    {
        var e = XMath.Exp(x < 0 ? x : -x);
        return (x < 0 ? e : 1f) / (1f + e);
    }

    public static float Slope(float y) => y * (1f - y);
}

/// <summary>Activations as operations of their own, where no other operation can apply them in passing.</summary>
public static class Activations
{
    /// <summary>max(0, x), any shape.</summary>
    public static Tensor Relu(Tape tape, Tensor input) => Apply<Relu>("relu", tape, input);

    /// <summary>1 / (1 + e⁻ˣ), any shape.</summary>
    public static Tensor Sigmoid(Tape tape, Tensor input) => Apply<Sigmoid>("sigmoid", tape, input);

    private static Tensor Apply<TActivation>(string operation, Tape tape, Tensor input) where TActivation : struct, IActivation
    {
        var output = tape.NewTensor(input.Shape);
        output.Device.ForEach(output.Shape.Length, ActivationKernels.Forward<SpanPerItem, TActivation>, ActivationKernels.Forward<GridStride, TActivation>,
            input.View, output.View);
        if (tape.Records(input))
            tape.Record(operation, output, [output], upstream =>
            {
                var gradient = tape.GradientOver(upstream, input, out var accumulate);
                gradient.Device.ForEach(gradient.Shape.Length,
                    ActivationKernels.GradInput<SpanPerItem, TActivation>, ActivationKernels.GradInput<GridStride, TActivation>,
                    upstream.View, output.View, gradient.View, accumulate ? 1 : 0);
            });
        return output;
    }
}

internal static class ActivationKernels
{
    public static void Forward<TShape, TActivation>(ArrayView<float> input, ArrayView<float> output)
        where TShape : struct, IWorkShape
        where TActivation : struct, IActivation
    {
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(output.IntLength / 4); i += TShape.Step)
                Float4.Store(output, i * 4, Float4.Map<TActivation>(Float4.Load(input, i * 4)));
        for (var i = TShape.Rest(output.IntLength); i < TShape.End(output.IntLength); i += TShape.Step) output[i] = TActivation.Invoke(input[i]);
    }

    public static void GradInput<TShape, TActivation>(
        ArrayView<float> upstream, ArrayView<float> output, ArrayView<float> gradient, int accumulate)
        where TShape : struct, IWorkShape
        where TActivation : struct, IActivation
    {
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(gradient.IntLength / 4); i += TShape.Step)
                GradInput<Float4, TActivation>(upstream, output, gradient, i * 4, accumulate);
        for (var i = TShape.Rest(gradient.IntLength); i < TShape.End(gradient.IntLength); i += TShape.Step)
            GradInput<Float1, TActivation>(upstream, output, gradient, i, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradInput<T, TActivation>(ArrayView<float> upstream, ArrayView<float> output, ArrayView<float> gradient, int i, int accumulate)
        where T : struct, ILanes<T>
        where TActivation : struct, IActivation
    {
        var contribution = T.Load(upstream, i) * T.Map<SlopeOf<TActivation>>(T.Load(output, i));
        if (accumulate != 0) contribution = T.Load(gradient, i) + contribution;
        T.Store(gradient, i, contribution);
    }

    private readonly struct SlopeOf<TActivation> : IFunctionOfOne where TActivation : struct, IActivation
    {
        public static float Invoke(float y) => TActivation.Slope(y);
    }
}
