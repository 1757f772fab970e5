using Convolve.Layers.Training;

namespace OwnNetwork;

/// <summary>Gray images of 20 × 20 pixels: a disc (class 0) or a ring (class 1) somewhere in noise.</summary>
public static class Shapes
{
    public const int Pixels = 20;

    public static ArraySamples Draw(int count, int seed)
    {
        var random = new Random(seed);
        var classes = Enumerable.Range(0, count).Select(i => i % 2).ToArray();
        return new ArraySamples(classes.Select(c => Image(random, isRing: c == 1)).ToArray(), classes);
    }

    private static byte[] Image(Random random, bool isRing)
    {
        var image = new byte[Pixels * Pixels];
        var radius = 4 + 2 * random.NextDouble();
        double row = radius + random.NextDouble() * (Pixels - 2 * radius), column = radius + random.NextDouble() * (Pixels - 2 * radius);
        for (var i = 0; i < image.Length; i++)
        {
            var distance = Math.Sqrt(Math.Pow(i / Pixels - row, 2) + Math.Pow(i % Pixels - column, 2));
            var inside = distance < radius && !(isRing && distance < radius - 2);
            image[i] = (byte)(random.Next(100) + (inside ? 80 : 0));
        }
        return image;
    }
}
