using Convolve.Engine.Randomness;

namespace Convolve.Pneumonia.Scores;

/// <summary>
/// Percentile bootstrap (Efron 1979): 1000 times as many images are drawn with replacement as there are, and the interval holds the
/// middle 95 % of the figure over those draws. Seeded, and the same whatever the thread.
/// </summary>
public sealed class Bootstrap
{
    private const int Resamples = 1000;

    private readonly int[][] draws;

    /// <param name="images">How many images there are.</param>
    /// <param name="seed">Seed of the draws.</param>
    public Bootstrap(int images, int seed)
    {
        draws = new int[Resamples][];
        for (var r = 0; r < Resamples; r++)
        {
            var random = new RandomStream(seed, (ulong)r);
            draws[r] = new int[images];
            for (var i = 0; i < images; i++) draws[r][random.Below((ulong)i, images)]++;
        }
    }

    /// <summary>
    /// [low, high] of a figure, widened where needed to hold the estimate itself (with few images the draws can miss it); null where the
    /// estimate is. Draws that leave the figure undefined, because a class is absent from them, do not count.
    /// </summary>
    /// <param name="estimate">The figure on the images as they are.</param>
    /// <param name="figure">The figure, given how often each image was drawn.</param>
    public double[]? Interval(double? estimate, Func<int[], double?> figure)
    {
        if (estimate is not { } centre) return null;
        double[] values = [.. draws.Select(figure).OfType<double>().Order()];
        if (values.Length == 0) return [centre, centre];
        return [Math.Min(centre, Quantile(values, 0.025)), Math.Max(centre, Quantile(values, 0.975))];
    }

    /// <summary>Share of the true entries among all, counting each as often as it was drawn; null where none was.</summary>
    /// <param name="values">The entries.</param>
    /// <param name="draws">How often each was drawn.</param>
    /// <param name="among">Whether each counts at all; null where all do.</param>
    public static double? Share(bool[] values, int[] draws, bool[]? among = null)
    {
        int hits = 0, total = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (among is not null && !among[i]) continue;
            total += draws[i];
            if (values[i]) hits += draws[i];
        }
        return total == 0 ? null : (double)hits / total;
    }

    // Linear between order statistics (Hyndman and Fan's definition 7).
    private static double Quantile(double[] ascending, double share)
    {
        var position = share * (ascending.Length - 1);
        int low = (int)position, high = Math.Min(low + 1, ascending.Length - 1);
        return ascending[low] + (ascending[high] - ascending[low]) * (position - low);
    }
}
