namespace Convolve.Engine.Randomness;

/// <summary>
/// Counter-based random numbers for the host, with 64 bits: the n-th number is a function of seed, stream and n alone, whichever thread
/// draws first. The mixing function is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014), applied twice.
/// </summary>
public readonly struct RandomStream
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    private readonly ulong key;

    /// <param name="seed">The seed of the run.</param>
    /// <param name="stream">Selects one of the seed's independent sequences, for example the index of an image.</param>
    public RandomStream(int seed, ulong stream)
    {
        key = Mix(Mix((ulong)(uint)seed + GoldenGamma) ^ (stream * GoldenGamma + 1));
    }

    /// <summary>A stream named by text, so that the numbers of a file do not depend on other files.</summary>
    public RandomStream(int seed, string stream) : this(seed, Fingerprint(stream)) { }

    /// <summary>The n-th number of the sequence: 64 uniform bits.</summary>
    public ulong Bits(ulong counter) => Mix(Mix(key + counter * GoldenGamma) + GoldenGamma);

    /// <summary>Uniform in [0, 1).</summary>
    public double Uniform(ulong counter) => (Bits(counter) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(ulong counter, double low, double high) => low + (high - low) * Uniform(counter);

    /// <summary>Uniform among 0 … count − 1 (Lemire's multiplication; the bias of 2⁻³² is accepted).</summary>
    public int Below(ulong counter, int count) => (int)(((Bits(counter) >> 32) * (ulong)count) >> 32);

    /// <summary>0 … count − 1 in random order (Fisher–Yates).</summary>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++) order[i] = i;
        for (var last = count - 1; last > 0; last--)
        {
            var other = Below((ulong)last, last + 1);
            (order[last], order[other]) = (order[other], order[last]);
        }
        return order;
    }

    // FNV-1a over UTF-16 code units.
    private static ulong Fingerprint(string text)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var unit in text) hash = (hash ^ unit) * 0x100000001B3;
        return hash;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
