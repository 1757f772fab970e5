namespace Convolve.Engine.Kernels;

/// <summary>
/// A kernel over the elements of a tensor, written for any number of neighbours at a time: GPUs run it on four, and on one for the tail;
/// CPUs run it on one, and their compiler makes vectors of the loop.
/// </summary>
internal interface IElementKernel
{
    /// <summary>Computes the <c>T.Count</c> neighbours from element <paramref name="i"/> on, which is a multiple of that number.</summary>
    void Run<T>(int i) where T : struct, ILanes<T>;
}

/// <summary>The loop over the elements of an <see cref="IElementKernel"/>.</summary>
internal struct Elements<TShape, TKernel> : IGroupKernel
    where TShape : struct, IWorkShape
    where TKernel : struct, IElementKernel
{
    /// <summary>Elements, and how many groups of four may be taken at once from the first element on.</summary>
    public int Length, Fours;

    public TKernel Kernel;

    public void Run()
    {
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(Fours); i += TShape.Step) Kernel.Run<Float4>(i * 4);
        for (var i = TShape.Rest(Fours); i < TShape.End(Length); i += TShape.Step) Kernel.Run<Float1>(i);
    }
}
