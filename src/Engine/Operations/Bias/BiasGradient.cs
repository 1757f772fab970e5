using System.Runtime.CompilerServices;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Operations.Bias;

/// <summary>
/// The first step back through y = max(0, s + b): one pass that masks the upstream gradient where ReLU was off, in place, and sums
/// it up per column, which is the bias's gradient.
/// </summary>
internal static class BiasGradient
{
    /// <summary>Rows that one work-item sums up at least.</summary>
    private const int ShortestShare = 64;

    /// <summary>Masks <paramref name="upstream"/> [..., C] by <paramref name="activated"/> and adds to the gradient of <paramref name="bias"/> [C].</summary>
    /// <param name="tape">Holds the gradients.</param>
    /// <param name="upstream">The gradient with respect to y; masked in place if there is a ReLU.</param>
    /// <param name="activated">y itself if ReLU was applied, else null.</param>
    /// <param name="bias">b, or null if there is none.</param>
    public static void Apply(Tape tape, Tensor upstream, Tensor? activated, Tensor? bias)
    {
        var device = upstream.Device;
        var columns = upstream.Shape[^1];
        var rows = upstream.Shape.Length / columns;
        if (bias is not { RequiresGradient: true })
        {
            if (activated is not null)
                device.ForEach(upstream.Shape.Length, BiasKernels.Mask<SpanPerItem>, BiasKernels.Mask<GridStride>, upstream.View, activated.View);
            return;
        }
        var gradient = tape.GradientOf(bias, out var accumulate);
        var shares = Math.Clamp(rows / ShortestShare, 1, device.SumParts * 2);
        var parts = device.Pool.Rent((long)shares * columns);
        var view = parts.View(shares * columns);
        var masked = activated is null ? 0 : 1;
        if (device.Shape == KernelShape.Cpu)
            device.Launch(BiasKernels.MaskAndSumRows, new KernelConfig(shares, 1),
                upstream.View, (activated ?? upstream).View, view, rows, columns, shares, masked);
        else
            device.Launch(BiasKernels.MaskAndSumColumn,
                new KernelConfig(new Index3D(((columns & 3) == 0 ? columns / 4 + 31 : columns + 31) / 32, shares, 1), new Index3D(32, 1, 1)),
                upstream.View, (activated ?? upstream).View, view, rows, columns, shares, masked);
        device.ForEach(columns, BiasKernels.AddParts<SpanPerItem>, BiasKernels.AddParts<GridStride>,
            view, gradient.View, columns, shares, accumulate ? 1 : 0);
        parts.Release();
    }
}

internal static class BiasKernels
{
    public static void Mask<TShape>(ArrayView<float> upstream, ArrayView<float> activated) where TShape : struct, IWorkShape
    {
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(upstream.IntLength / 4); i += TShape.Step)
                Float4.Store(upstream, i * 4, Float4.Zip<Passed>(Float4.Load(upstream, i * 4), Float4.Load(activated, i * 4)));
        for (var i = TShape.Rest(upstream.IntLength); i < TShape.End(upstream.IntLength); i += TShape.Step)
            upstream[i] = Passed.Invoke(upstream[i], activated[i]);
    }

    /// <summary>What comes back through a ReLU.</summary>
    private readonly struct Passed : IFunctionOfTwo
    {
        public static float Invoke(float upstream, float activated) => activated > 0 ? upstream : 0f;
    }

    // For processors: a work-item walks through a share of the rows and keeps one sum per column.
    // upstream, activated [rows, columns], parts [shares, columns]
    public static void MaskAndSumRows(
        ArrayView<float> upstream, ArrayView<float> activated, ArrayView<float> parts, int rows, int columns, int shares, int masked)
    {
        var share = (rows + shares - 1) / shares;
        var begin = Grid.IdxX * share;
        var end = IntrinsicMath.Min(rows, begin + share);
        var target = Grid.IdxX * columns;
        for (var c = 0; c < columns; c++) parts[target + c] = 0;
        if (masked != 0)
            for (var r = begin; r < end; r++)
                for (var c = 0; c < columns; c++)
                {
                    var value = activated[r * columns + c] > 0 ? upstream[r * columns + c] : 0f;
                    upstream[r * columns + c] = value;
                    parts[target + c] += value;
                }
        else
            for (var r = begin; r < end; r++)
                for (var c = 0; c < columns; c++) parts[target + c] += upstream[r * columns + c];
    }

    // For GPUs: a thread owns four columns of a share, or one where rows are no multiple of four long; neighbouring threads read neighbours.
    public static void MaskAndSumColumn(
        ArrayView<float> upstream, ArrayView<float> activated, ArrayView<float> parts, int rows, int columns, int shares, int masked)
    {
        var thread = Grid.IdxX * Group.DimX + Group.IdxX;
        if ((columns & 3) == 0) MaskAndSumColumn<Float4>(thread * 4, upstream, activated, parts, rows, columns, shares, masked);
        else MaskAndSumColumn<Float1>(thread, upstream, activated, parts, rows, columns, shares, masked);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MaskAndSumColumn<T>(
        int column, ArrayView<float> upstream, ArrayView<float> activated, ArrayView<float> parts, int rows, int columns, int shares, int masked)
        where T : struct, ILanes<T>
    {
        if (column >= columns) return;
        var share = (rows + shares - 1) / shares;
        var begin = Grid.IdxY * share;
        var end = IntrinsicMath.Min(rows, begin + share);
        var sum = default(T);
        for (var r = begin; r < end; r++)
        {
            var i = r * columns + column;
            var value = T.Load(upstream, i);
            if (masked != 0)
            {
                value = T.Zip<Passed>(value, T.Load(activated, i));
                T.Store(upstream, i, value);
            }
            sum += value;
        }
        T.Store(parts, Grid.IdxY * columns + column, sum);
    }

    public static void AddParts<TShape>(ArrayView<float> parts, ArrayView<float> gradient, int columns, int shares, int accumulate)
        where TShape : struct, IWorkShape
    {
        if (TShape.InFours && (columns & 3) == 0)
            for (var c = TShape.First; c < TShape.End(columns / 4); c += TShape.Step) AddParts<Float4>(parts, gradient, columns, c * 4, shares, accumulate);
        else
            for (var c = TShape.First; c < TShape.End(columns); c += TShape.Step) AddParts<Float1>(parts, gradient, columns, c, shares, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddParts<T>(ArrayView<float> parts, ArrayView<float> gradient, int columns, int c, int shares, int accumulate)
        where T : struct, ILanes<T>
    {
        var sum = default(T);
        if (accumulate != 0) sum = T.Load(gradient, c);
        for (var s = 0; s < shares; s++) sum += T.Load(parts, s * columns + c);
        T.Store(gradient, c, sum);
    }
}
