using Convolve.Engine.Randomness;

namespace Convolve.Layers.Training;

/// <summary>Provides samples: pixels as bytes, or the bytes of float32 values, with one class each.</summary>
public interface ISampleSource
{
    /// <summary>The number of samples, usable or not.</summary>
    int Count { get; }

    /// <summary>Bytes of one sample.</summary>
    int SampleLength { get; }

    /// <summary>Whether a sample can be used; may wait until that is known.</summary>
    bool IsUsable(int index);

    /// <summary>Copies a sample's pixels; may wait until they are loaded.</summary>
    void CopyPixels(int index, Span<byte> target);

    /// <summary>The class, counted from 0; training and prediction refuse a class that the network does not have.</summary>
    int ClassOf(int index);
}

/// <summary>The order of the samples in an epoch: a function of seed and epoch alone.</summary>
public static class EpochOrder
{
    /// <summary>All numbers below <paramref name="count"/>, shuffled.</summary>
    public static int[] Shuffled(int count, uint seed, int epoch) => new RandomStream((int)seed, (ulong)epoch).Permutation(count);

    /// <summary>All numbers below <paramref name="count"/> in order.</summary>
    public static int[] Sequential(int count) => [.. Enumerable.Range(0, count)];
}
