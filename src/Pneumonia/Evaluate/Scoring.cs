using Convolve.Layers.Training;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Evaluate;

/// <summary>Turns a network's answers into figures.</summary>
public static class Scoring
{
    /// <summary>All figures of a part; null if it has no usable image.</summary>
    /// <param name="predictions">The answers.</param>
    /// <param name="threshold">The one chosen on validation images, for two classes; or null.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    public static ScoreBlock? Score(Predictions predictions, double? threshold, int seed)
    {
        if (predictions.TrueClasses.Length == 0) return null;
        return IsTwoClass(predictions)
            ? ScoreBlock.OfTwo(Positive(predictions), PositiveProbability(predictions), predictions.Loss, threshold, seed, [.. predictions.Probabilities.Select(p => Classification.Odds(p, 1))])
            : ScoreBlock.OfMany(predictions.TrueClasses, predictions.Probabilities, predictions.Loss, seed);
    }

    /// <summary>The threshold that the validation images choose; null with three classes, or where they show one class only.</summary>
    public static double? Threshold(Predictions validation)
    {
        if (validation.TrueClasses.Length == 0 || !IsTwoClass(validation)) return null;
        bool[] positive = Positive(validation);
        return positive.Distinct().Count() == 2 ? RocCurve.YoudenThreshold(positive, PositiveProbability(validation)) : null;
    }

    /// <summary>The answers by class, as curves are drawn from them; null where there are none.</summary>
    public static PartPredictions? Answers(Predictions? predictions) =>
        predictions is { TrueClasses.Length: > 0 } ? new PartPredictions(predictions.TrueClasses, predictions.Probabilities) : null;

    private static bool IsTwoClass(Predictions predictions) => predictions.Probabilities.Length > 0 && predictions.Probabilities[0].Length == 2;

    private static bool[] Positive(Predictions predictions) => [.. predictions.TrueClasses.Select(c => c == 1)];

    private static double[] PositiveProbability(Predictions predictions) => [.. predictions.Probabilities.Select(p => p[1])];
}
