using ILGPU;

namespace Convolve.Engine.Kernels;

/// <summary>
/// Hands out the items 0 … <see cref="Items"/> − 1 of a job to the workers of a CPU, one at a time, each to whoever is free. There is
/// one worker per core, which keeps its scratch memory in its own caches from item to item, and a core that another program slows
/// down simply takes fewer. Who computes an item never changes its result.
/// </summary>
/// <remarks>
/// <c>for (var item = queue.Next(); item &lt; queue.Items; item = queue.Next())</c>. The counter is never reset between launches: every
/// worker fails exactly once, so the host knows where a launch will leave it.
/// </remarks>
internal readonly struct WorkQueue(ArrayView<int> counter, int first, int items)
{
    private readonly ArrayView<int> counter = counter;
    private readonly int first = first;

    /// <summary>How many items there are.</summary>
    public int Items { get; } = items;

    /// <summary>The next item that nobody has taken; at least <see cref="Items"/> when there are none left.</summary>
    public int Next() => Atomic.Add(ref counter[0], 1) - first;
}
