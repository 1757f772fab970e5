using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// The charts that a model's answers give. Two classes: a line for each part, of the positive class, with the chosen threshold. More
/// classes: a line for each class against the rest, on the part that is reported.
/// </summary>
public sealed class AnswerCharts
{
    private readonly IReadOnlyList<Ranked> lines;
    private readonly double? threshold;
    private readonly RunSummary run;

    public AnswerCharts(RunSummary run)
    {
        this.run = run;
        threshold = run.Metrics.Threshold;
        (string Name, PartAnswers? Answers)[] parts = [("validation", run.Val), ("test", run.Test)];
        (string Name, PartAnswers Answers)[] present = [.. parts.Where(part => part.Answers is { Count: > 0 }).Select(part => (part.Name, part.Answers!))];
        lines = present is []
            ? []
            : run.Classes.Count == 2
                ? [.. present.Select(part => Ranked.By(part.Name, part.Answers, 1))]
                : [.. run.Classes.Take(LineChart.LineStyles).Select((name, c) => Ranked.By(name, present[^1].Answers, c))];
    }

    /// <summary>The name of the part that is reported: test, or validation where there are no test images.</summary>
    public string Part => run.Test is { Count: > 0 } ? "test" : "validation";

    private PartAnswers? Reported => run.Test is { Count: > 0 } test ? test : run.Val;

    /// <summary>All charts that the answers allow, as SVG.</summary>
    public IEnumerable<string> ToSvg()
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
                Level = run.Classes.Count == 2 ? (Reported!.Is(1).Average(positive => positive ? 1.0 : 0), $"share of {run.Classes[1]} among {Part} images") : null,
            }.ToSvg();
        if (lines.Count > 0)
        {
            yield return new LineChart("Calibration", run.Classes.Count == 2 ? "probability foretold" : "probability of the answer",
                run.Classes.Count == 2 ? $"share that is {run.Classes[1]}" : "share of right answers",
                run.Classes.Count == 2 ? [.. lines.Select(line => CalibrationLine(line.Name, line.Probability, line.Positive))] : [CalibrationLine(Part, Reported!.Confidence, Reported.Right)])
            { XRange = (0, 1), YRange = (0, 1), Diagonal = true }.ToSvg();
        }
        if (Reported is { IsTwoClass: true, Count: > 0 } answers)
        {
            bool[] positive = answers.Is(1);
            double[] probability = answers.ProbabilityOf(1);
            yield return new ScoreHistogram($"Probabilities, {Part} images", (run.Classes[1], [.. probability.Where((_, i) => positive[i])]),
                (run.Classes[0], [.. probability.Where((_, i) => !positive[i])]), threshold).ToSvg();
        }
    }

    private ChartLine RocLine(Ranked of)
    {
        Confusion? chosen = AtThreshold(of.Name, of.Positive, of.Probability);
        return new ChartLine(of.Name, [.. RocCurve.Points(of.Positive, of.Odds).Select(point => (point.FalsePositiveRate, point.TruePositiveRate))])
        {
            Point = chosen is null ? null : (1 - (chosen.Specificity(1) ?? double.NaN), chosen.Sensitivity(1) ?? double.NaN, $"threshold {threshold:F2}"),
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
            Point = chosen is null ? null : (chosen.Sensitivity(1) ?? double.NaN, chosen.Precision(1), $"threshold {threshold:F2}"),
        };
    }

    // Only the reported part is marked: two marks of one threshold would lie on each other.
    private Confusion? AtThreshold(string name, bool[] positive, double[] probability) =>
        threshold is { } chosen && run.Classes.Count == 2 && name == Part ? ScoreBlock.Count(positive, probability, chosen) : null;

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
