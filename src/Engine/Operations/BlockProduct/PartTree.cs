using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The parts of a long sum, fewer than they were: on a GPU many groups add them up in a tree, because one thread that adds thousands of
/// them waits for memory as often. Always in the same order, so that runs are reproducible bit for bit.
/// </summary>
internal readonly struct PartTree : IDisposable
{
    /// <summary>Most parts that one thread adds up without a tree.</summary>
    private const int Few = 16;

    private readonly DeviceBuffer? sums;

    /// <summary>On a CPU, or if there are few parts, they stay as they are.</summary>
    /// <param name="device">The device.</param>
    /// <param name="parts">[count, length].</param>
    /// <param name="length">Number of sums.</param>
    /// <param name="count">Parts of each.</param>
    public PartTree(Device device, ArrayView<float> parts, int length, int count)
    {
        (Parts, Count) = (parts, count);
        if (device.Shape == KernelShape.Cpu || count <= Few) return;
        var all = 0;
        for (var left = count; left > Few;) all += Level(left = Rounding.CeilDiv(left, AddPartsOfGroup.Parts), length);
        sums = device.Pool.Rent(all);
        var memory = sums.View(all);
        for (var begin = 0; Count > Few;)
        {
            var left = Rounding.CeilDiv(Count, AddPartsOfGroup.Parts);
            var target = memory.SubView(begin, left * length);
            device.Kernels.ForEachGroup(new(AddPartsOfGroup.GroupsAcross(length), left, Threads: AddPartsOfGroup.Threads),
                new AddPartsOfGroup { From = Parts, To = target, Length = length, Count = Count });
            begin += Level(left, length);
            (Parts, Count) = (target, left);
        }
    }

    /// <summary>[<see cref="Count"/>, length].</summary>
    public ArrayView<float> Parts { get; }

    /// <summary>How many are left.</summary>
    public int Count { get; }

    // Floats of a level of the tree. The next one begins where GPUs can load fours.
    private static int Level(int count, int length) => Rounding.RoundUp(count * length, 4);

    /// <inheritdoc/>
    public void Dispose() => sums?.Release();
}

// from [Count, Length], to [Count / 64 rounded up, Length]; a group adds up to 64 parts for 32 columns of one or four elements
[Kernel("add-parts-gpu", "bias", Target = KernelTarget.Gpu)]
[KernelTraits(HasVectorLoads = true)]
[LaunchBounds(Threads, 8)]
internal struct AddPartsOfGroup : IGroupKernel
{
    /// <summary>Parts that a group adds up.</summary>
    public const int Parts = 64;

    /// <summary>Threads of a group: a warp for neighbouring columns, eight warps for as many parts at once.</summary>
    public const int Threads = 256;

    private const int Across = 32;

    public ArrayView<float> From, To;
    public int Length, Count;

    /// <summary>Groups for so many elements.</summary>
    public static int GroupsAcross(int length) => Rounding.CeilDiv((length & 3) == 0 ? length / 4 : length, Across);

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<float>(4 * Threads);
        if ((Length & 3) == 0) Run<Float4>(shared);
        else Run<Float1>(shared);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Run<T>(ArrayView<float> shared) where T : struct, ILanes<T>
    {
        var column = (Grid.IdxX * Across + (Group.IdxX & (Across - 1))) * T.Count;
        var end = IntrinsicMath.Min(Count, (Grid.IdxY + 1) * Parts);
        var sum = default(T);
        if (column < Length)
            for (var p = Grid.IdxY * Parts + Group.IdxX / Across; p < end; p += Threads / Across) sum += T.Load(From, p * Length + column);
        sum = GroupSum.Of(sum, shared, Across);
        if (Group.IdxX < Across & column < Length) T.Store(To, Grid.IdxY * Length + column, sum);
    }
}

/// <summary>Sums over the threads of a group, in a tree.</summary>
internal static class GroupSum
{
    /// <summary>
    /// The sum over all threads whose index leaves the same remainder. Only the first <paramref name="across"/> threads receive it; all
    /// must call.
    /// </summary>
    /// <param name="sum">The thread's own part.</param>
    /// <param name="shared">A place of T for every thread.</param>
    /// <param name="across">The divisor. Like the number of threads, a power of two.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Of<T>(T sum, ArrayView<float> shared, int across) where T : struct, ILanes<T>
    {
        T.Store(shared, Group.IdxX * T.Count, sum);
        for (var half = Group.DimX / 2; half >= across; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX >= half) continue;
            sum += T.Load(shared, (Group.IdxX + half) * T.Count);
            T.Store(shared, Group.IdxX * T.Count, sum);
        }
        return sum;
    }
}
