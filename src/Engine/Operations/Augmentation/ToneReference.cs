using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>Tone changes in plain loops and double precision: its definition.</summary>
public static class ToneReference
{
    private static readonly int[] binomial = [1, 2, 1];

    /// <summary>values [N,H,W,C], 0 … 255 → [N,H,W,C].</summary>
    public static double[] Apply(Shape shape, ReadOnlySpan<float> values, IReadOnlyList<ToneChange> tones, PixelScaling scaling)
    {
        int height = shape[1], width = shape[2], channels = shape[3];
        var output = new double[shape.Length];
        for (var n = 0; n < shape[0]; n++)
        {
            var image = values.Slice(n * height * width * channels, height * width * channels);
            var tone = tones[n];
            for (var y = 0; y < height; y++)
                for (var x = 0; x < width; x++)
                    for (var c = 0; c < channels; c++)
                    {
                        var source = scaling.Reversed != 0 ? channels - 1 - c : c;
                        var (scale, offset) = c switch
                        {
                            0 => (scaling.FirstScale, scaling.FirstOffset),
                            1 => (scaling.SecondScale, scaling.SecondOffset),
                            _ => (scaling.ThirdScale, scaling.ThirdOffset),
                        };
                        double around = 0;
                        for (var i = -1; i <= 1; i++)
                            for (var j = -1; j <= 1; j++)
                                around += binomial[i + 1] * binomial[j + 1] / 16.0
                                    * image[(Math.Clamp(y + i, 0, height - 1) * width + Math.Clamp(x + j, 0, width - 1))
                                        * channels + source];
                        double value = image[(y * width + x) * channels + source];
                        var sharp = Math.Clamp((value + tone.Sharpness * (value - around)) / 255, 0, 1);
                        var spread = (Math.Pow(Math.Max(sharp, ChangeTones.Darkest), tone.Gamma) - 0.5) * tone.Contrast + 0.5;
                        var noisy = Math.Clamp(spread + tone.Noise * Noise((uint)tone.NoiseKey, (uint)(y * width + x) * 4), 0, 1);
                        output[((n * height + y) * width + x) * channels + c] = 255 * noisy * scale + offset;
                    }
        }
        return output;
    }

    private static double Noise(uint key, uint counter)
    {
        double sum = 0;
        for (var i = 0u; i < 4; i++) sum += CounterRandom.Uniform(key, counter + i);
        return (sum - 2) * Math.Sqrt(3);
    }
}
