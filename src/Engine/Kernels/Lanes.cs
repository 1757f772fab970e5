using System.Runtime.CompilerServices;
using ILGPU;

namespace Convolve.Engine.Kernels;

/// <summary>A function of one number, to be applied lane by lane.</summary>
internal interface IFunctionOfOne
{
    static abstract float Invoke(float x);
}

/// <summary>A function of two numbers, to be applied lane by lane.</summary>
internal interface IFunctionOfTwo
{
    static abstract float Invoke(float left, float right);
}

/// <summary>max(floor, x); NaN stays NaN.</summary>
internal readonly struct Clip : IFunctionOfTwo
{
    public static float Invoke(float x, float floor) => x < floor ? floor : x;
}

/// <summary>A function of a number, its label (0–255), another number and the label that this one would bring.</summary>
internal interface IFunctionOfLabelled
{
    static abstract void Invoke(ref float value, ref int label, float other, int otherLabel);
}

/// <summary>
/// Neighbours in memory that a thread loads, computes and stores at once: one (<see cref="Float1"/>) or four (<see cref="Float4"/>). What
/// is generic in it is written once; each lane is computed exactly as it would be alone.
/// </summary>
internal interface ILanes<T> where T : struct, ILanes<T>
{
    /// <summary>Lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Equal values.</summary>
    static abstract T Of(float value);

    /// <summary>The neighbours from an index on; it is a multiple of <see cref="Count"/>.</summary>
    static abstract T Load(ArrayView<float> values, int index);

    /// <summary>Stores to an index that is a multiple of <see cref="Count"/>.</summary>
    static abstract void Store(ArrayView<float> values, int index, T lanes);

    /// <summary>As many bytes, the first one lowest.</summary>
    static abstract int LoadBytes(ArrayView<byte> bytes, int index);

    static abstract void StoreBytes(ArrayView<byte> bytes, int index, int lanes);

    static abstract T operator +(T left, T right);

    static abstract T operator -(T left, T right);

    static abstract T operator *(T left, T right);

    static abstract T operator *(T left, float right);

    static abstract T operator /(T left, T right);

    static abstract T Map<TFunction>(T lanes) where TFunction : struct, IFunctionOfOne;

    static abstract T Zip<TFunction>(T left, T right) where TFunction : struct, IFunctionOfTwo;

    /// <summary>Lane by lane the value where <paramref name="deciders"/> is above a floor, else 0.</summary>
    static abstract T WhereAbove(T values, T deciders, float floor);

    /// <summary>Lane by lane, where the labels are packed bytes and the other label is the same for all.</summary>
    static abstract void ZipLabelled<TFunction>(ref T values, ref int labels, T others, int otherLabel)
        where TFunction : struct, IFunctionOfLabelled;
}

/// <summary>One number: what a CPU's loops are made of, whose compiler makes vectors of them by itself.</summary>
internal struct Float1 : ILanes<Float1>
{
    public float X;

    public static int Count => 1;

    public static Float1 Of(float value) => new() { X = value };

    public static Float1 Load(ArrayView<float> values, int index) => new() { X = values[index] };

    public static void Store(ArrayView<float> values, int index, Float1 lanes) => values[index] = lanes.X;

    public static int LoadBytes(ArrayView<byte> bytes, int index) => bytes[index];

    public static void StoreBytes(ArrayView<byte> bytes, int index, int lanes) => bytes[index] = (byte)lanes;

    public static Float1 operator +(Float1 left, Float1 right) => new() { X = left.X + right.X };

    public static Float1 operator -(Float1 left, Float1 right) => new() { X = left.X - right.X };

    public static Float1 operator *(Float1 left, Float1 right) => new() { X = left.X * right.X };

    public static Float1 operator *(Float1 left, float right) => new() { X = left.X * right };

    public static Float1 operator /(Float1 left, Float1 right) => new() { X = left.X / right.X };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float1 Map<TFunction>(Float1 lanes) where TFunction : struct, IFunctionOfOne => new() { X = TFunction.Invoke(lanes.X) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float1 Zip<TFunction>(Float1 left, Float1 right) where TFunction : struct, IFunctionOfTwo =>
        new() { X = TFunction.Invoke(left.X, right.X) };

    public static Float1 WhereAbove(Float1 values, Float1 deciders, float floor) => new() { X = deciders.X > floor ? values.X : 0f };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ZipLabelled<TFunction>(ref Float1 values, ref int labels, Float1 others, int otherLabel)
        where TFunction : struct, IFunctionOfLabelled =>
        TFunction.Invoke(ref values.X, ref labels, others.X, otherLabel);
}

/// <summary>Four neighbours: what a GPU loads and stores at once, from addresses that are multiples of 16 bytes.</summary>
internal struct Float4 : ILanes<Float4>
{
    public float X, Y, Z, W;

    public static int Count => 4;

    public static Float4 Of(float value) => new() { X = value, Y = value, Z = value, W = value };

    public static Float4 Load(ArrayView<float> values, int index) => values.Cast<Float4>()[index / 4];

    public static void Store(ArrayView<float> values, int index, Float4 lanes) => values.Cast<Float4>()[index / 4] = lanes;

    public static int LoadBytes(ArrayView<byte> bytes, int index) => bytes.Cast<int>()[index / 4];

    public static void StoreBytes(ArrayView<byte> bytes, int index, int lanes) => bytes.Cast<int>()[index / 4] = lanes;

    public static Float4 operator +(Float4 left, Float4 right) =>
        new() { X = left.X + right.X, Y = left.Y + right.Y, Z = left.Z + right.Z, W = left.W + right.W };

    public static Float4 operator -(Float4 left, Float4 right) =>
        new() { X = left.X - right.X, Y = left.Y - right.Y, Z = left.Z - right.Z, W = left.W - right.W };

    public static Float4 operator *(Float4 left, Float4 right) =>
        new() { X = left.X * right.X, Y = left.Y * right.Y, Z = left.Z * right.Z, W = left.W * right.W };

    public static Float4 operator *(Float4 left, float right) =>
        new() { X = left.X * right, Y = left.Y * right, Z = left.Z * right, W = left.W * right };

    public static Float4 operator /(Float4 left, Float4 right) =>
        new() { X = left.X / right.X, Y = left.Y / right.Y, Z = left.Z / right.Z, W = left.W / right.W };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Map<TFunction>(Float4 lanes) where TFunction : struct, IFunctionOfOne => new()
    {
        X = TFunction.Invoke(lanes.X),
        Y = TFunction.Invoke(lanes.Y),
        Z = TFunction.Invoke(lanes.Z),
        W = TFunction.Invoke(lanes.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Zip<TFunction>(Float4 left, Float4 right) where TFunction : struct, IFunctionOfTwo => new()
    {
        X = TFunction.Invoke(left.X, right.X),
        Y = TFunction.Invoke(left.Y, right.Y),
        Z = TFunction.Invoke(left.Z, right.Z),
        W = TFunction.Invoke(left.W, right.W),
    };

    public static Float4 WhereAbove(Float4 values, Float4 deciders, float floor) => new()
    {
        X = deciders.X > floor ? values.X : 0f,
        Y = deciders.Y > floor ? values.Y : 0f,
        Z = deciders.Z > floor ? values.Z : 0f,
        W = deciders.W > floor ? values.W : 0f,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ZipLabelled<TFunction>(ref Float4 values, ref int labels, Float4 others, int otherLabel)
        where TFunction : struct, IFunctionOfLabelled
    {
        var x = labels & 255;
        var y = (labels >> 8) & 255;
        var z = (labels >> 16) & 255;
        var w = (labels >> 24) & 255;
        TFunction.Invoke(ref values.X, ref x, others.X, otherLabel);
        TFunction.Invoke(ref values.Y, ref y, others.Y, otherLabel);
        TFunction.Invoke(ref values.Z, ref z, others.Z, otherLabel);
        TFunction.Invoke(ref values.W, ref w, others.W, otherLabel);
        labels = x | (y << 8) | (z << 16) | (w << 24);
    }
}
