using System.Globalization;

namespace Convolve.Pneumonia.Scores;

/// <summary>What a network predicts for one image.</summary>
/// <param name="Classes">Names of the classes, in ordinal order.</param>
/// <param name="Probabilities">Their probabilities, in the same order.</param>
/// <param name="Class">The most probable class.</param>
/// <param name="Positive">The positive one of two classes; null with more.</param>
/// <param name="Threshold">The probability of the positive class from which on the network calls an image positive; null where it has none
/// of its own, and ½ counts.</param>
public sealed record ImagePrediction(IReadOnlyList<string> Classes, IReadOnlyList<double> Probabilities, string Class, string? Positive,
    double? Threshold)
{
    private const double Half = 0.5;

    /// <summary>Probability of the most probable class.</summary>
    public double Probability => ProbabilityOf(Class);

    /// <summary>Probability of the positive class; null with more than two classes.</summary>
    public double? PositiveProbability => Positive is null ? null : ProbabilityOf(Positive);

    /// <summary>Whether the positive class reaches the network's own threshold; null without one.</summary>
    public bool? AboveThreshold => PositiveProbability is { } p && Threshold is { } threshold ? p >= threshold : null;

    /// <summary>
    /// The class that the network calls the image: of two the one at its threshold, or at ½ where it has none; of more the most probable
    /// one.
    /// </summary>
    public string Verdict => PositiveProbability is not { } p ? Class : p >= (Threshold ?? Half) ? Positive!
        : Classes.First(name => name != Positive);

    /// <summary>
    /// Orders a network's probabilities by the names of its classes.
    /// </summary>
    /// <param name="classes">Names in the order of the probabilities.</param>
    /// <param name="probabilities">One for each class.</param>
    /// <param name="threshold">The network's own threshold, or null.</param>
    /// <param name="positive">The positive one of two classes; null for the second.</param>
    public static ImagePrediction Of(IReadOnlyList<string> classes, IReadOnlyList<double> probabilities, double? threshold,
        string? positive = null)
    {
        int[] order = [.. Enumerable.Range(0, classes.Count).OrderBy(c => classes[c], StringComparer.Ordinal)];
        return new ImagePrediction([.. order.Select(c => classes[c])], [.. order.Select(c => probabilities[c])],
            classes[Layers.Training.Classification.PredictedClass(probabilities)], classes.Count == 2 ? positive ?? classes[1] : null,
                classes.Count == 2 ? threshold : null);
    }

    /// <summary>
    /// The prediction in one line: <c>P(PNEUMONIA) 73.1 % &lt; 84.8 % → NORMAL</c>, or of three and more classes all from the most probable
    /// one.
    /// </summary>
    public override string ToString()
    {
        if (PositiveProbability is not { } p)
        {
            var others = Classes.Zip(Probabilities).Where(pair => pair.First != Class).OrderByDescending(pair => pair.Second)
                .Select(pair => $"{pair.First} {Percent(pair.Second, 1)}");
            return $"{Verdict} {Percent(Probability, 1)} ({string.Join(", ", others)})";
        }
        var threshold = Threshold ?? Half;
        // As many digits as it takes to see which of two different numbers is larger.
        var digits = 1;
        while (digits < 15 && p != threshold && Percent(p, digits) == Percent(threshold, digits)) digits++;
        return $"P({Positive}) {Percent(p, digits)} {(p >= threshold ? '≥' : '<')} {Percent(threshold, digits)} → {Verdict}";
    }

    private double ProbabilityOf(string name) => Probabilities[Classes.ToList().IndexOf(name)];

    private static string Percent(double share, int digits) => $"{(100 * share).ToString($"F{digits}", CultureInfo.InvariantCulture)} %";
}
