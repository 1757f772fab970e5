using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Randomness;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Augmentation;

// pixels [N,H,W,C], maps [N,7], y [N,H,W,C]; an item makes all channels of a pixel
[Kernel("augmentation", "augmentation")]
internal struct Augment : IKernel
{
    public ArrayView<byte> Pixels;
    public ArrayView<float> Maps, Output;
    public AugmentationGeometry Geometry;
    public PixelScaling Scaling;

    public readonly void Run(int pixel)
    {
        var (g, maps, pixels) = (Geometry, Maps, Pixels);
        var line = pixel / g.Width;
        var x = pixel - line * g.Width;
        var n = line / g.Height;
        var y = line - n * g.Height;
        var m = n * AffineMap.Length;
        var row = AugmentationGeometry.Bounded(maps[m] * y + maps[m + 1] * x + maps[m + 2]);
        var column = AugmentationGeometry.Bounded(maps[m + 3] * y + maps[m + 4] * x + maps[m + 5]);
        var brightness = maps[m + 6];
        var top = AugmentationGeometry.Floor(row);
        var left = AugmentationGeometry.Floor(column);
        var down = row - top;
        var right = column - left;
        var image = n * g.Height;
        var above = (image + g.Inside(top, g.Height)) * g.Width;
        var below = (image + g.Inside(top + 1, g.Height)) * g.Width;
        var west = g.Inside(left, g.Width);
        var east = g.Inside(left + 1, g.Width);
        // Always read inside the image, even if the value is not used: an untaken branch may still be evaluated.
        var northWest = (above + west) * g.Channels;
        var northEast = (above + east) * g.Channels;
        var southWest = (below + west) * g.Channels;
        var southEast = (below + east) * g.Channels;
        for (var c = 0; c < g.Channels; c++)
        {
            var source = Scaling.Source(c, g.Channels);
            var nw = g.IsFilled(top, left) ? g.FillValue : pixels[northWest + source];
            var ne = g.IsFilled(top, left + 1) ? g.FillValue : pixels[northEast + source];
            var sw = g.IsFilled(top + 1, left) ? g.FillValue : pixels[southWest + source];
            var se = g.IsFilled(top + 1, left + 1) ? g.FillValue : pixels[southEast + source];
            var upper = nw + (ne - nw) * right;
            var lower = sw + (se - sw) * right;
            var value = (upper + (lower - upper) * down) * brightness;
            Output[pixel * g.Channels + c] = Scaling.Apply(value > 255f ? 255f : value, c);
        }
    }
}

// values [N,H,W,C], tones [N,5], y [N,H,W,C]; an item makes all channels of a pixel
[Kernel("toning", "augmentation")]
internal struct ChangeTones : IKernel
{
    /// <summary>The smallest fraction of the range for the gamma curve; keeps its logarithm finite.</summary>
    public const float Darkest = 1e-6f;

    // The sum of four numbers from 0 to 1, minus its mean, has the variance 1/3.
    private const float ToUnitVariance = 1.7320508f;

    public ArrayView<float> Values, Tones, Output;
    public int Height, Width, Channels;
    public PixelScaling Scaling;

    public readonly void Run(int pixel)
    {
        var (values, tones) = (Values, Tones);
        var line = pixel / Width;
        var x = pixel - line * Width;
        var n = line / Height;
        var y = line - n * Height;
        var t = n * ToneChange.Length;
        // Outside the image, the pixel at the edge is used.
        var here = line * Width;
        var above = (line - (y > 0 ? 1 : 0)) * Width;
        var below = (line + (y < Height - 1 ? 1 : 0)) * Width;
        var west = x - (x > 0 ? 1 : 0);
        var east = x + (x < Width - 1 ? 1 : 0);
        var noise = tones[t + 3] * Noise((uint)(int)tones[t + 4], (y * Width + x) * 4);
        for (var c = 0; c < Channels; c++)
        {
            var source = Scaling.Source(c, Channels);
            var value = values[(here + x) * Channels + source];
            var sides = values[(above + x) * Channels + source] + values[(below + x) * Channels + source]
                + values[(here + west) * Channels + source] + values[(here + east) * Channels + source];
            var corners = values[(above + west) * Channels + source] + values[(above + east) * Channels + source]
                + values[(below + west) * Channels + source] + values[(below + east) * Channels + source];
            var around = 0.25f * value + 0.125f * sides + 0.0625f * corners;
            var sharp = Share((value + tones[t] * (value - around)) * (1f / 255f));
            var bent = XMath.Exp(tones[t + 1] * XMath.Log(IntrinsicMath.Max(sharp, Darkest)));
            var spread = (bent - 0.5f) * tones[t + 2] + 0.5f;
            Output[pixel * Channels + c] = Scaling.Apply(255f * Share(spread + noise), c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Share(float value) => IntrinsicMath.Min(1f, IntrinsicMath.Max(0f, value));

    /// <summary>A nearly normal number with mean 0 and variance 1: a sum of four uniform ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Noise(uint key, int counter) =>
        (CounterRandom.Uniform(key, (uint)counter) + CounterRandom.Uniform(key, (uint)(counter + 1))
            + CounterRandom.Uniform(key, (uint)(counter + 2)) + CounterRandom.Uniform(key, (uint)(counter + 3)) - 2f) * ToUnitVariance;
}
