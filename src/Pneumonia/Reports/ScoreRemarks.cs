using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>What a reader of figures at ½ would misunderstand, in plain sentences.</summary>
public static class ScoreRemarks
{
    /// <summary>The sentences that a part's figures call for; mostly none.</summary>
    /// <param name="scores">The figures.</param>
    /// <param name="classes">Names of the classes; of two, the positive one comes second.</param>
    /// <param name="images">What the images are called, such as "test images".</param>
    public static IEnumerable<string> Of(ScoreBlock scores, IReadOnlyList<string> classes, string images)
    {
        if (scores.Confusion.NearlyAlways() is not { } always) yield break;
        var predicted = Enumerable.Range(0, classes.Count).Sum(actual => scores.Confusion[actual, always]);
        var actual = Enumerable.Range(0, classes.Count).Sum(answer => scores.Confusion[always, answer]);
        yield return $"{(classes.Count == 2 ? "At ½ the" : "The")} network predicts {classes[always]} for {predicted} of {scores.N} "
            + $"{images}: its accuracy "
            + $"{(classes.Count == 2 ? "there " : "")}says little more than that {actual} of them are {classes[always]}."
            + (scores.AtThreshold is { } chosen ? $" The figures at its own threshold, {chosen.Threshold:F3}, say more."
                : scores.Auc is null ? "" : " The AUC shows how well it ranks them.");
    }
}
