using Convolve.Pneumonia.Images;
using FsCheck.Xunit;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageResizeTests
{
    private static readonly ResizeMethod[] methods = Enum.GetValues<ResizeMethod>();

    private static byte[] Resized(DecodedImage image, int size, ResizeMethod method, int? channels = null)
    {
        var kept = channels ?? image.Channels;
        // Prefilled, so that unwritten bytes are detected.
        var target = new byte[size * size * kept];
        Array.Fill(target, (byte)0xAB);
        ImageResize.Resize(image, size, kept, method, target);
        return target;
    }

    private static DecodedImage Image(int width, int height, int channels, int seed)
    {
        var pixels = new byte[width * height * channels];
        new Random(seed).NextBytes(pixels);
        return new DecodedImage(width, height, channels, pixels);
    }

    [Property]
    public bool The_same_size_changes_nothing(byte size, bool colour, int seed)
    {
        var n = 1 + size % 20;
        var image = Image(n, n, colour ? 3 : 1, seed);
        return methods.All(method => Resized(image, n, method).SequenceEqual(image.Pixels));
    }

    [Property]
    public bool A_constant_stays_constant(byte width, byte height, byte size, byte value)
    {
        var pixels = new byte[(1 + width % 30) * (1 + height % 30)];
        Array.Fill(pixels, value);
        var image = new DecodedImage(1 + width % 30, 1 + height % 30, 1, pixels);
        return methods.All(method => Resized(image, 1 + size % 30, method, 3).All(b => b == value));
    }

    [Property]
    public bool Gray_and_colour_agree(byte width, byte height, byte size, int seed)
    {
        var gray = Image(1 + width % 30, 1 + height % 30, 1, seed);
        var colour = new DecodedImage(gray.Width, gray.Height, 3, [.. gray.Pixels.SelectMany(b => new[] { b, b, b })]);
        var n = 1 + size % 30;
        return methods.All(method => Resized(gray, n, method, 3).SequenceEqual(Resized(colour, n, method))
            && Resized(gray, n, method).SequenceEqual(Resized(colour, n, method, 1)));
    }

    /// <summary>
    /// A grating finer than the new pixels must vanish; sampled at single points it would alias to a coarse one. The size is
    /// that of the dataset's original X-rays.
    /// </summary>
    [Theory]
    [InlineData(ResizeMethod.Bilinear)]
    [InlineData(ResizeMethod.Area)]
    public void WhatIsFinerThanTheNewPixelsVanishes(ResizeMethod method)
    {
        const int width = 1858, height = 1317, size = 150;
        var pixels = new byte[width * height];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++) pixels[y * width + x] = (byte)(128 + 100 * Math.Sin(2 * Math.PI * x / 3.1));
        var resized = Resized(new DecodedImage(width, height, 1, pixels), size, method);
        Assert.All(resized, value => Assert.InRange(value, 118, 138));
    }

    // The definitions in plain loops.
    [Property]
    public bool Methods_match_their_definitions(byte width, byte height, byte size, int seed)
    {
        int w = 1 + width % 40, h = 1 + height % 40, n = 1 + size % 40;
        var image = Image(w, h, 1, seed);
        double At(int x, int y) => image.Pixels[Math.Clamp(y, 0, h - 1) * w + Math.Clamp(x, 0, w - 1)];
        // Mean over a rectangle of the source.
        double Mean(double left, double right, double above, double below)
        {
            double sum = 0, total = 0;
            for (var q = 0; q < h; q++)
            {
                for (var p = 0; p < w; p++)
                {
                    var share = (Math.Min(p + 1, right) - Math.Max(p, left)) * (Math.Min(q + 1, below) - Math.Max(q, above));
                    if (p + 1 <= left || p >= right || q + 1 <= above || q >= below) continue;
                    sum += share * At(p, q);
                    total += share;
                }
            }
            return sum / total;
        }
        // The input of bilinear: the source, or means of ⌊s⌋ columns and rows, rounded to bytes.
        int wm = w / Math.Max(1, w / n), hm = h / Math.Max(1, h / n);
        var means = new double[hm, wm];
        for (var y = 0; y < hm; y++)
            for (var x = 0; x < wm; x++) means[y, x] = Mean((double)x * w / wm, (x + 1.0) * w / wm, (double)y * h / hm, (y + 1.0) * h / hm);
        double Averaged(int x, int y) => means[Math.Clamp(y, 0, hm - 1), Math.Clamp(x, 0, wm - 1)];
        byte[] nearest = Resized(image, n, ResizeMethod.Nearest), bilinear = Resized(image, n, ResizeMethod.Bilinear),
            area = Resized(image, n, ResizeMethod.Area);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                if (nearest[i * n + j] != At((2 * j + 1) * w / (2 * n), (2 * i + 1) * h / (2 * n))) return false;

                double u = (j + 0.5) * wm / n - 0.5, v = (i + 0.5) * hm / n - 0.5;
                int x = (int)Math.Floor(u), y = (int)Math.Floor(v);
                var top = Averaged(x, y) + (Averaged(x + 1, y) - Averaged(x, y)) * (u - x);
                var bottom = Averaged(x, y + 1) + (Averaged(x + 1, y + 1) - Averaged(x, y + 1)) * (u - x);
                // A half for each rounding to bytes: of the result, and of the means if there are any.
                if (Math.Abs(bilinear[i * n + j] - (top + (bottom - top) * (v - y))) > (wm < w || hm < h ? 1.01 : 0.51)) return false;

                if (Math.Abs(area[i * n + j] - Mean((double)j * w / n, (j + 1.0) * w / n, (double)i * h / n, (i + 1.0) * h / n)) > 0.51)
                    return false;
            }
        }
        return true;
    }
}
