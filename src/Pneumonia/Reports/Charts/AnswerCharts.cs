using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// The charts that a model's answers give. Two classes: a line for each part, of the positive class, with the chosen threshold. More
/// classes: a line for each class against the rest, on the part that is reported.
/// </summary>
public sealed class AnswerCharts
{
    private readonly IReadOnlyList<Ranked> lines;
    private readonly ScoredPredictions scored;

    public AnswerCharts(ScoredPredictions scored)
    {
        this.scored = scored;
        (string Name, PartAnswers Answers)[] present =
            [.. scored.Parts.Where(part => part.Answers is { Count: > 0 }).Select(part => (part.Name, part.Answers!))];
        lines = present is []
            ? []
            : scored.IsTwoClass
                ? [.. present.Select(part => Ranked.By(part.Name, part.Answers, 1))]
                : [.. scored.Classes.Take(LineChart.LineStyles).Select((name, c) => Ranked.By(name, present[^1].Answers, c))];
    }

    private string Images => scored.Reported!.Images;

    private PartAnswers? Reported => scored.Reported?.Answers;

    /// <summary>All charts that the answers allow, as SVG.</summary>
    public IEnumerable<Html> ToSvg()
    {
        ChartLine[] roc = [.. lines.Select(RocLine).Where(line => line.Points.Count > 0)];
        if (roc.Length > 0)
            yield return new LineChart("ROC", "false positive rate", "true positive rate", roc) { XRange = (0, 1), YRange = (0, 1), Diagonal = true }.ToSvg();
        ChartLine[] precision = [.. lines.Select(PrecisionLine).Where(line => line.Points.Count > 0)];
        if (roc.Length > 0 && precision.Length > 0)
            yield return new LineChart("Precision–recall", "recall (sensitivity)", "precision", precision)
            {
                XRange = (0, 1),
                YRange = (0, 1),
                Level = scored.IsTwoClass ? (Reported!.Is(1).Average(positive => positive ? 1.0 : 0), $"share of {scored.Classes[1]} among {Images}") : null,
            }.ToSvg();
        if (lines.Count > 0)
        {
            yield return new LineChart("Calibration", scored.IsTwoClass ? "predicted probability" : "probability of the predicted class",
                scored.IsTwoClass ? $"share that is {scored.Classes[1]}" : "share of right predictions",
                scored.IsTwoClass ? [.. lines.Select(line => CalibrationLine(line.Name, line.Probability, line.Positive))] : [CalibrationLine(scored.Reported!.Name, Reported!.Confidence, Reported.Right)])
            { XRange = (0, 1), YRange = (0, 1), Diagonal = true }.ToSvg();
        }
        if (Reported is { IsTwoClass: true, Count: > 0 } answers)
        {
            bool[] positive = answers.Is(1);
            double[] probability = answers.ProbabilityOf(1);
            yield return new ScoreHistogram($"Probabilities, {Images}", (scored.Classes[1], [.. probability.Where((_, i) => positive[i])]),
                (scored.Classes[0], [.. probability.Where((_, i) => !positive[i])]), scored.Threshold).ToSvg();
        }
    }

    private ChartLine RocLine(Ranked of)
    {
        Confusion? chosen = AtThreshold(of.Name, of.Positive, of.Probability);
        return new ChartLine(of.Name, [.. RocCurve.Points(of.Positive, of.Odds).Select(point => (point.FalsePositiveRate, point.TruePositiveRate))])
        {
            Point = chosen is null ? null : (1 - (chosen.Specificity(1) ?? double.NaN), chosen.Sensitivity(1) ?? double.NaN, $"threshold {scored.Threshold:F3}"),
        };
    }

    private ChartLine PrecisionLine(Ranked of)
    {
        IReadOnlyList<PrecisionRecallPoint> points = PrecisionRecallCurve.Points(of.Positive, of.Odds);
        Confusion? chosen = AtThreshold(of.Name, of.Positive, of.Probability);
        // Steps: the precision of a point holds back to the recall before it, as in the average precision.
        var steps = new List<(double, double)>();
        double before = 0;
        foreach (PrecisionRecallPoint point in points)
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

    // Only the reported part is marked: two marks of one threshold would lie on each other.
    private Confusion? AtThreshold(string name, bool[] positive, double[] probability) =>
        scored.Threshold is { } chosen && scored.IsTwoClass && name == scored.Reported?.Name ? ScoreBlock.Count(positive, probability, chosen) : null;

    private static ChartLine CalibrationLine(string name, double[] probability, bool[] happened)
    {
        CalibrationBin[] bins = [.. CalibrationBins.Of(probability, happened).Where(bin => bin.Count > 0)];
        return new ChartLine(name, [.. bins.Select(bin => (bin.MeanProbability, bin.Share))]) { Weights = [.. bins.Select(bin => (double)bin.Count)] };
    }

    // Images ranked from those least of a class to those most.
    private sealed record Ranked(string Name, bool[] Positive, double[] Probability, double[] Odds)
    {
        public static Ranked By(string name, PartAnswers answers, int of) => new(name, answers.Is(of), answers.ProbabilityOf(of), answers.OddsOf(of));
    }
}
