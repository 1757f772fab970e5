namespace Convolve.Engine.Operations.Augmentation;

/// <summary>
/// Tonal changes of an image, in this order: sharpening or blurring, a gamma curve, contrast around middle gray,
/// and noise. Values are fractions of the full range, clamped to 0 … 1.
/// </summary>
/// <param name="Sharpness">Factor on the difference between a pixel and its neighbourhood (3×3 binomial mean), which is added: −1 blurs,
/// above 0 sharpens.</param>
/// <param name="Gamma">The exponent; above 1 dark parts become darker.</param>
/// <param name="Contrast">Multiplies the distance from the middle gray.</param>
/// <param name="Noise">Standard deviation of the noise, the same in all channels of a pixel.</param>
/// <param name="NoiseKey">Determines the noise; below 2²⁴, so that it is exact in float32.</param>
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
