using System.Numerics;

namespace Convolve.Inspection.PtxMachine.Instructions;

// What integer instructions compute of one lane's operands: PTX ISA, 9.7.1 "Integer Arithmetic Instructions" and 9.7.8 "Logic and Shift
// Instructions". Results are cut to their width; the sign is in the type.

internal readonly struct Add<T> : IBinary<T, T, T> where T : IAdditionOperators<T, T, T>
{
    public static T Of(T a, T b) => unchecked(a + b);
}

internal readonly struct Subtract<T> : IBinary<T, T, T> where T : ISubtractionOperators<T, T, T>
{
    public static T Of(T a, T b) => unchecked(a - b);
}

internal readonly struct Multiply<T> : IBinary<T, T, T> where T : IMultiplyOperators<T, T, T>
{
    public static T Of(T a, T b) => unchecked(a * b);
}

/// <summary>mul.hi: the upper half of the product.</summary>
internal readonly struct MultiplyHigh<T> : IBinary<T, T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => T.CreateTruncating(Int128.CreateTruncating(a) * Int128.CreateTruncating(b) >> (a.GetByteCount() * 8));
}

/// <summary>mul.wide: a product of twice the width.</summary>
internal readonly struct MultiplyWide<TWide, T> : IBinary<TWide, T, T>
    where TWide : IBinaryInteger<TWide>
    where T : IBinaryInteger<T>
{
    public static TWide Of(T a, T b) => unchecked(TWide.CreateTruncating(a) * TWide.CreateTruncating(b));
}

/// <summary>mad.lo.</summary>
internal readonly struct MultiplyAdd<T> : ITernary<T, T, T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a, T b, T c) => unchecked(a * b + c);
}

/// <summary>mad.wide.</summary>
internal readonly struct MultiplyAddWide<TWide, T> : ITernary<TWide, T, T, TWide>
    where TWide : IBinaryInteger<TWide>
    where T : IBinaryInteger<T>
{
    public static TWide Of(T a, T b, TWide c) => unchecked(MultiplyWide<TWide, T>.Of(a, b) + c);
}

/// <summary>div; by zero all bits are ones, as on the hardware, though PTX promises nothing.</summary>
internal readonly struct DivideInteger<T> : IBinary<T, T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => T.IsZero(b) ? ~T.Zero : b == ~T.Zero && T.IsNegative(b) ? unchecked(T.Zero - a) : a / b;
}

/// <summary>rem; by zero it is the dividend.</summary>
internal readonly struct Remainder<T> : IBinary<T, T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => T.IsZero(b) ? a : b == ~T.Zero && T.IsNegative(b) ? T.Zero : a % b;
}

internal readonly struct MinimumInteger<T> : IBinary<T, T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => a < b ? a : b;
}

internal readonly struct MaximumInteger<T> : IBinary<T, T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => a > b ? a : b;
}

internal readonly struct NegateInteger<T> : IUnary<T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a) => unchecked(T.Zero - a);
}

internal readonly struct AbsoluteInteger<T> : IUnary<T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a) => T.IsNegative(a) ? unchecked(T.Zero - a) : a;
}

internal readonly struct And<T> : IBinary<T, T, T> where T : IBitwiseOperators<T, T, T>
{
    public static T Of(T a, T b) => a & b;
}

internal readonly struct Or<T> : IBinary<T, T, T> where T : IBitwiseOperators<T, T, T>
{
    public static T Of(T a, T b) => a | b;
}

internal readonly struct Xor<T> : IBinary<T, T, T> where T : IBitwiseOperators<T, T, T>
{
    public static T Of(T a, T b) => a ^ b;
}

internal readonly struct Not<T> : IUnary<T, T> where T : IBitwiseOperators<T, T, T>
{
    public static T Of(T a) => ~a;
}

/// <summary>cnot: 1 for zero, 0 for all else.</summary>
internal readonly struct LogicalNot<T> : IUnary<T, T> where T : IBinaryInteger<T>
{
    public static T Of(T a) => T.IsZero(a) ? T.One : T.Zero;
}

/// <summary>shl; amounts above the width count as the width.</summary>
internal readonly struct ShiftLeft<T> : IBinary<T, T, uint> where T : IBinaryInteger<T>
{
    public static T Of(T a, uint b) => b >= a.GetByteCount() * 8 ? T.Zero : a << (int)b;
}

/// <summary>shr: with the sign of a signed number; amounts above the width count as the width.</summary>
internal readonly struct ShiftRight<T> : IBinary<T, T, uint> where T : IBinaryInteger<T>
{
    public static T Of(T a, uint b) => b < a.GetByteCount() * 8 ? a >> (int)b : T.IsNegative(a) ? ~T.Zero : T.Zero;
}

internal readonly struct PopulationCount<T> : IUnary<uint, T> where T : IBinaryInteger<T>
{
    public static uint Of(T a) => uint.CreateTruncating(T.PopCount(a));
}

internal readonly struct LeadingZeros<T> : IUnary<uint, T> where T : IBinaryInteger<T>
{
    public static uint Of(T a) => uint.CreateTruncating(T.LeadingZeroCount(a));
}

/// <summary>brev.</summary>
internal readonly struct ReverseBits : IUnary<uint, uint>
{
    public static uint Of(uint a)
    {
        var reversed = 0u;
        for (var bit = 0; bit < 32; bit++) reversed |= (a >> bit & 1) << (31 - bit);
        return reversed;
    }
}

/// <summary>mov, and instructions that change nothing here, such as cvta.</summary>
internal readonly struct Copy<T> : IUnary<T, T>
{
    public static T Of(T a) => a;
}

internal readonly struct IsEqual<T> : IBinary<bool, T, T> where T : INumber<T>
{
    public static bool Of(T a, T b) => a == b;
}

/// <summary>Of floating-point numbers: different, and neither is NaN.</summary>
internal readonly struct IsNotEqual<T> : IBinary<bool, T, T> where T : INumber<T>
{
    public static bool Of(T a, T b) => a != b && !T.IsNaN(a) && !T.IsNaN(b);
}

internal readonly struct IsLess<T> : IBinary<bool, T, T> where T : INumber<T>
{
    public static bool Of(T a, T b) => a < b;
}

internal readonly struct IsAtMost<T> : IBinary<bool, T, T> where T : INumber<T>
{
    public static bool Of(T a, T b) => a <= b;
}

/// <summary>The comparison with its operands swapped.</summary>
internal readonly struct Swapped<TComparison, T> : IBinary<bool, T, T> where TComparison : IBinary<bool, T, T>
{
    public static bool Of(T a, T b) => TComparison.Of(b, a);
}
