namespace Convolve.Engine.Randomness;

/// <summary>
/// Counter-based random numbers for kernels: a value is a hash of a key and a counter, the same on host and device, in any order.
/// The mixing function is the 32-bit finalizer "lowbias32" (C. Wellons, "Prospecting for hash functions", 2018), applied twice.
/// </summary>
public static class CounterRandom
{
    /// <summary>Mixes numbers (seed, epoch, step, layer, …) into a key.</summary>
    public static uint Key(params ReadOnlySpan<uint> parts)
    {
        var key = 0x9E3779B9u;
        foreach (var part in parts) key = Mix(key ^ Mix(part + 0x85EBCA6Bu)) + 0xC2B2AE35u;
        return key;
    }

    /// <summary>32 random bits.</summary>
    public static uint Bits(uint key, uint counter) => Mix(Mix(counter + key) ^ key);

    /// <summary>A number in [0, 1), a multiple of 2⁻²⁴.</summary>
    /// <remarks>Through int: C# converts uint to float through double, which is slow or missing on GPUs.</remarks>
    public static float Uniform(uint key, uint counter) => (int)(Bits(key, counter) >> 8) * (1f / 16777216f);

    private static uint Mix(uint x)
    {
        x ^= x >> 16;
        x *= 0x7FEB352Du;
        x ^= x >> 15;
        x *= 0x846CA68Bu;
        x ^= x >> 16;
        return x;
    }
}
