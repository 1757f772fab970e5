using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// The charts of a model's predictions. With two classes a line for each part, of the positive class, with the chosen threshold; with more
/// a line for each class against the rest, on the part that is reported.
/// </summary>
public sealed class PredictionCharts
{
    private readonly IReadOnlyList<Ranked> lines;
    private readonly ScoredPredictions scored;

    public PredictionCharts(ScoredPredictions scored)
    {
        this.scored = scored;
        (string Name, PartPredictions Predictions)[] present =
            [.. scored.Parts.Where(part => part.Predictions is { Count: > 0 }).Select(part => (part.Name, part.Predictions!))];
        lines = present is []
            ? []
            : scored.IsTwoClass
                ? [.. present.Select(part => Ranked.By(part.Name, part.Predictions, 1))]
                : [.. scored.Classes.Take(LineChart.LineStyles).Select((name, c) => Ranked.By(name, present[^1].Predictions, c))];
    }

    private string Images => scored.Reported!.Images;

    private PartPredictions? Reported => scored.Reported?.Predictions;

    /// <summary>All charts that the predictions allow.</summary>
    public IEnumerable<Html> ToSvg()
    {
        ChartLine[] roc = [.. lines.Select(RocLine).Where(line => line.Points.Count > 0)];
        if (roc.Length > 0) yield return OfShares("ROC", "false positive rate", "true positive rate", roc, diagonal: true).ToSvg();
        ChartLine[] precision = [.. lines.Select(PrecisionLine).Where(line => line.Points.Count > 0)];
        if (roc.Length > 0 && precision.Length > 0)
        {
            (double, string)? prevalence = scored.IsTwoClass
                ? (Reported!.Is(1).Average(positive => positive ? 1.0 : 0), $"prevalence of {scored.Classes[1]}") : null;
            var chart = OfShares("Precision–recall", "recall (sensitivity)", "precision", precision, diagonal: false);
            yield return (chart with { Level = prevalence }).ToSvg();
        }
        if (lines.Count > 0) yield return Calibration().ToSvg();
        if (Reported is { IsTwoClass: true, Count: > 0 } predicted)
        {
            var positive = predicted.Is(1);
            var probability = predicted.ProbabilityOf(1);
            yield return new ScoreHistogram($"Predicted probabilities, {Images}",
                (scored.Classes[1], [.. probability.Where((_, i) => positive[i])]),
                (scored.Classes[0], [.. probability.Where((_, i) => !positive[i])]), scored.Threshold).ToSvg();
        }
    }

    private LineChart Calibration() => scored.IsTwoClass
        ? OfShares("Calibration", "predicted probability", $"observed frequency of {scored.Classes[1]}",
            [.. lines.Select(line => CalibrationLine(line.Name, line.Probability, line.Positive))], diagonal: true)
        : OfShares("Calibration", "probability of the predicted class", "accuracy",
            [CalibrationLine(scored.Reported!.Name, Reported!.Confidence, Reported.Right)], diagonal: true);

    // Both axes from 0 to 1.
    private static LineChart OfShares(string title, string x, string y, IReadOnlyList<ChartLine> lines, bool diagonal) =>
        new(title, x, y, lines) { XRange = (0, 1), YRange = (0, 1), Diagonal = diagonal };

    private ChartLine RocLine(Ranked of)
    {
        var chosen = AtThreshold(of.Name, of.Positive, of.Probability);
        return new ChartLine(of.Name,
            [.. RocCurve.Points(of.Positive, of.Odds).Select(point => (point.FalsePositiveRate, point.TruePositiveRate))])
        {
            Point = chosen is null ? null
                : (1 - (chosen.Specificity(1) ?? double.NaN), chosen.Sensitivity(1) ?? double.NaN, $"threshold {scored.Threshold:F3}"),
        };
    }

    private ChartLine PrecisionLine(Ranked of)
    {
        var points = PrecisionRecallCurve.Points(of.Positive, of.Odds);
        var chosen = AtThreshold(of.Name, of.Positive, of.Probability);
        // Steps: the precision of a point holds from the recall before it on, as in the average precision.
        var steps = new List<(double, double)>();
        double before = 0;
        foreach (var point in points)
        {
            if (point.Recall > before) steps.Add((before, point.Precision));
            steps.Add((point.Recall, point.Precision));
            before = point.Recall;
        }
        return new ChartLine(of.Name, steps)
        {
            Point = chosen is null ? null : (chosen.Sensitivity(1) ?? double.NaN, chosen.Precision(1), $"threshold {scored.Threshold:F3}"),
        };
    }

    // Only the reported part is marked: two marks of one threshold would overlap.
    private Confusion? AtThreshold(string name, bool[] positive, double[] probability) =>
        scored.Threshold is { } chosen && scored.IsTwoClass && name == scored.Reported?.Name
            ? ScoreBlock.Count(positive, probability, chosen) : null;

    private static ChartLine CalibrationLine(string name, double[] probability, bool[] observed)
    {
        CalibrationBin[] bins = [.. CalibrationBins.Of(probability, observed).Where(bin => bin.Count > 0)];
        return new ChartLine(name, [.. bins.Select(bin => (bin.MeanProbability, bin.Frequency))])
        {
            Weights = [.. bins.Select(bin => (double)bin.Count)]
        };
    }

    // Images with what they are ranked by.
    private sealed record Ranked(string Name, bool[] Positive, double[] Probability, double[] Odds)
    {
        public static Ranked By(string name, PartPredictions predicted, int of) =>
            new(name, predicted.Is(of), predicted.ProbabilityOf(of), predicted.OddsOf(of));
    }
}
