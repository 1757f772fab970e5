using Convolve.Pneumonia.Images;
using FsCheck.Xunit;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageResizeTests
{
    private static readonly ResizeMethod[] methods = Enum.GetValues<ResizeMethod>();

    private static byte[] Resized(DecodedImage image, int size, ResizeMethod method, int? channels = null)
    {
        int kept = channels ?? image.Channels;
        // Prefilled, so that an unwritten byte shows.
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
        int n = 1 + size % 20;
        DecodedImage image = Image(n, n, colour ? 3 : 1, seed);
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
        DecodedImage gray = Image(1 + width % 30, 1 + height % 30, 1, seed);
        var colour = new DecodedImage(gray.Width, gray.Height, 3, [.. gray.Pixels.SelectMany(b => new[] { b, b, b })]);
        int n = 1 + size % 30;
        return methods.All(method => Resized(gray, n, method, 3).SequenceEqual(Resized(colour, n, method))
            && Resized(gray, n, method).SequenceEqual(Resized(colour, n, method, 1)));
    }

    // The definitions in plain loops.
    [Property]
    public bool Methods_match_their_definitions(byte width, byte height, byte size, int seed)
    {
        int w = 1 + width % 40, h = 1 + height % 40, n = 1 + size % 40;
        DecodedImage image = Image(w, h, 1, seed);
        double At(int x, int y) => image.Pixels[Math.Clamp(y, 0, h - 1) * w + Math.Clamp(x, 0, w - 1)];
        byte[] nearest = Resized(image, n, ResizeMethod.Nearest), bilinear = Resized(image, n, ResizeMethod.Bilinear), area = Resized(image, n, ResizeMethod.Area);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                if (nearest[i * n + j] != At((2 * j + 1) * w / (2 * n), (2 * i + 1) * h / (2 * n))) return false;

                double u = (j + 0.5) * w / n - 0.5, v = (i + 0.5) * h / n - 0.5;
                int x = (int)Math.Floor(u), y = (int)Math.Floor(v);
                double top = At(x, y) + (At(x + 1, y) - At(x, y)) * (u - x), bottom = At(x, y + 1) + (At(x + 1, y + 1) - At(x, y + 1)) * (u - x);
                if (Math.Abs(bilinear[i * n + j] - (top + (bottom - top) * (v - y))) > 0.51) return false;

                double sum = 0, total = 0;
                for (int q = 0; q < h; q++)
                {
                    for (int p = 0; p < w; p++)
                    {
                        double across = Math.Min(p + 1, (j + 1.0) * w / n) - Math.Max(p, (double)j * w / n);
                        double down = Math.Min(q + 1, (i + 1.0) * h / n) - Math.Max(q, (double)i * h / n);
                        if (across <= 0 || down <= 0) continue;
                        sum += across * down * At(p, q);
                        total += across * down;
                    }
                }
                if (Math.Abs(area[i * n + j] - sum / total) > 0.51) return false;
            }
        }
        return true;
    }
}
