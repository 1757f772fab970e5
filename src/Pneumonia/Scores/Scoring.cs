using Convolve.Layers.Training;

namespace Convolve.Pneumonia.Scores;

/// <summary>Computes metrics of a network's predictions.</summary>
public static class Scoring
{
    /// <summary>All metrics of a part; null if it has no usable image.</summary>
    /// <param name="predictions">The predictions.</param>
    /// <param name="threshold">The threshold chosen on validation images, for two classes; or null.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    public static ScoreBlock? Score(Predictions predictions, double? threshold, int seed)
    {
        if (predictions.TrueClasses.Length == 0) return null;
        return IsTwoClass(predictions)
            ? ScoreBlock.OfTwo(Positive(predictions), PositiveProbability(predictions), predictions.Loss, threshold, seed,
                [.. predictions.Probabilities.Select(p => Classification.Odds(p, 1))])
            : ScoreBlock.OfMany(predictions.TrueClasses, predictions.Probabilities, predictions.Loss, seed);
    }

    /// <summary>The threshold chosen on validation images; null for three classes, or if they have only one class.</summary>
    public static double? Threshold(Predictions validation)
    {
        if (validation.TrueClasses.Length == 0 || !IsTwoClass(validation)) return null;
        var positive = Positive(validation);
        return positive.Distinct().Count() == 2 ? RocCurve.YoudenThreshold(positive, PositiveProbability(validation)) : null;
    }

    private static bool IsTwoClass(Predictions predictions) => predictions.Probabilities.Length > 0
        && predictions.Probabilities[0].Length == 2;

    private static bool[] Positive(Predictions predictions) => [.. predictions.TrueClasses.Select(c => c == 1)];

    private static double[] PositiveProbability(Predictions predictions) => [.. predictions.Probabilities.Select(p => p[1])];
}
