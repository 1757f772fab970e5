using System.Numerics;
using System.Reflection;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>An instruction that computes each lane's result of the same lane's operands.</summary>
/// <param name="Method">Executes it; it takes the warp and the rows of the operands.</param>
/// <param name="Operands">What lanes hold, the result first; <see cref="bool"/> for predicates.</param>
internal sealed record LaneInstruction(MethodInfo Method, IReadOnlyList<Type> Operands);

/// <summary>All instructions that compute lane by lane, by their full names.</summary>
/// <remarks>PTX ISA, chapter 9 "Instruction Set".</remarks>
internal static class InstructionSet
{
    private static readonly Dictionary<string, LaneInstruction> instructions = [];

    static InstructionSet()
    {
        Integers<ushort, uint>("u16");
        Integers<short, int>("s16");
        Integers<uint, ulong>("u32");
        Integers<int, long>("s32");
        Integers<ulong, UInt128>("u64");
        Integers<long, Int128>("s64");
        Bits<ushort>("b16");
        Bits<uint>("b32");
        Bits<ulong>("b64");
        Floats<float>("f32");
        Floats<double>("f64");
        FlushingFloats();
        Approximations();
        Predicates();
        Conversions();
        // An address in global memory is the same number as a generic one.
        Unary<Copy<ulong>, ulong, ulong>("cvta.to.global.u64");
        Unary<Copy<ulong>, ulong, ulong>("cvta.global.u64");
    }

    /// <summary>The instruction of a name; null if it is none of these.</summary>
    public static LaneInstruction? Find(string name) => instructions.GetValueOrDefault(name);

    private static void Define(string name, string method, Type[] typeArguments, params Type[] operands) =>
        instructions.Add(name, new LaneInstruction(typeof(Lanes).GetMethod(method)!.MakeGenericMethod(typeArguments), operands));

    private static void Unary<TFunction, TResult, T>(string name) where TFunction : IUnary<TResult, T> =>
        Define(name, nameof(Lanes.Unary), [typeof(TFunction), typeof(TResult), typeof(T)], typeof(TResult), typeof(T));

    private static void Binary<TFunction, TResult, TLeft, TRight>(string name) where TFunction : IBinary<TResult, TLeft, TRight> =>
        Define(name, nameof(Lanes.Binary), [typeof(TFunction), typeof(TResult), typeof(TLeft), typeof(TRight)],
            typeof(TResult), typeof(TLeft), typeof(TRight));

    private static void Binary<TFunction, T>(string name) where TFunction : IBinary<T, T, T> => Binary<TFunction, T, T, T>(name);

    private static void Ternary<TFunction, TResult, TLeft, TRight, TThird>(string name)
        where TFunction : ITernary<TResult, TLeft, TRight, TThird> =>
        Define(name, nameof(Lanes.Ternary), [typeof(TFunction), typeof(TResult), typeof(TLeft), typeof(TRight), typeof(TThird)],
            typeof(TResult), typeof(TLeft), typeof(TRight), typeof(TThird));

    private static void Compare<TFunction, T>(string name) where TFunction : IBinary<bool, T, T> =>
        Define(name, nameof(Lanes.Compare), [typeof(TFunction), typeof(T)], typeof(bool), typeof(T), typeof(T));

    private static void Test<TFunction, T>(string name) where TFunction : IUnary<bool, T> =>
        Define(name, nameof(Lanes.Test), [typeof(TFunction), typeof(T)], typeof(bool), typeof(T));

    private static void Integers<T, TWide>(string type)
        where T : unmanaged, IBinaryInteger<T>
        where TWide : unmanaged, IBinaryInteger<TWide>
    {
        Binary<Add<T>, T>($"add.{type}");
        Binary<Subtract<T>, T>($"sub.{type}");
        Binary<Multiply<T>, T>($"mul.lo.{type}");
        Binary<MultiplyHigh<T>, T>($"mul.hi.{type}");
        Ternary<MultiplyAdd<T>, T, T, T, T>($"mad.lo.{type}");
        Binary<DivideInteger<T>, T>($"div.{type}");
        Binary<Remainder<T>, T>($"rem.{type}");
        Binary<MinimumInteger<T>, T>($"min.{type}");
        Binary<MaximumInteger<T>, T>($"max.{type}");
        Unary<NegateInteger<T>, T, T>($"neg.{type}");
        Unary<AbsoluteInteger<T>, T, T>($"abs.{type}");
        Binary<ShiftRight<T>, T, T, uint>($"shr.{type}");
        Moves<T>(type);
        Comparisons<T>(type);
        // There is no register for products of 128 bits.
        if (T.Zero.GetByteCount() == 8) return;
        Binary<MultiplyWide<TWide, T>, TWide, T, T>($"mul.wide.{type}");
        Ternary<MultiplyAddWide<TWide, T>, TWide, T, T, TWide>($"mad.wide.{type}");
    }

    private static void Bits<T>(string type) where T : unmanaged, IBinaryInteger<T>
    {
        Binary<And<T>, T>($"and.{type}");
        Binary<Or<T>, T>($"or.{type}");
        Binary<Xor<T>, T>($"xor.{type}");
        Unary<Not<T>, T, T>($"not.{type}");
        Unary<LogicalNot<T>, T, T>($"cnot.{type}");
        Binary<ShiftLeft<T>, T, T, uint>($"shl.{type}");
        Binary<ShiftRight<T>, T, T, uint>($"shr.{type}");
        Moves<T>(type);
        Compare<IsEqual<T>, T>($"setp.eq.{type}");
        Compare<IsNotEqual<T>, T>($"setp.ne.{type}");
        if (T.Zero.GetByteCount() == 2) return;
        Unary<PopulationCount<T>, uint, T>($"popc.{type}");
        Unary<LeadingZeros<T>, uint, T>($"clz.{type}");
        if (T.Zero.GetByteCount() == 4) Unary<ReverseBits, uint, uint>($"brev.{type}");
    }

    private static void Floats<T>(string type) where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (var rounding in new[] { "", ".rn" })
        {
            Binary<Add<T>, T>($"add{rounding}.{type}");
            Binary<Subtract<T>, T>($"sub{rounding}.{type}");
            Binary<Multiply<T>, T>($"mul{rounding}.{type}");
        }
        Ternary<FusedMultiplyAdd<T>, T, T, T, T>($"fma.rn.{type}");
        Binary<Divide<T>, T>($"div.rn.{type}");
        Unary<SquareRoot<T>, T, T>($"sqrt.rn.{type}");
        Unary<Reciprocal<T>, T, T>($"rcp.rn.{type}");
        Binary<MinimumFloat<T>, T>($"min.{type}");
        Binary<MaximumFloat<T>, T>($"max.{type}");
        Unary<NegateFloat<T>, T, T>($"neg.{type}");
        Unary<AbsoluteFloat<T>, T, T>($"abs.{type}");
        Binary<CopySign<T>, T>($"copysign.{type}");
        Test<IsNaN<T>, T>($"testp.notanumber.{type}");
        Test<IsNumber<T>, T>($"testp.number.{type}");
        Test<IsFinite<T>, T>($"testp.finite.{type}");
        Test<IsInfinite<T>, T>($"testp.infinite.{type}");
        Moves<T>(type);
        Comparisons<T>(type);
        foreach (var (name, comparison) in FloatComparisons(typeof(T)))
            Define($"setp.{name}.{type}", nameof(Lanes.Compare), [comparison, typeof(T)], typeof(bool), typeof(T), typeof(T));
    }

    /// <summary>The same with .ftz, and what exists for float32 only.</summary>
    private static void FlushingFloats()
    {
        foreach (var rounding in new[] { "", ".rn" })
        {
            Binary<Flushed2<Add<float>>, float>($"add{rounding}.ftz.f32");
            Binary<Flushed2<Subtract<float>>, float>($"sub{rounding}.ftz.f32");
            Binary<Flushed2<Multiply<float>>, float>($"mul{rounding}.ftz.f32");
        }
        Ternary<Flushed3<FusedMultiplyAdd<float>>, float, float, float, float>("fma.rn.ftz.f32");
        Binary<Flushed2<Divide<float>>, float>("div.rn.ftz.f32");
        Unary<Flushed1<SquareRoot<float>>, float, float>("sqrt.rn.ftz.f32");
        Unary<Flushed1<Reciprocal<float>>, float, float>("rcp.rn.ftz.f32");
        Binary<Flushed2<MinimumFloat<float>>, float>("min.ftz.f32");
        Binary<Flushed2<MaximumFloat<float>>, float>("max.ftz.f32");
        Binary<MinimumOrNaN<float>, float>("min.NaN.f32");
        Binary<MaximumOrNaN<float>, float>("max.NaN.f32");
        Unary<Flushed1<NegateFloat<float>>, float, float>("neg.ftz.f32");
        Unary<Flushed1<AbsoluteFloat<float>>, float, float>("abs.ftz.f32");
        foreach (var (name, comparison) in new[] { ("eq", typeof(IsEqual<float>)), ("ne", typeof(IsNotEqual<float>)),
            ("lt", typeof(IsLess<float>)), ("le", typeof(IsAtMost<float>)),
            ("gt", typeof(Swapped<IsLess<float>, float>)), ("ge", typeof(Swapped<IsAtMost<float>, float>)) }
                .Concat(FloatComparisons(typeof(float))))
            Define($"setp.{name}.ftz.f32", nameof(Lanes.Compare), [typeof(FlushedComparison<>).MakeGenericType(comparison), typeof(float)],
                typeof(bool), typeof(float), typeof(float));
    }

    private static void Approximations()
    {
        Approximation<SquareRoot<float>>("sqrt.approx");
        Approximation<Reciprocal<float>>("rcp.approx");
        Approximation<ReciprocalSquareRoot>("rsqrt.approx");
        Approximation<PowerOfTwo>("ex2.approx");
        Approximation<BinaryLogarithm>("lg2.approx");
        Approximation<Sine>("sin.approx");
        Approximation<Cosine>("cos.approx");
        Unary<HyperbolicTangent, float, float>("tanh.approx.f32");
        foreach (var precision in new[] { "approx", "full" })
        {
            Binary<Divide<float>, float>($"div.{precision}.f32");
            Binary<Flushed2<Divide<float>>, float>($"div.{precision}.ftz.f32");
        }
    }

    private static void Approximation<TFunction>(string name) where TFunction : IUnary<float, float>
    {
        Unary<TFunction, float, float>($"{name}.f32");
        Unary<Flushed1<TFunction>, float, float>($"{name}.ftz.f32");
    }

    private static void Predicates()
    {
        Define("and.pred", nameof(Lanes.Predicates), [typeof(And<uint>)], typeof(bool), typeof(bool), typeof(bool));
        Define("or.pred", nameof(Lanes.Predicates), [typeof(Or<uint>)], typeof(bool), typeof(bool), typeof(bool));
        Define("xor.pred", nameof(Lanes.Predicates), [typeof(Xor<uint>)], typeof(bool), typeof(bool), typeof(bool));
        Define("not.pred", nameof(Lanes.Predicate), [typeof(Not<uint>)], typeof(bool), typeof(bool));
        Define("mov.pred", nameof(Lanes.Predicate), [typeof(Copy<uint>)], typeof(bool), typeof(bool));
    }

    private static void Conversions()
    {
        (string Name, Type Type)[] integers =
        [
            ("u8", typeof(byte)), ("s8", typeof(sbyte)), ("u16", typeof(ushort)), ("s16", typeof(short)), ("u32", typeof(uint)),
                ("s32", typeof(int)),
            ("u64", typeof(ulong)), ("s64", typeof(long)),
        ];
        (string Name, Type Type)[] floats = [("f32", typeof(float)), ("f64", typeof(double))];
        (string Name, Type Type)[] roundings =
            [("rni", typeof(ToNearest)), ("rzi", typeof(ToZero)), ("rmi", typeof(Down)), ("rpi", typeof(Up))];
        foreach (var from in integers)
            foreach (var to in integers)
                Convert($"cvt.{to.Name}.{from.Name}", typeof(ConvertInteger<,>).MakeGenericType(to.Type, from.Type), to.Type, from.Type);
        foreach (var floating in floats)
        {
            foreach (var integer in integers)
            {
                Convert($"cvt.rn.{floating.Name}.{integer.Name}", typeof(ToFloat<,>).MakeGenericType(floating.Type, integer.Type),
                    floating.Type, integer.Type);
                foreach (var (name, rounding) in roundings)
                    Convert($"cvt.{name}.{integer.Name}.{floating.Name}",
                        typeof(FloatToInteger<,,>).MakeGenericType(integer.Type, floating.Type, rounding), integer.Type, floating.Type);
            }
            foreach (var (name, rounding) in roundings)
                Convert($"cvt.{name}.{floating.Name}.{floating.Name}", typeof(RoundFloat<,>).MakeGenericType(floating.Type, rounding),
                    floating.Type, floating.Type);
        }
        Unary<ToFloat<double, float>, double, float>("cvt.f64.f32");
        Unary<ToFloat<float, double>, float, double>("cvt.rn.f32.f64");
        Unary<RoundToTf32, uint, float>("cvt.rna.tf32.f32");
    }

    private static void Convert(string name, Type function, Type to, Type from) =>
        Define(name, nameof(Lanes.Unary), [function, to, from], to, from);

    private static void Moves<T>(string type) where T : unmanaged
    {
        Unary<Copy<T>, T, T>($"mov.{type}");
        Define($"selp.{type}", nameof(Lanes.Select), [typeof(T)], typeof(T), typeof(T), typeof(T), typeof(bool));
    }

    private static void Comparisons<T>(string type) where T : unmanaged, INumber<T>
    {
        Compare<IsEqual<T>, T>($"setp.eq.{type}");
        Compare<IsNotEqual<T>, T>($"setp.ne.{type}");
        Compare<IsLess<T>, T>($"setp.lt.{type}");
        Compare<IsAtMost<T>, T>($"setp.le.{type}");
        Compare<Swapped<IsLess<T>, T>, T>($"setp.gt.{type}");
        Compare<Swapped<IsAtMost<T>, T>, T>($"setp.ge.{type}");
        if (type[0] != 'u') return;
        Compare<IsLess<T>, T>($"setp.lo.{type}");
        Compare<IsAtMost<T>, T>($"setp.ls.{type}");
        Compare<Swapped<IsLess<T>, T>, T>($"setp.hi.{type}");
        Compare<Swapped<IsAtMost<T>, T>, T>($"setp.hs.{type}");
    }

    /// <summary>Comparisons that know NaN.</summary>
    private static IEnumerable<(string Name, Type Comparison)> FloatComparisons(Type type)
    {
        Type Closed(Type comparison) => comparison.MakeGenericType(type);
        Type Swap(Type comparison) => typeof(Swapped<,>).MakeGenericType(Closed(comparison), type);
        Type Unordered(Type comparison) => typeof(OrUnordered<,>).MakeGenericType(comparison, type);
        return
        [
            ("equ", Unordered(Closed(typeof(IsEqual<>)))), ("neu", Unordered(Closed(typeof(IsNotEqual<>)))),
                ("ltu", Unordered(Closed(typeof(IsLess<>)))),
            ("leu", Unordered(Closed(typeof(IsAtMost<>)))), ("gtu", Unordered(Swap(typeof(IsLess<>)))),
                ("geu", Unordered(Swap(typeof(IsAtMost<>)))),
            ("num", Closed(typeof(AreNumbers<>))), ("nan", Closed(typeof(IsAnyNaN<>))),
        ];
    }
}
