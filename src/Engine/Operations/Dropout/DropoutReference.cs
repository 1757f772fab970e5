using Convolve.Engine.Randomness;

namespace Convolve.Engine.Operations.Dropout;

/// <summary>The definition of dropout in double precision, with the mask of a key.</summary>
public static class DropoutReference
{
    /// <summary>Zero if the key's random number for the index is below p, else x / (1 − p).</summary>
    public static double[] Forward(double[] input, double probability, uint key) =>
        [.. input.Select((x, i) => CounterRandom.Uniform(key, (uint)i) < (float)probability ? 0 : x / (1 - probability))];
}
