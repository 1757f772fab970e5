using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.Bias;

// dy and y, any shape; dy is masked in place
[Kernel("bias-mask", "bias")]
internal struct BiasMask : IElementKernel
{
    public ArrayView<float> Upstream, Activated;

    public readonly void Run<T>(int i) where T : struct, ILanes<T> =>
        T.Store(Upstream, i, T.WhereAbove(T.Load(Upstream, i), T.Load(Activated, i), 0f));
}

// dy, y [rows, columns], parts [chunks, columns]; CPU variant: a work item reads a chunk of the rows and keeps one sum per column
[Kernel("bias-mask-and-sum-cpu", "bias", Target = KernelTarget.Cpu)]
internal struct BiasMaskAndSumRows : IGroupKernel
{
    public ArrayView<float> Upstream, Activated, Parts;
    public int Rows, Columns, Shares, Masked;

    public readonly void Run()
    {
        var (upstream, activated, parts, columns) = (Upstream, Activated, Parts, Columns);
        var share = (Rows + Shares - 1) / Shares;
        var begin = Grid.IdxX * share;
        var end = IntrinsicMath.Min(Rows, begin + share);
        var target = Grid.IdxX * columns;
        for (var c = 0; c < columns; c++) parts[target + c] = 0;
        if (Masked != 0)
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
}

// GPU variant: a thread owns four columns of a chunk, or one if the row length is not a multiple of four; accesses are coalesced
[Kernel("bias-mask-and-sum-gpu", "bias", Target = KernelTarget.Gpu)]
[KernelTraits(HasVectorLoads = true)]
internal struct BiasMaskAndSumColumns : IGroupKernel
{
    public ArrayView<float> Upstream, Activated, Parts;
    public int Rows, Columns, Shares, Masked;

    public readonly void Run()
    {
        var thread = Grid.IdxX * Group.DimX + Group.IdxX;
        if ((Columns & 3) == 0) Run<Float4>(thread * 4);
        else Run<Float1>(thread);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Run<T>(int column) where T : struct, ILanes<T>
    {
        if (column >= Columns) return;
        var share = (Rows + Shares - 1) / Shares;
        var begin = Grid.IdxY * share;
        var end = IntrinsicMath.Min(Rows, begin + share);
        var sum = default(T);
        for (var r = begin; r < end; r++)
        {
            var i = r * Columns + column;
            var value = T.Load(Upstream, i);
            if (Masked != 0)
            {
                value = T.WhereAbove(value, T.Load(Activated, i), 0f);
                T.Store(Upstream, i, value);
            }
            sum += value;
        }
        T.Store(Parts, Grid.IdxY * Columns + column, sum);
    }
}

// parts [chunks, columns], db [columns]; always in the same order, so that runs are reproducible bit for bit
[Kernel("bias-add-parts", "bias")]
internal struct AddParts : IElementKernel
{
    public ArrayView<float> Parts, Gradient;
    public int Columns, Shares, Accumulate;

    public readonly void Run<T>(int c) where T : struct, ILanes<T>
    {
        var sum = default(T);
        if (Accumulate != 0) sum = T.Load(Gradient, c);
        for (var s = 0; s < Shares; s++) sum += T.Load(Parts, s * Columns + c);
        T.Store(Gradient, c, sum);
    }
}
