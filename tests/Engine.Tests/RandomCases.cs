using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests;

/// <summary>Property tests over random cases, and the random numbers of a case.</summary>
public static class RandomCases
{
    /// <summary>Sizes around the kernels' tiles (3 and 6 rows, 32 columns, 128 of both on GPUs), primes, and multiples of four, which GPUs
    /// load at once.</summary>
    public static Gen<int> AwkwardSize(int largest) =>
        Gen.Elements(new[] { 1, 2, 3, 4, 5, 6, 7, 8, 13, 31, 32, 33, 63, 64, 65, 95, 96, 97, 124, 127, 128, 129, 132, 136 }
            .Where(s => s <= largest).ToArray());

    /// <summary>Depths around the blocks of a packed factor: 8 on GPUs, 256 on CPUs.</summary>
    public static Gen<int> AwkwardDepth(int largest) =>
        Gen.Elements(new[] { 1, 2, 7, 8, 9, 31, 33, 255, 256, 257, 511, 513, 1023, 1025, 2047, 2049, 4099 }.Where(s => s <= largest)
            .ToArray());

    public static Gen<bool> Coin => Gen.Elements(false, true);

    public static Gen<int> Seed => Gen.Choose(0, int.MaxValue - 1);

    /// <summary>Checks a property on random cases; a failure names the case and the seed that reproduces it.</summary>
    public static void ForAll<T>(Gen<T> generator, int cases, Action<T> statement) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(cases), Prop.ForAll(generator.ToArbitrary(), statement));

    /// <summary>Random numbers in [-limit, limit), the same for the same seed and stream.</summary>
    public static float[] Values(int seed, int stream, int length, float limit = 1)
    {
        var random = new Random(unchecked(seed * 31 + stream));
        var values = new float[length];
        for (var i = 0; i < length; i++) values[i] = (random.NextSingle() * 2 - 1) * limit;
        return values;
    }

    public static double[] InDouble(float[] values) => Array.ConvertAll(values, v => (double)v);
}
