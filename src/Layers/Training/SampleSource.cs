namespace Convolve.Layers.Training;

/// <summary>Where training takes its samples from: pixels as bytes, with a class and a weight each.</summary>
public interface ISampleSource
{
    /// <summary>How many samples there are, usable or not.</summary>
    int Count { get; }

    /// <summary>Bytes of one sample.</summary>
    int SampleLength { get; }

    /// <summary>Whether a sample can be used at all; may wait until that is known.</summary>
    bool IsUsable(int index);

    /// <summary>Copies a sample's pixels; may wait until they are there.</summary>
    void CopyPixels(int index, Span<byte> target);

    /// <summary>The class, counted from 0.</summary>
    int ClassOf(int index);
}

/// <summary>The order in which an epoch visits the samples: a function of seed and epoch alone.</summary>
public static class EpochOrder
{
    /// <summary>All numbers below <paramref name="count"/>, shuffled (Fisher and Yates).</summary>
    public static int[] Shuffled(int count, uint seed, int epoch)
    {
        var order = Sequential(count);
        var key = Engine.Operations.Dropout.CounterRandom.Key(seed, 0x5EED, (uint)epoch);
        for (var i = count - 1; i > 0; i--)
        {
            var j = (int)((ulong)Engine.Operations.Dropout.CounterRandom.Bits(key, (uint)i) * (ulong)(i + 1) >> 32);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>All numbers below <paramref name="count"/> in order.</summary>
    public static int[] Sequential(int count) => [.. Enumerable.Range(0, count)];
}
