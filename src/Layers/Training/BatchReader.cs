namespace Convolve.Layers.Training;

/// <summary>A batch in host memory.</summary>
public sealed class HostBatch(int capacity, int sampleLength)
{
    private readonly byte[] pixels = new byte[checked(capacity * sampleLength)];
    private readonly int[] classes = new int[capacity];

    /// <summary>Samples in it.</summary>
    public int Count { get; private set; }

    /// <summary>The samples' pixels, one after the other.</summary>
    public ReadOnlySpan<byte> Pixels => pixels.AsSpan(0, Count * sampleLength);

    /// <summary>The samples' classes.</summary>
    public ReadOnlySpan<int> Classes => classes.AsSpan(0, Count);

    /// <summary>Where in the epoch's order the next batch begins.</summary>
    public int NextPosition { get; private set; }

    /// <summary>So many samples without pixels, all of the first class, for a device that computes nothing.</summary>
    internal static HostBatch Blank(int count) => new(count, 0) { Count = count };

    /// <summary>Takes the next usable samples of an order; those that are not usable are passed over.</summary>
    internal void Fill(ISampleSource source, int[] order, int position)
    {
        Count = 0;
        for (; position < order.Length && Count < classes.Length; position++)
        {
            var index = order[position];
            if (!source.IsUsable(index)) continue;
            source.CopyPixels(index, pixels.AsSpan(Count * sampleLength, sampleLength));
            classes[Count++] = source.ClassOf(index);
        }
        NextPosition = position;
    }
}

/// <summary>Reads batches one ahead of the device: while one is computed on, the next is copied together.</summary>
public sealed class BatchReader
{
    private readonly ISampleSource source;
    private readonly int[] order;
    private HostBatch next, spare;
    private Task filling;

    /// <summary>Starts to read.</summary>
    /// <param name="source">The samples.</param>
    /// <param name="order">The order of their numbers.</param>
    /// <param name="batchSize">Samples per batch; the last may have fewer.</param>
    /// <param name="position">Where in the order to begin.</param>
    public BatchReader(ISampleSource source, int[] order, int batchSize, int position = 0)
    {
        this.source = source;
        this.order = order;
        var capacity = Math.Max(1, Math.Min(batchSize, order.Length));
        next = new HostBatch(capacity, source.SampleLength);
        spare = new HostBatch(capacity, source.SampleLength);
        filling = Task.Run(() => next.Fill(source, order, position));
    }

    /// <summary>The next batch, valid until the call after; null at the end.</summary>
    public HostBatch? Read()
    {
        filling.GetAwaiter().GetResult();
        var ready = next;
        if (ready.Count == 0) return null;
        (next, spare) = (spare, ready);
        var (target, position) = (next, ready.NextPosition);
        filling = Task.Run(() => target.Fill(source, order, position));
        return ready;
    }
}
