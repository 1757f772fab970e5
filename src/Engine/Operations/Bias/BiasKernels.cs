using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
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
        var share = Rounding.CeilDiv(Rows, Shares);
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

// GPU variant: a group sums a chunk of the rows, as many rows at once as its threads can hold; four columns per thread, or one if the row
// length is not a multiple of four; accesses are coalesced
[Kernel("bias-mask-and-sum-gpu", "bias", Target = KernelTarget.Gpu)]
[KernelTraits(HasVectorLoads = true)]
[LaunchBounds(Threads, 8)]
internal struct BiasMaskAndSumColumns : IGroupKernel
{
    /// <summary>Threads of a group.</summary>
    public const int Threads = 256;

    // Fewer threads across than this would leave sectors of memory half used; more leave fewer rows at once.
    private const int LeastAcross = 8, MostAcross = 32;

    public ArrayView<float> Upstream, Activated, Parts;
    public int Rows, Columns, Shares, Masked;

    /// <summary>Groups across rows of so many columns.</summary>
    public static int GroupsAcross(int columns)
    {
        var threads = (columns & 3) == 0 ? columns / 4 : columns;
        return Rounding.CeilDiv(threads, Across(threads));
    }

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<float>(4 * Threads);
        if ((Columns & 3) == 0) Run<Float4>(shared);
        else Run<Float1>(shared);
    }

    // The power of two from 8 to 32 that the row's threads fill best.
    private static int Across(int threads) =>
        threads <= LeastAcross ? LeastAcross : threads <= 2 * LeastAcross ? 2 * LeastAcross : MostAcross;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Run<T>(ArrayView<float> shared) where T : struct, ILanes<T>
    {
        var across = Across(Columns / T.Count);
        var column = (Grid.IdxX * across + (Group.IdxX & (across - 1))) * T.Count;
        var share = Rounding.CeilDiv(Rows, Shares);
        var end = IntrinsicMath.Min(Rows, (Grid.IdxY + 1) * share);
        var (columns, masked) = (Columns, Masked);
        var sum = default(T);
        if (column < columns)
            for (var r = Grid.IdxY * share + Group.IdxX / across; r < end; r += Threads / across)
            {
                var i = r * columns + column;
                var value = T.Load(Upstream, i);
                if (masked != 0)
                {
                    value = T.WhereAbove(value, T.Load(Activated, i), 0f);
                    T.Store(Upstream, i, value);
                }
                sum += value;
            }
        sum = GroupSum.Of(sum, shared, across);
        if (Group.IdxX < across & column < columns) T.Store(Parts, Grid.IdxY * columns + column, sum);
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
