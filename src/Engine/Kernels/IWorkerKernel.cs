namespace Convolve.Engine.Kernels;

/// <summary>
/// A kernel for CPUs whose workers, one per core, take items from a queue:
/// <c>for (var item = queue.Next(); item &lt; queue.Items; item = queue.Next())</c>. What a worker sets up before that loop serves all its
/// items.
/// </summary>
internal interface IWorkerKernel
{
    /// <summary>The work of one worker, whose number is <c>Grid.IdxX</c>.</summary>
    void Run(WorkQueue queue);
}

/// <summary>An <see cref="IWorkerKernel"/> with its queue.</summary>
internal struct Workers<TKernel> : IGroupKernel where TKernel : struct, IWorkerKernel
{
    public WorkQueue Queue;
    public TKernel Kernel;

    public void Run() => Kernel.Run(Queue);
}
