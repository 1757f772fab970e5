using Convolve.Engine.Randomness;

namespace Convolve.Layers.Training;

/// <summary>Where training takes its samples from: pixels as bytes, or float32 values byte by byte, with a class each.</summary>
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

    /// <summary>The class, counted from 0; training and prediction refuse one that the network does not know.</summary>
    int ClassOf(int index);
}

/// <summary>The order in which an epoch visits the samples: a function of seed and epoch alone.</summary>
public static class EpochOrder
{
    /// <summary>All numbers below <paramref name="count"/>, shuffled.</summary>
    public static int[] Shuffled(int count, uint seed, int epoch) => new RandomStream((int)seed, (ulong)epoch).Permutation(count);

    /// <summary>All numbers below <paramref name="count"/> in order.</summary>
    public static int[] Sequential(int count) => [.. Enumerable.Range(0, count)];
}
