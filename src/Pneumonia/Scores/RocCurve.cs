namespace Convolve.Pneumonia.Scores;

/// <summary>One operating point: calling everything at or above the threshold positive.</summary>
/// <param name="FalsePositiveRate">Share of the negatives called positive.</param>
/// <param name="TruePositiveRate">Share of the positives called positive.</param>
/// <param name="Threshold">The lowest score called positive; +∞ at the start of the curve.</param>
public readonly record struct RocPoint(double FalsePositiveRate, double TruePositiveRate, double Threshold);

/// <summary>
/// Ranking quality of a two-class model, and the choice of a threshold. Images are ranked by a score, the probability of the positive class
/// or whatever grows with it.
/// </summary>
public static class RocCurve
{
    /// <summary>
    /// The curve from (0, 0) to (1, 1), a point for every distinct score. Empty where one class is absent.
    /// </summary>
    public static IReadOnlyList<RocPoint> Points(IReadOnlyList<bool> positive, IReadOnlyList<double> score)
    {
        (var positives, var negatives) = Count(positive);
        if (positives == 0 || negatives == 0) return [];
        var points = new List<RocPoint> { new(0, 0, double.PositiveInfinity) };
        var order = Ascending(score);
        int truePositives = 0, falsePositives = 0;
        for (var i = order.Length - 1; i >= 0; i--)
        {
            if (positive[order[i]]) truePositives++;
            else falsePositives++;
            if (i == 0 || score[order[i - 1]] != score[order[i]])
                points.Add(new((double)falsePositives / negatives, (double)truePositives / positives, score[order[i]]));
        }
        return points;
    }

    /// <summary>
    /// The area under the curve: the share of pairs of a positive and a negative in which the positive has the higher score,
    /// a tie counting ½ (Mann–Whitney U over the number of pairs), in O(n log n). Null where one class is absent.
    /// </summary>
    public static double? Area(IReadOnlyList<bool> positive, IReadOnlyList<double> score)
    {
        var order = Ascending(score);
        var weights = new int[order.Length];
        Array.Fill(weights, 1);
        return Area(positive, score, order, weights);
    }

    /// <summary>
    /// The same with image i counted weights[i] times, as a bootstrap needs; <paramref name="ascending"/> sorts by score.
    /// </summary>
    internal static double? Area(IReadOnlyList<bool> positive, IReadOnlyList<double> score, int[] ascending, int[] weights)
    {
        // Twice the number of won pairs is a whole number, so the result does not depend on the order of a sum.
        long negativesBelow = 0, positives = 0, twiceWon = 0;
        for (var i = 0; i < ascending.Length;)
        {
            long tiedPositives = 0, tiedNegatives = 0;
            var value = score[ascending[i]];
            for (; i < ascending.Length && score[ascending[i]] == value; i++)
            {
                if (positive[ascending[i]]) tiedPositives += weights[ascending[i]];
                else tiedNegatives += weights[ascending[i]];
            }
            twiceWon += tiedPositives * (2 * negativesBelow + tiedNegatives);
            negativesBelow += tiedNegatives;
            positives += tiedPositives;
        }
        return positives == 0 || negativesBelow == 0 ? null : twiceWon / (2.0 * positives * negativesBelow);
    }

    /// <summary>
    /// The threshold with the largest Youden index, sensitivity + specificity − 1 (Youden 1950), among images whose classes are known;
    /// meant for validation images. An image is called positive where its probability is at or above the threshold. All thresholds
    /// between two neighbouring probabilities answer alike: ½ stands for them where it is one of them, else their middle. Among equally
    /// good ones the nearest to ½ is taken, then the lower. ½ where one class is absent.
    /// </summary>
    public static double YoudenThreshold(IReadOnlyList<bool> positive, IReadOnlyList<double> probability)
    {
        (var positives, var negatives) = Count(positive);
        if (positives == 0 || negatives == 0) return 0.5;
        var order = Ascending(probability);
        // sensitivity + specificity − 1 = TP/P − FP/N, compared as the whole number TP·N − FP·P.
        long truePositives = positives, falsePositives = negatives, best = long.MinValue;
        double chosen = 0.5, below = 0;
        for (var i = 0; ;)
        {
            var above = i < order.Length ? probability[order[i]] : 1;
            var candidate = below < 0.5 && 0.5 <= above ? 0.5 : below + (above - below) / 2;
            // Rounding must not put the threshold on the probability that it has to exclude.
            if (candidate <= below && i > 0) candidate = above;
            var possible = i == 0 || above > below;
            var index = truePositives * negatives - falsePositives * positives;
            if (possible && (index > best || (index == best && Math.Abs(candidate - 0.5) < Math.Abs(chosen - 0.5))))
                (best, chosen) = (index, candidate);
            if (i == order.Length) return chosen;
            below = above;
            for (; i < order.Length && probability[order[i]] == below; i++)
            {
                if (positive[order[i]]) truePositives--;
                else falsePositives--;
            }
        }
    }

    /// <summary>The images from the lowest score to the highest.</summary>
    /// <exception cref="ArgumentException">A score is not a number: nothing can be ranked by it.</exception>
    internal static int[] Ascending(IReadOnlyList<double> score)
    {
        var keys = new double[score.Count];
        var order = new int[keys.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            if (double.IsNaN(score[i])) throw new ArgumentException($"scores: that of image {i} is not a number");
            (keys[i], order[i]) = (score[i], i);
        }
        Array.Sort(keys, order);
        return order;
    }

    private static (int Positives, int Negatives) Count(IReadOnlyList<bool> positive)
    {
        var positives = positive.Count(isPositive => isPositive);
        return (positives, positive.Count - positives);
    }
}
