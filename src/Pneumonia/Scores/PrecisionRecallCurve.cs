namespace Convolve.Pneumonia.Scores;

/// <summary>One operating point: calling everything at or above the threshold positive.</summary>
/// <param name="Recall">Fraction of the positives called positive: the sensitivity.</param>
/// <param name="Precision">Fraction of those called positive that are.</param>
/// <param name="Threshold">The lowest score called positive.</param>
public readonly record struct PrecisionRecallPoint(double Recall, double Precision, double Threshold);

/// <summary>The precision at every recall; it depends on the prevalence of the positive class.</summary>
public static class PrecisionRecallCurve
{
    /// <summary>
    /// A point for every distinct score, from the highest to the lowest, the last having recall 1. Empty where no image is positive.
    /// </summary>
    public static IReadOnlyList<PrecisionRecallPoint> Points(IReadOnlyList<bool> positive, IReadOnlyList<double> score)
    {
        var positives = positive.Count(isPositive => isPositive);
        if (positives == 0) return [];
        var points = new List<PrecisionRecallPoint>();
        var order = RocCurve.Ascending(score);
        var found = 0;
        for (var i = order.Length - 1; i >= 0; i--)
        {
            if (positive[order[i]]) found++;
            if (i == 0 || score[order[i - 1]] != score[order[i]])
                points.Add(new((double)found / positives, (double)found / (order.Length - i), score[order[i]]));
        }
        return points;
    }

    /// <summary>
    /// Average precision, Σ (recall_n − recall_{n−1}) · precision_n: the mean over the positives of the precision at the threshold that
    /// just finds each. Nothing is interpolated between points, which would be optimistic (Davis and Goadrich 2006). Null where no image is
    /// positive.
    /// </summary>
    public static double? AveragePrecision(IReadOnlyList<bool> positive, IReadOnlyList<double> score)
    {
        var points = Points(positive, score);
        if (points.Count == 0) return null;
        double area = 0, before = 0;
        foreach (var point in points)
        {
            area += (point.Recall - before) * point.Precision;
            before = point.Recall;
        }
        // A sum of shares that is 1 must not come out as a little more.
        return Math.Min(area, 1);
    }
}
