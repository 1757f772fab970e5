using Convolve.Engine.Tracing;

namespace Convolve.Layers.Training;

/// <summary>A batch in host memory.</summary>
public sealed class HostBatch(int capacity, int sampleLength)
{
    private readonly byte[] pixels = new byte[checked(capacity * sampleLength)];
    private readonly int[] classes = new int[capacity], indices = new int[capacity];

    /// <summary>Samples in it.</summary>
    public int Count { get; private set; }

    /// <summary>The samples' pixels, one after the other.</summary>
    public ReadOnlySpan<byte> Pixels => pixels.AsSpan(0, Count * sampleLength);

    /// <summary>The samples' classes.</summary>
    public ReadOnlySpan<int> Classes => classes.AsSpan(0, Count);

    /// <summary>The samples' indices in their source.</summary>
    public ReadOnlySpan<int> Indices => indices.AsSpan(0, Count);

    /// <summary>The position in the epoch's order at which the next batch begins.</summary>
    public int NextPosition { get; private set; }

    /// <summary>Samples without pixels, all of the first class, for a dry run.</summary>
    internal static HostBatch Blank(int count) => new(count, 0) { Count = count };

    /// <summary>Takes the next usable samples of an order and skips unusable ones.</summary>
    internal void Fill(ISampleSource source, int[] order, int position)
    {
        Count = 0;
        for (; position < order.Length && Count < classes.Length; position++)
        {
            var index = order[position];
            if (!source.IsUsable(index)) continue;
            source.CopyPixels(index, pixels.AsSpan(Count * sampleLength, sampleLength));
            indices[Count] = index;
            classes[Count++] = source.ClassOf(index);
        }
        NextPosition = position;
    }
}

/// <summary>Assembles batches on a thread of its own, one ahead of the reader.</summary>
public sealed class BatchReader
{
    // One in use by the device, one being uploaded, one being filled.
    private const int Batches = 3;

    private readonly ISampleSource source;
    private readonly int[] order;
    private readonly ExecutionTrace? trace;
    private readonly HostBatch[] batches = new HostBatch[Batches];
    private int next;
    private Task filling;

    /// <summary>Starts to read.</summary>
    /// <param name="source">The samples.</param>
    /// <param name="order">The order of their indices.</param>
    /// <param name="batchSize">Samples per batch; the last may have fewer.</param>
    /// <param name="position">The first position in the order.</param>
    /// <param name="trace">Records when batches are assembled; null for nothing.</param>
    public BatchReader(ISampleSource source, int[] order, int batchSize, int position = 0, ExecutionTrace? trace = null)
    {
        this.source = source;
        this.order = order;
        this.trace = trace;
        var capacity = Math.Max(1, Math.Min(batchSize, order.Length));
        for (var i = 0; i < Batches; i++) batches[i] = new HostBatch(capacity, source.SampleLength);
        filling = Task.Run(() => Fill(batches[0], position));
    }

    /// <summary>Whether <see cref="Read"/> would return at once.</summary>
    public bool IsReady => filling.IsCompleted;

    /// <summary>The next batch, valid until the second call after this one; null at the end.</summary>
    public HostBatch? Read()
    {
        filling.GetAwaiter().GetResult();
        var ready = batches[next];
        if (ready.Count == 0) return null;
        next = (next + 1) % Batches;
        var (target, position) = (batches[next], ready.NextPosition);
        filling = Task.Run(() => Fill(target, position));
        return ready;
    }

    private void Fill(HostBatch target, int position)
    {
        using var span = trace?.Phase("assemble batch");
        target.Fill(source, order, position);
    }
}
