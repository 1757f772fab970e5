using Convolve.Layers.Training;

namespace Convolve.Pneumonia.Scores;

/// <summary>A model's predictions for the images of one part, from which curves are drawn.</summary>
/// <param name="Actual">Index of each image's class; of two classes, 1 is the positive one.</param>
/// <param name="Probabilities">Probabilities of all classes for each image.</param>
public sealed record PartPredictions(IReadOnlyList<int> Actual, IReadOnlyList<double[]> Probabilities)
{
    /// <summary>The predictions of a network; null if there are none.</summary>
    public static PartPredictions? Of(Predictions? predictions) =>
        predictions is { TrueClasses.Length: > 0 } ? new PartPredictions(predictions.TrueClasses, predictions.Probabilities) : null;

    /// <summary>Images.</summary>
    public int Count => Actual.Count;

    /// <summary>Whether there are two classes, of which one is positive.</summary>
    public bool IsTwoClass => Count > 0 && Probabilities[0].Length == 2;

    /// <summary>Whether each image is of a class.</summary>
    public bool[] Is(int of) => [.. Actual.Select(actual => actual == of)];

    /// <summary>The probability of a class for each image.</summary>
    public double[] ProbabilityOf(int of) => [.. Probabilities.Select(p => p[of])];

    /// <summary>What images are ranked by, from the least to the most likely of a class.</summary>
    public double[] OddsOf(int of) => [.. Probabilities.Select(p => Classification.Odds(p, of))];

    /// <summary>The probability of each image's most probable class.</summary>
    public double[] Confidence => [.. Probabilities.Select(p => p.Max())];

    /// <summary>Whether each image's most probable class is its actual one.</summary>
    public bool[] Right => [.. Probabilities.Select((p, i) => Classification.PredictedClass(p) == Actual[i])];
}
