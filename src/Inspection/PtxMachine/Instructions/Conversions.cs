using System.Numerics;

namespace Convolve.Inspection.PtxMachine.Instructions;

// cvt: PTX ISA, 9.7.9 "Data Movement and Conversion Instructions: cvt".

/// <summary>How a number is brought to an integral one.</summary>
internal interface IRounding
{
    static abstract double Round(double value);
}

/// <summary>rni: to the nearest, ties to even.</summary>
internal readonly struct ToNearest : IRounding
{
    public static double Round(double value) => Math.Round(value, MidpointRounding.ToEven);
}

/// <summary>rzi: towards zero.</summary>
internal readonly struct ToZero : IRounding
{
    public static double Round(double value) => Math.Truncate(value);
}

/// <summary>rmi: down.</summary>
internal readonly struct Down : IRounding
{
    public static double Round(double value) => Math.Floor(value);
}

/// <summary>rpi: up.</summary>
internal readonly struct Up : IRounding
{
    public static double Round(double value) => Math.Ceiling(value);
}

/// <summary>Between integers: what is too long is cut off, what is short is filled up by its own sign.</summary>
internal readonly struct ConvertInteger<TResult, T> : IUnary<TResult, T>
    where TResult : IBinaryInteger<TResult>
    where T : IBinaryInteger<T>
{
    public static TResult Of(T a) => TResult.CreateTruncating(a);
}

/// <summary>To an integer; what is out of range becomes the end of the range, NaN becomes 0.</summary>
internal readonly struct FloatToInteger<TResult, T, TRounding> : IUnary<TResult, T>
    where TResult : IBinaryInteger<TResult>
    where T : IFloatingPointIeee754<T>
    where TRounding : IRounding
{
    public static TResult Of(T a) => TResult.CreateSaturating(TRounding.Round(double.CreateTruncating(a)));
}

/// <summary>To a floating-point number, the nearest; also from one precision to the other.</summary>
internal readonly struct ToFloat<TResult, T> : IUnary<TResult, T>
    where TResult : IFloatingPointIeee754<TResult>
    where T : INumber<T>
{
    public static TResult Of(T a) => TResult.CreateTruncating(a);
}

/// <summary>To an integral number that stays a floating-point number.</summary>
internal readonly struct RoundFloat<T, TRounding> : IUnary<T, T>
    where T : IFloatingPointIeee754<T>
    where TRounding : IRounding
{
    public static T Of(T a) => T.CreateTruncating(TRounding.Round(double.CreateTruncating(a)));
}

/// <summary>cvt.rna.tf32.f32: to ten bits of fraction, the nearest, ties away from zero; the bits below are zeros.</summary>
internal readonly struct RoundToTf32 : IUnary<uint, float>
{
    public static uint Of(float a)
    {
        var bits = BitConverter.SingleToUInt32Bits(a);
        return float.IsFinite(a) ? (bits + 0x1000) & 0xFFFFE000 : bits;
    }
}
