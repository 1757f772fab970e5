using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>The figures of a two-class network for one part, at one threshold.</summary>
/// <param name="Part">The part.</param>
/// <param name="Name">The threshold, as a table names it: ½, or 0.848.</param>
/// <param name="Scores">The figures at the threshold.</param>
/// <param name="Precision">Share of the images called positive that are; null where no image is, or it is not known.</param>
/// <param name="F1">Harmonic mean of precision and sensitivity; null likewise.</param>
public sealed record OperatingPoint(ScoredPart Part, string Name, ThresholdScores Scores, double? Precision, double? F1)
{
    /// <summary>The figures at ½, then those at the network's own threshold where it has one.</summary>
    public static IEnumerable<OperatingPoint> Of(ScoredPart part)
    {
        var scores = part.Scores;
        yield return new OperatingPoint(part, "½", scores.AtHalf, scores.Precision, scores.F1);
        if (scores.AtThreshold is not { } own) yield break;
        var confusion = part.Predictions is { } predicted
            ? ScoreBlock.Count(predicted.Is(1), predicted.ProbabilityOf(1), own.Threshold) : null;
        yield return new OperatingPoint(part, $"{own.Threshold:F3}", own, own.Sensitivity is null ? null : confusion?.Precision(1),
            confusion?.F1(1));
    }

    /// <summary>The one that the network's verdicts are made at: its own threshold, or ½.</summary>
    public static OperatingPoint OfVerdicts(ScoredPart part) => Of(part).Last();
}
