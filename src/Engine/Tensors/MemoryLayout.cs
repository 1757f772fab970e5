namespace Convolve.Engine.Tensors;

/// <summary>
/// The memory of repeated work, such as a training step: which blocks it rents and returns, in which order, and at which address in one
/// block of memory each of them lies. Two blocks share addresses only if they are never in use at the same time.
/// </summary>
/// <remarks>
/// The order is recorded once, in a dry run. Since the same work rents the same blocks again, the layout can be better than what an
/// allocator without foresight finds: large blocks that are rented late decide where small ones rented early may lie.
/// </remarks>
internal sealed class MemoryLayout
{
    private readonly List<Block> blocks = [];

    /// <summary>A block's number when it is rented, its complement when it is returned.</summary>
    private readonly List<int> events = [];

    /// <summary>Floats that the whole work needs.</summary>
    public long Length { get; private set; }

    /// <summary>Blocks that are returned before the work ends, and so have an address; others are rented as if there were no
    /// layout.</summary>
    public bool HasPlace(int block) => blocks[block].Until < int.MaxValue;

    /// <summary>The first float of a block.</summary>
    public long Begin(int block) => blocks[block].Begin;

    /// <summary>Records that a block is rented.</summary>
    /// <returns>Its number.</returns>
    public int Rent(long size)
    {
        blocks.Add(new Block(size, events.Count, int.MaxValue, 0));
        events.Add(blocks.Count - 1);
        return blocks.Count - 1;
    }

    /// <summary>Records that a block is returned.</summary>
    public void Return(int block)
    {
        blocks[block] = blocks[block] with { Until = events.Count };
        events.Add(~block);
    }

    /// <summary>The block that is rented by an event; −1 if the event is another one.</summary>
    public int RentedAt(int position, long size) =>
        position < events.Count && events[position] is >= 0 and var block && blocks[block].Size == size ? block : -1;

    /// <summary>Whether an event returns a block.</summary>
    public bool IsReturnedAt(int position, int block) => position < events.Count && events[position] == ~block;

    /// <summary>Whether the work is done after that many events.</summary>
    public bool EndsAt(int position) => position == events.Count;

    /// <summary>Chooses all addresses.</summary>
    /// <param name="slab">Floats of the largest allocation: no block may lie across a multiple of it.</param>
    public void Place(long slab)
    {
        var placed = Enumerable.Range(0, blocks.Count).Where(HasPlace).ToArray();
        // No order is best for every network, and finding the optimum is hard: the best of a few orders is taken.
        Func<int, double>[] orders =
        [
            b => -blocks[b].Size,
            b => -(double)blocks[b].Size * (blocks[b].Until - blocks[b].From),
            b => blocks[b].From,
            b => -blocks[b].Until,
        ];
        long[]? best = null;
        Length = long.MaxValue;
        foreach (var order in orders)
        {
            var begins = new long[blocks.Count];
            var length = Place([.. placed.OrderBy(order)], begins, slab);
            if (length < Length) (Length, best) = (length, begins);
        }
        foreach (var block in placed) blocks[block] = blocks[block] with { Begin = best![block] };
    }

    /// <summary>Puts each block at the lowest address that is free for its lifetime.</summary>
    private long Place(int[] order, long[] begins, long slab)
    {
        long length = 0;
        var sorted = new List<int>();
        foreach (var b in order)
        {
            var block = blocks[b];
            long begin = 0;
            foreach (var other in sorted)
            {
                if (blocks[other].From > block.Until || blocks[other].Until < block.From) continue;
                begin = WithinSlab(begin, block.Size, slab);
                if (begin + block.Size <= begins[other]) break;
                begin = Math.Max(begin, begins[other] + blocks[other].Size);
            }
            begins[b] = WithinSlab(begin, block.Size, slab);
            length = Math.Max(length, begins[b] + block.Size);
            var at = sorted.FindIndex(other => begins[other] > begins[b]);
            sorted.Insert(at < 0 ? sorted.Count : at, b);
        }
        return length;
    }

    private static long WithinSlab(long begin, long size, long slab) =>
        begin / slab == (begin + size - 1) / slab ? begin : (begin / slab + 1) * slab;

    /// <summary>Floats rented from one event to another.</summary>
    private readonly record struct Block(long Size, int From, int Until, long Begin);
}
