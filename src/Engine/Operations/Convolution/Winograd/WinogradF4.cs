using System.Runtime.CompilerServices;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// F(4×4, 3×3) at the points 0, ±1, ±2, ∞: 36 multiplications for 16 outputs, which take 144 directly. The larger numbers in its matrices
/// cost about a digit of accuracy.
/// </summary>
internal readonly struct WinogradF4 : IWinogradTransform
{
    public static int Outputs => 4;

    public static int Inputs => 6;

    public static int Positions => 36;

    public static void Input(ArrayView<float> tile, int at, int rowStride, int stride, ArrayView<float> factors, int to, int factorStride)
    {
        var q0 = InputColumn(tile, at, rowStride);
        var q1 = InputColumn(tile, at + stride, rowStride);
        var q2 = InputColumn(tile, at + 2 * stride, rowStride);
        var q3 = InputColumn(tile, at + 3 * stride, rowStride);
        var q4 = InputColumn(tile, at + 4 * stride, rowStride);
        var q5 = InputColumn(tile, at + 5 * stride, rowStride);
        Store(Input(q0.A, q1.A, q2.A, q3.A, q4.A, q5.A), factors, to, factorStride);
        Store(Input(q0.B, q1.B, q2.B, q3.B, q4.B, q5.B), factors, to + 6 * factorStride, factorStride);
        Store(Input(q0.C, q1.C, q2.C, q3.C, q4.C, q5.C), factors, to + 12 * factorStride, factorStride);
        Store(Input(q0.D, q1.D, q2.D, q3.D, q4.D, q5.D), factors, to + 18 * factorStride, factorStride);
        Store(Input(q0.E, q1.E, q2.E, q3.E, q4.E, q5.E), factors, to + 24 * factorStride, factorStride);
        Store(Input(q0.F, q1.F, q2.F, q3.F, q4.F, q5.F), factors, to + 30 * factorStride, factorStride);
    }

    public static void Kernel(ArrayView<float> taps, int at, int stride, ArrayView<float> factors, int to, int factorStride)
    {
        var q0 = Kernel(taps[at], taps[at + 3 * stride], taps[at + 6 * stride]);
        var q1 = Kernel(taps[at + stride], taps[at + 4 * stride], taps[at + 7 * stride]);
        var q2 = Kernel(taps[at + 2 * stride], taps[at + 5 * stride], taps[at + 8 * stride]);
        Store(Kernel(q0.A, q1.A, q2.A), factors, to, factorStride);
        Store(Kernel(q0.B, q1.B, q2.B), factors, to + 6 * factorStride, factorStride);
        Store(Kernel(q0.C, q1.C, q2.C), factors, to + 12 * factorStride, factorStride);
        Store(Kernel(q0.D, q1.D, q2.D), factors, to + 18 * factorStride, factorStride);
        Store(Kernel(q0.E, q1.E, q2.E), factors, to + 24 * factorStride, factorStride);
        Store(Kernel(q0.F, q1.F, q2.F), factors, to + 30 * factorStride, factorStride);
    }

    public static void Output(ArrayView<float> products, int at, int stride, ArrayView<float> outputs, int to, int outputStride)
    {
        var q0 = OutputColumn(products, at, 6 * stride);
        var q1 = OutputColumn(products, at + stride, 6 * stride);
        var q2 = OutputColumn(products, at + 2 * stride, 6 * stride);
        var q3 = OutputColumn(products, at + 3 * stride, 6 * stride);
        var q4 = OutputColumn(products, at + 4 * stride, 6 * stride);
        var q5 = OutputColumn(products, at + 5 * stride, 6 * stride);
        Store(Output(q0.A, q1.A, q2.A, q3.A, q4.A, q5.A), outputs, to, outputStride);
        Store(Output(q0.B, q1.B, q2.B, q3.B, q4.B, q5.B), outputs, to + 4 * outputStride, outputStride);
        Store(Output(q0.C, q1.C, q2.C, q3.C, q4.C, q5.C), outputs, to + 8 * outputStride, outputStride);
        Store(Output(q0.D, q1.D, q2.D, q3.D, q4.D, q5.D), outputs, to + 12 * outputStride, outputStride);
    }

    public static void Upstream(ArrayView<float> tile, int at, int rowStride, int stride, ArrayView<float> factors, int to,
        int factorStride)
    {
        var q0 = UpstreamColumn(tile, at, rowStride);
        var q1 = UpstreamColumn(tile, at + stride, rowStride);
        var q2 = UpstreamColumn(tile, at + 2 * stride, rowStride);
        var q3 = UpstreamColumn(tile, at + 3 * stride, rowStride);
        Store(Upstream(q0.A, q1.A, q2.A, q3.A), factors, to, factorStride);
        Store(Upstream(q0.B, q1.B, q2.B, q3.B), factors, to + 6 * factorStride, factorStride);
        Store(Upstream(q0.C, q1.C, q2.C, q3.C), factors, to + 12 * factorStride, factorStride);
        Store(Upstream(q0.D, q1.D, q2.D, q3.D), factors, to + 18 * factorStride, factorStride);
        Store(Upstream(q0.E, q1.E, q2.E, q3.E), factors, to + 24 * factorStride, factorStride);
        Store(Upstream(q0.F, q1.F, q2.F, q3.F), factors, to + 30 * factorStride, factorStride);
    }

    public static void KernelGradient(ArrayView<float> products, int at, int stride, ArrayView<float> taps, int to, int tapStride)
    {
        var q0 = KernelGradientColumn(products, at, 6 * stride);
        var q1 = KernelGradientColumn(products, at + stride, 6 * stride);
        var q2 = KernelGradientColumn(products, at + 2 * stride, 6 * stride);
        var q3 = KernelGradientColumn(products, at + 3 * stride, 6 * stride);
        var q4 = KernelGradientColumn(products, at + 4 * stride, 6 * stride);
        var q5 = KernelGradientColumn(products, at + 5 * stride, 6 * stride);
        Store(KernelGradient(q0.A, q1.A, q2.A, q3.A, q4.A, q5.A), taps, to, tapStride);
        Store(KernelGradient(q0.B, q1.B, q2.B, q3.B, q4.B, q5.B), taps, to + 3 * tapStride, tapStride);
        Store(KernelGradient(q0.C, q1.C, q2.C, q3.C, q4.C, q5.C), taps, to + 6 * tapStride, tapStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Six InputColumn(ArrayView<float> tile, int at, int rowStride) => Input(
        tile[at], tile[at + rowStride], tile[at + 2 * rowStride], tile[at + 3 * rowStride], tile[at + 4 * rowStride],
        tile[at + 5 * rowStride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Six UpstreamColumn(ArrayView<float> tile, int at, int rowStride) =>
        Upstream(tile[at], tile[at + rowStride], tile[at + 2 * rowStride], tile[at + 3 * rowStride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four OutputColumn(ArrayView<float> products, int at, int rowStride) => Output(
        products[at], products[at + rowStride], products[at + 2 * rowStride],
        products[at + 3 * rowStride], products[at + 4 * rowStride], products[at + 5 * rowStride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Three KernelGradientColumn(ArrayView<float> products, int at, int rowStride) => KernelGradient(
        products[at], products[at + rowStride], products[at + 2 * rowStride],
        products[at + 3 * rowStride], products[at + 4 * rowStride], products[at + 5 * rowStride]);

    /// <summary>Bᵀ·d.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Six Input(float a, float b, float c, float d, float e, float f)
    {
        var p = d - 4f * b;
        var q = e - 4f * c;
        var s = 2f * (d - b);
        var t = e - c;
        return new Six { A = 4f * a - 5f * c + e, B = q + p, C = q - p, D = t + s, E = t - s, F = 4f * b - 5f * d + f };
    }

    /// <summary>G·g.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Six Kernel(float a, float b, float c)
    {
        var p = (a + c) * (-1f / 6f);
        var q = b * (1f / 6f);
        var s = a * (1f / 24f) + c * (1f / 6f);
        var t = b * (1f / 12f);
        return new Six { A = 0.25f * a, B = p - q, C = p + q, D = s + t, E = s - t, F = c };
    }

    /// <summary>Aᵀ·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four Output(float a, float b, float c, float d, float e, float f)
    {
        var p = b + c;
        var q = b - c;
        var s = d + e;
        var t = d - e;
        return new Four { A = a + p + s, B = q + 2f * t, C = p + 4f * s, D = q + 8f * t + f };
    }

    /// <summary>A·y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Six Upstream(float a, float b, float c, float d)
    {
        var p = a + c;
        var q = b + d;
        var s = a + 4f * c;
        var t = 2f * b + 8f * d;
        return new Six { A = a, B = p + q, C = p - q, D = s + t, E = s - t, F = d };
    }

    /// <summary>Gᵀ·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Three KernelGradient(float a, float b, float c, float d, float e, float f)
    {
        var p = (b + c) * (-1f / 6f);
        var s = d + e;
        return new Three { A = 0.25f * a + p + s * (1f / 24f), B = (c - b) * (1f / 6f) + (d - e) * (1f / 12f), C = p + s * (1f / 6f) + f };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Six row, ArrayView<float> target, int at, int stride)
    {
        target[at] = row.A;
        target[at + stride] = row.B;
        target[at + 2 * stride] = row.C;
        target[at + 3 * stride] = row.D;
        target[at + 4 * stride] = row.E;
        target[at + 5 * stride] = row.F;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Four row, ArrayView<float> target, int at, int stride)
    {
        target[at] = row.A;
        target[at + stride] = row.B;
        target[at + 2 * stride] = row.C;
        target[at + 3 * stride] = row.D;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Three row, ArrayView<float> target, int at, int stride)
    {
        target[at] = row.A;
        target[at + stride] = row.B;
        target[at + 2 * stride] = row.C;
    }

    private struct Three
    {
        public float A, B, C;
    }

    public struct Four
    {
        public float A, B, C, D;
    }

    public struct Six
    {
        public float A, B, C, D, E, F;
    }
}
