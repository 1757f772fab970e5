using System.Numerics;
using System.Runtime.CompilerServices;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>A function of one operand.</summary>
internal interface IUnary<TResult, T>
{
    static abstract TResult Of(T a);
}

/// <summary>A function of two operands.</summary>
internal interface IBinary<TResult, TLeft, TRight>
{
    static abstract TResult Of(TLeft a, TRight b);
}

/// <summary>A function of three operands.</summary>
internal interface ITernary<TResult, TLeft, TRight, TThird>
{
    static abstract TResult Of(TLeft a, TRight b, TThird c);
}

/// <summary>Executes functions of single numbers for all lanes of a warp that an instruction has an effect on.</summary>
internal static unsafe class Lanes
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unary<TFunction, TResult, T>(Warp warp, int result, int a)
        where TFunction : IUnary<TResult, T>
        where TResult : unmanaged
        where T : unmanaged
    {
        byte* to = warp.Rows + result, from = warp.Rows + a;
        if (warp.Mask == Row.AllLanes)
            for (var lane = 0; lane < Row.Lanes; lane++) Row.Set(to, lane, TFunction.Of(Row.Get<T>(from, lane)));
        else
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                Row.Set(to, lane, TFunction.Of(Row.Get<T>(from, lane)));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Binary<TFunction, TResult, TLeft, TRight>(Warp warp, int result, int a, int b)
        where TFunction : IBinary<TResult, TLeft, TRight>
        where TResult : unmanaged
        where TLeft : unmanaged
        where TRight : unmanaged
    {
        byte* to = warp.Rows + result, left = warp.Rows + a, right = warp.Rows + b;
        if (warp.Mask == Row.AllLanes)
            for (var lane = 0; lane < Row.Lanes; lane++)
                Row.Set(to, lane, TFunction.Of(Row.Get<TLeft>(left, lane), Row.Get<TRight>(right, lane)));
        else
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                Row.Set(to, lane, TFunction.Of(Row.Get<TLeft>(left, lane), Row.Get<TRight>(right, lane)));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ternary<TFunction, TResult, TLeft, TRight, TThird>(Warp warp, int result, int a, int b, int c)
        where TFunction : ITernary<TResult, TLeft, TRight, TThird>
        where TResult : unmanaged
        where TLeft : unmanaged
        where TRight : unmanaged
        where TThird : unmanaged
    {
        byte* to = warp.Rows + result, left = warp.Rows + a, right = warp.Rows + b, third = warp.Rows + c;
        if (warp.Mask == Row.AllLanes)
            for (var lane = 0; lane < Row.Lanes; lane++)
                Row.Set(to, lane, TFunction.Of(Row.Get<TLeft>(left, lane), Row.Get<TRight>(right, lane), Row.Get<TThird>(third, lane)));
        else
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                Row.Set(to, lane, TFunction.Of(Row.Get<TLeft>(left, lane), Row.Get<TRight>(right, lane), Row.Get<TThird>(third, lane)));
            }
    }

    /// <summary>Sets a predicate to a comparison; of lanes without effect it keeps its value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compare<TFunction, T>(Warp warp, int result, int a, int b)
        where TFunction : IBinary<bool, T, T>
        where T : unmanaged
    {
        byte* left = warp.Rows + a, right = warp.Rows + b;
        var holds = 0u;
        for (var lane = 0; lane < Row.Lanes; lane++)
            if (TFunction.Of(Row.Get<T>(left, lane), Row.Get<T>(right, lane))) holds |= 1u << lane;
        SetPredicate(warp, result, holds);
    }

    /// <summary>Sets a predicate to a property of a number.</summary>
    public static void Test<TFunction, T>(Warp warp, int result, int a)
        where TFunction : IUnary<bool, T>
        where T : unmanaged
    {
        var holds = 0u;
        for (var lane = 0; lane < Row.Lanes; lane++)
            if (TFunction.Of(Row.Get<T>(warp.Rows + a, lane))) holds |= 1u << lane;
        SetPredicate(warp, result, holds);
    }

    /// <summary>The first operand where the predicate holds, the second elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Select<T>(Warp warp, int result, int a, int b, int predicate) where T : unmanaged
    {
        var holds = *(uint*)(warp.Rows + predicate);
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            Row.Set(warp.Rows + result, lane, Row.Get<T>(warp.Rows + ((holds >> lane & 1) != 0 ? a : b), lane));
        }
    }

    /// <summary>A function of predicates, for all lanes at once.</summary>
    public static void Predicates<TFunction>(Warp warp, int result, int a, int b) where TFunction : IBinary<uint, uint, uint> =>
        SetPredicate(warp, result, TFunction.Of(*(uint*)(warp.Rows + a), *(uint*)(warp.Rows + b)));

    /// <summary>A function of a predicate, for all lanes at once.</summary>
    public static void Predicate<TFunction>(Warp warp, int result, int a) where TFunction : IUnary<uint, uint> =>
        SetPredicate(warp, result, TFunction.Of(*(uint*)(warp.Rows + a)));

    /// <summary>Sets the lanes of a predicate that an instruction has an effect on.</summary>
    public static void SetPredicate(Warp warp, int result, uint holds)
    {
        var to = (uint*)(warp.Rows + result);
        *to = *to & ~warp.Mask | holds & warp.Mask;
    }
}
