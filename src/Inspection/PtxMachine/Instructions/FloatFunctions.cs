using System.Numerics;

namespace Convolve.Inspection.PtxMachine.Instructions;

// What floating-point instructions compute of one lane's operands: PTX ISA, 9.7.3 "Floating Point Instructions". Sums, products, quotients
// and roots are rounded once to the nearest, as the host does. Approximations are computed in double precision and rounded once: they are
// nearer to the true value than the error that PTX allows, so a device may differ from them by that error.

internal readonly struct Divide<T> : IBinary<T, T, T> where T : IDivisionOperators<T, T, T>
{
    public static T Of(T a, T b) => a / b;
}

/// <summary>fma: the product is not rounded before the sum is.</summary>
internal readonly struct FusedMultiplyAdd<T> : ITernary<T, T, T, T> where T : IFloatingPointIeee754<T>
{
    public static T Of(T a, T b, T c) => T.FusedMultiplyAdd(a, b, c);
}

/// <summary>min: of a number and NaN it is the number.</summary>
internal readonly struct MinimumFloat<T> : IBinary<T, T, T> where T : INumber<T>
{
    public static T Of(T a, T b) => T.MinNumber(a, b);
}

/// <summary>max: of a number and NaN it is the number.</summary>
internal readonly struct MaximumFloat<T> : IBinary<T, T, T> where T : INumber<T>
{
    public static T Of(T a, T b) => T.MaxNumber(a, b);
}

/// <summary>min.NaN: NaN if an operand is.</summary>
internal readonly struct MinimumOrNaN<T> : IBinary<T, T, T> where T : INumber<T>
{
    public static T Of(T a, T b) => T.Min(a, b);
}

/// <summary>max.NaN: NaN if an operand is.</summary>
internal readonly struct MaximumOrNaN<T> : IBinary<T, T, T> where T : INumber<T>
{
    public static T Of(T a, T b) => T.Max(a, b);
}

internal readonly struct NegateFloat<T> : IUnary<T, T> where T : INumber<T>
{
    public static T Of(T a) => -a;
}

internal readonly struct AbsoluteFloat<T> : IUnary<T, T> where T : INumber<T>
{
    public static T Of(T a) => T.Abs(a);
}

/// <summary>copysign: the sign of the first, the size of the second.</summary>
internal readonly struct CopySign<T> : IBinary<T, T, T> where T : INumber<T>
{
    public static T Of(T a, T b) => T.CopySign(b, a);
}

internal readonly struct SquareRoot<T> : IUnary<T, T> where T : IRootFunctions<T>
{
    public static T Of(T a) => T.Sqrt(a);
}

internal readonly struct Reciprocal<T> : IUnary<T, T> where T : INumber<T>
{
    public static T Of(T a) => T.One / a;
}

/// <summary>rsqrt.approx: largest relative error 2^-22.9.</summary>
internal readonly struct ReciprocalSquareRoot : IUnary<float, float>
{
    public static float Of(float a) => (float)(1 / Math.Sqrt(a));
}

/// <summary>ex2.approx: largest error 2 units in the last place.</summary>
internal readonly struct PowerOfTwo : IUnary<float, float>
{
    public static float Of(float a) => (float)Math.Pow(2, a);
}

/// <summary>lg2.approx: largest absolute error 2^-22 near 1, relative error 2^-22 elsewhere.</summary>
internal readonly struct BinaryLogarithm : IUnary<float, float>
{
    public static float Of(float a) => (float)Math.Log2(a);
}

/// <summary>sin.approx: largest absolute error 2^-20.5 between -π and π.</summary>
internal readonly struct Sine : IUnary<float, float>
{
    public static float Of(float a) => (float)Math.Sin(a);
}

/// <summary>cos.approx: largest absolute error 2^-20.5 between -π and π.</summary>
internal readonly struct Cosine : IUnary<float, float>
{
    public static float Of(float a) => (float)Math.Cos(a);
}

/// <summary>tanh.approx: largest relative error 2^-11.</summary>
internal readonly struct HyperbolicTangent : IUnary<float, float>
{
    public static float Of(float a) => (float)Math.Tanh(a);
}

/// <summary>Either operand is NaN, or the comparison holds: the comparisons whose names end in u.</summary>
internal readonly struct OrUnordered<TComparison, T> : IBinary<bool, T, T>
    where TComparison : IBinary<bool, T, T>
    where T : INumber<T>
{
    public static bool Of(T a, T b) => T.IsNaN(a) || T.IsNaN(b) || TComparison.Of(a, b);
}

/// <summary>num: neither operand is NaN.</summary>
internal readonly struct AreNumbers<T> : IBinary<bool, T, T> where T : INumber<T>
{
    public static bool Of(T a, T b) => !T.IsNaN(a) && !T.IsNaN(b);
}

/// <summary>nan: an operand is NaN.</summary>
internal readonly struct IsAnyNaN<T> : IBinary<bool, T, T> where T : INumber<T>
{
    public static bool Of(T a, T b) => T.IsNaN(a) || T.IsNaN(b);
}

/// <summary>testp.notanumber.</summary>
internal readonly struct IsNaN<T> : IUnary<bool, T> where T : INumber<T>
{
    public static bool Of(T a) => T.IsNaN(a);
}

/// <summary>testp.number.</summary>
internal readonly struct IsNumber<T> : IUnary<bool, T> where T : INumber<T>
{
    public static bool Of(T a) => !T.IsNaN(a);
}

/// <summary>testp.finite.</summary>
internal readonly struct IsFinite<T> : IUnary<bool, T> where T : INumber<T>
{
    public static bool Of(T a) => T.IsFinite(a);
}

/// <summary>testp.infinite.</summary>
internal readonly struct IsInfinite<T> : IUnary<bool, T> where T : INumber<T>
{
    public static bool Of(T a) => T.IsInfinity(a);
}

/// <summary>.ftz: operands and results too small for a normal number count as zeros of their sign.</summary>
internal static class Subnormal
{
    public static float Flush(float value) => float.IsSubnormal(value) ? float.CopySign(0, value) : value;
}

/// <summary>A function with .ftz.</summary>
internal readonly struct Flushed1<TFunction> : IUnary<float, float> where TFunction : IUnary<float, float>
{
    public static float Of(float a) => Subnormal.Flush(TFunction.Of(Subnormal.Flush(a)));
}

/// <summary>A function with .ftz.</summary>
internal readonly struct Flushed2<TFunction> : IBinary<float, float, float> where TFunction : IBinary<float, float, float>
{
    public static float Of(float a, float b) => Subnormal.Flush(TFunction.Of(Subnormal.Flush(a), Subnormal.Flush(b)));
}

/// <summary>A function with .ftz.</summary>
internal readonly struct Flushed3<TFunction> : ITernary<float, float, float, float> where TFunction : ITernary<float, float, float, float>
{
    public static float Of(float a, float b, float c) =>
        Subnormal.Flush(TFunction.Of(Subnormal.Flush(a), Subnormal.Flush(b), Subnormal.Flush(c)));
}

/// <summary>A comparison with .ftz.</summary>
internal readonly struct FlushedComparison<TComparison> : IBinary<bool, float, float> where TComparison : IBinary<bool, float, float>
{
    public static bool Of(float a, float b) => TComparison.Of(Subnormal.Flush(a), Subnormal.Flush(b));
}
