using System.Runtime.CompilerServices;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>F(2×2, 3×3) at the points 0, ±1, ∞: 16 multiplications for 4 outputs, which take 36 directly. Its rounding error is hardly
/// larger than that of a plain sum.</summary>
internal readonly struct WinogradF2 : IWinogradTransform
{
    public static int Outputs => 2;

    public static int Inputs => 4;

    public static int Positions => 16;

    public static void Input(ArrayView<float> tile, int at, int rowStride, int stride, ArrayView<float> factors, int to, int factorStride)
    {
        var q0 = InputColumn(tile, at, rowStride);
        var q1 = InputColumn(tile, at + stride, rowStride);
        var q2 = InputColumn(tile, at + 2 * stride, rowStride);
        var q3 = InputColumn(tile, at + 3 * stride, rowStride);
        Store(Input(q0.A, q1.A, q2.A, q3.A), factors, to, factorStride);
        Store(Input(q0.B, q1.B, q2.B, q3.B), factors, to + 4 * factorStride, factorStride);
        Store(Input(q0.C, q1.C, q2.C, q3.C), factors, to + 8 * factorStride, factorStride);
        Store(Input(q0.D, q1.D, q2.D, q3.D), factors, to + 12 * factorStride, factorStride);
    }

    public static void Kernel(ArrayView<float> taps, int at, int stride, ArrayView<float> factors, int to, int factorStride)
    {
        var q0 = Kernel(taps[at], taps[at + 3 * stride], taps[at + 6 * stride]);
        var q1 = Kernel(taps[at + stride], taps[at + 4 * stride], taps[at + 7 * stride]);
        var q2 = Kernel(taps[at + 2 * stride], taps[at + 5 * stride], taps[at + 8 * stride]);
        Store(Kernel(q0.A, q1.A, q2.A), factors, to, factorStride);
        Store(Kernel(q0.B, q1.B, q2.B), factors, to + 4 * factorStride, factorStride);
        Store(Kernel(q0.C, q1.C, q2.C), factors, to + 8 * factorStride, factorStride);
        Store(Kernel(q0.D, q1.D, q2.D), factors, to + 12 * factorStride, factorStride);
    }

    public static void Output(ArrayView<float> products, int at, int stride, ArrayView<float> outputs, int to, int outputStride)
    {
        var q0 = OutputColumn(products, at, 4 * stride);
        var q1 = OutputColumn(products, at + stride, 4 * stride);
        var q2 = OutputColumn(products, at + 2 * stride, 4 * stride);
        var q3 = OutputColumn(products, at + 3 * stride, 4 * stride);
        outputs[to] = q0.A + q1.A + q2.A;
        outputs[to + outputStride] = q1.A - q2.A - q3.A;
        outputs[to + 2 * outputStride] = q0.B + q1.B + q2.B;
        outputs[to + 3 * outputStride] = q1.B - q2.B - q3.B;
    }

    public static void Upstream(ArrayView<float> tile, int at, int rowStride, int stride, ArrayView<float> factors, int to,
        int factorStride)
    {
        var q0 = Upstream(tile[at], tile[at + rowStride]);
        var q1 = Upstream(tile[at + stride], tile[at + rowStride + stride]);
        Store(Upstream(q0.A, q1.A), factors, to, factorStride);
        Store(Upstream(q0.B, q1.B), factors, to + 4 * factorStride, factorStride);
        Store(Upstream(q0.C, q1.C), factors, to + 8 * factorStride, factorStride);
        Store(Upstream(q0.D, q1.D), factors, to + 12 * factorStride, factorStride);
    }

    public static void KernelGradient(ArrayView<float> products, int at, int stride, ArrayView<float> taps, int to, int tapStride)
    {
        var q0 = KernelGradientColumn(products, at, 4 * stride);
        var q1 = KernelGradientColumn(products, at + stride, 4 * stride);
        var q2 = KernelGradientColumn(products, at + 2 * stride, 4 * stride);
        var q3 = KernelGradientColumn(products, at + 3 * stride, 4 * stride);
        Store(KernelGradient(q0.A, q1.A, q2.A, q3.A), taps, to, tapStride);
        Store(KernelGradient(q0.B, q1.B, q2.B, q3.B), taps, to + 3 * tapStride, tapStride);
        Store(KernelGradient(q0.C, q1.C, q2.C, q3.C), taps, to + 6 * tapStride, tapStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four InputColumn(ArrayView<float> tile, int at, int rowStride) =>
        Input(tile[at], tile[at + rowStride], tile[at + 2 * rowStride], tile[at + 3 * rowStride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Two OutputColumn(ArrayView<float> products, int at, int rowStride)
    {
        float b = products[at + rowStride], c = products[at + 2 * rowStride];
        return new Two { A = products[at] + b + c, B = b - c - products[at + 3 * rowStride] };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Three KernelGradientColumn(ArrayView<float> products, int at, int rowStride) =>
        KernelGradient(products[at], products[at + rowStride], products[at + 2 * rowStride], products[at + 3 * rowStride]);

    /// <summary>Bᵀ·d.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four Input(float a, float b, float c, float d) => new() { A = a - c, B = b + c, C = c - b, D = b - d };

    /// <summary>G·g.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four Kernel(float a, float b, float c)
    {
        var p = 0.5f * (a + c);
        var q = 0.5f * b;
        return new Four { A = a, B = p + q, C = p - q, D = c };
    }

    /// <summary>A·y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four Upstream(float a, float b) => new() { A = a, B = a + b, C = a - b, D = -b };

    /// <summary>Gᵀ·m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Three KernelGradient(float a, float b, float c, float d)
    {
        var p = 0.5f * (b + c);
        return new Three { A = a + p, B = 0.5f * (b - c), C = p + d };
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

    private struct Two
    {
        public float A, B;
    }

    private struct Three
    {
        public float A, B, C;
    }

    private struct Four
    {
        public float A, B, C, D;
    }
}
