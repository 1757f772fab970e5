namespace Convolve.Engine.Operations.Augmentation;

/// <summary>
/// What becomes of an image's values, wherever they were taken from: sharpened or blurred, bent by a gamma curve, spread about the middle gray,
/// and made noisy, in that order. Values are shares of the full range, kept in 0 … 1.
/// </summary>
/// <param name="Sharpness">Times the difference between a pixel and its neighbourhood (the 3×3 binomial mean) is added to it: −1 blurs, 0 leaves it, above 0 sharpens.</param>
/// <param name="Gamma">The exponent; above 1 dark parts become darker.</param>
/// <param name="Contrast">Multiplies the distance from the middle gray.</param>
/// <param name="Noise">Standard deviation of the noise, the same in all channels of a pixel.</param>
/// <param name="NoiseKey">Fixes the noise; below 2²⁴, so that a float32 holds it.</param>
public readonly record struct ToneChange(float Sharpness, float Gamma, float Contrast, float Noise, int NoiseKey)
{
    /// <summary>Numbers that describe a change on the device.</summary>
    public const int Length = 5;

    /// <summary>Changes nothing.</summary>
    public static ToneChange None { get; } = new(0, 1, 1, 0, 0);

    /// <summary>Writes the five numbers in the order of the parameters.</summary>
    public void CopyTo(Span<float> target)
    {
        target[0] = Sharpness;
        target[1] = Gamma;
        target[2] = Contrast;
        target[3] = Noise;
        target[4] = NoiseKey;
    }
}
