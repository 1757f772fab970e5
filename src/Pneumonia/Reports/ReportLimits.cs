using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>What the figures of a run do not say, in plain words, each from the run's own facts.</summary>
public static class ReportLimits
{
    // Of so many people, so many ill: a share far from that of a collected data set, as in a screening.
    private const int People = 1000, Ill = 50;

    /// <summary>Where a network's own threshold comes from, in words that follow "is 0.848, ".</summary>
    public const string ThresholdOrigin = "chosen on the validation images of its training (largest Youden index)";

    /// <summary>What the figures of an evaluation do not say, likewise.</summary>
    public static IReadOnlyList<(string Heading, string Text)> Of(EvaluationSummary evaluation)
    {
        ScoredPart part = evaluation.Scored.Reported!;
        IReadOnlyList<string> classes = evaluation.Scored.Classes;
        var limits = new List<(string, string)> { ("How sure they are", Certainty(part.Scores, part.Images)) };
        if (Prevalence(part, classes) is { } prevalence) limits.Add(("How common the illness is", prevalence));
        if (evaluation.Scored.Threshold is { } threshold)
            limits.Add(("Another threshold, other answers", $"{threshold:F3} was chosen on other images than these, so the figures at it are what a user gets. {WeighsAlike} "
                + "A threshold that is chosen on these images and then scored on them would flatter."));
        limits.Add(("These images only", $"All come from {evaluation.Data}. The same network may do better or worse on those of another place; whether it was trained on some of these, "
            + "the warnings above say as far as file contents and names tell."));
        if (evaluation.Scored.Wrong.Any(wrong => wrong.Map?.Png is not null)) limits.Add(MapIsNoReason);
        limits.Add(("Labels", LabelsOf(classes)));
        return limits;
    }

    /// <summary>What the figures of a run do not say: one paragraph each, as a short heading and its text; what does not apply to the run is left out.</summary>
    public static IReadOnlyList<(string Heading, string Text)> Of(RunSummary run)
    {
        Metrics metrics = run.Metrics;
        var limits = new List<(string, string)>();
        bool tested = metrics.Test is not null;
        if (run.Scored.Reported is { } part)
        {
            if (!tested)
                limits.Add(("Nothing was tested", "There were no test images. All figures are of the validation images, on which the best epoch"
                    + $"{(metrics.Threshold is null ? " was" : " and the threshold were")} chosen, and so they flatter."));
            limits.Add(("How sure they are", Certainty(part.Scores, part.Images)));
            if (Prevalence(part, run.Classes) is { } prevalence) limits.Add(("How common the illness is", prevalence));
            if (tested && metrics is { Threshold: { } threshold, Val: { } val })
            {
                limits.Add(("Another threshold, other answers", $"{threshold:F3} is the threshold with the largest sum of sensitivity and specificity on {val.N} validation "
                    + $"images. {WeighsAlike}"));
            }
        }
        limits.Add(("Other patients, other machines", Population(run)));
        if (metrics.Epochs.Count > 0)
            limits.Add(("One training", $"{(run.Weights is null ? "The weights began at random" : $"The training began with the weights of {run.Weights} and went on")} with seed {metrics.Seed}. Another seed gives other figures; how far they lie apart one run cannot show."
                + (metrics.BestEpoch == metrics.Epochs.Count && metrics.BestEpoch > 0 ? $" The best epoch, {metrics.BestEpoch}, was the last: the network may not have learned all it can." : "")));
        if (run.Limit is { } limit)
            limits.Add(("A part of the images", $"At most {limit:N0} images of each part were used; all of them would give other figures."));
        if (run.Wrong.Any(wrong => wrong.Map?.Png is not null)) limits.Add(MapIsNoReason);
        limits.Add(("Labels", metrics.Synthetic
            ? "The classes of generated images are known exactly; those of real ones are somebody's judgement."
            : LabelsOf(run.Classes)));
        return limits;
    }

    private const string WeighsAlike = "It weighs a missed case as much as a false alarm, which hardly anyone does; the curves show what else could be chosen.";

    private static (string, string) MapIsNoReason =>
        ("A map is not a reason", "The maps over the wrong predictions show where in the picture they came from, coarsely. They do not show that they came from something medical.");

    private static string LabelsOf(IReadOnlyList<string> classes) =>
        $"What counts as {string.Join(" or ", classes)} is what the folders and file names say. A wrong label counts as an error of the network.";

    private static string Certainty(ScoreBlock scores, string images)
    {
        string text = $"There are {scores.N:N0} {images}; one more wrong answer takes {100.0 / scores.N:F1} points off the accuracy.";
        if (scores.Auc95 is [var low, var high] && high > low)
            text += $" Among images drawn anew from these the AUC lies between {low:F3} and {high:F3} in 95 of 100 cases: one anywhere in that range, measured on other images of the same kind, is no sign of a better or worse network.";
        return text + " The intervals are for images of the same kind only, and take every image as independent of the others.";
    }

    // Null where the images do not tell sensitivity and specificity.
    private static string? Prevalence(ScoredPart part, IReadOnlyList<string> classes)
    {
        ScoreBlock scores = part.Scores;
        if (classes.Count != 2 || OperatingPoint.OfVerdicts(part).Scores is not { Sensitivity: { } sensitivity, Specificity: { } specificity }) return null;
        string positive = classes[1];
        int images = scores.Confusion[1, 0] + scores.Confusion[1, 1], others = scores.N - images;
        string share = $"Of the {part.Images} {100.0 * images / scores.N:F0} % are {positive}, and precision holds for that share only. Among {People:N0} people of whom {Ill} are {positive}, this sensitivity ";
        double found = sensitivity * Ill, alarms = (1 - specificity) * (People - Ill);
        // None of n was wrong: with 95 % confidence at most 3/n are (Hanley and Lippman-Hand 1983).
        if (alarms == 0)
        {
            return share + $"would find {found:F0} of them. Not one of the {others:N0} images of {classes[0]} was called {positive}; so few allow for {Math.Min(1, 3.0 / others) * (People - Ill):F0} "
                + "false alarms among those people all the same.";
        }
        return share + $"and specificity would find {found:F0} of them and raise {alarms:F0} false alarms: {100 * found / (found + alarms):F0} of 100 positive answers would be right.";
    }

    private static string Population(RunSummary run)
    {
        SplitCounts split = run.Metrics.Split;
        if (run.Metrics.Synthetic) return "All images are drawings by one program. How the network would do on real X-rays is unknown.";
        string division = split.Kind switch
        {
            "patient" => "The images were divided by patient, as far as images tell theirs",
            "random" => "Single images were divided at random",
            "folders" => "The parts are those of the folders, as somebody made them",
            "reference" => "The parts are slices of the sorted names, as in the reference experiments",
            _ => $"The images were divided by {split.Kind}",
        };
        return $"{division}. {Patients(split, run.Metrics.Patients)} All come from {run.Data}: the same places, devices and ways of choosing whom to X-ray. "
            + "Elsewhere accuracy and the best threshold may be quite different, and no figure here says by how much.";
    }

    // Figures are said to be about new patients only where nearly all images tell theirs, and none stands in two parts.
    private static string Patients(SplitCounts split, PatientCount? patients)
    {
        const string NotNew = "so the figures may be about patients that the network has seen, and better than those of new ones would be.";
        if (patients is null) return "Whether a patient stands in several parts was not recorded.";
        if (patients.Rule is null)
        {
            string single = split.Kind == "patient" ? ", each counted as a patient of its own" : "";
            return $"No image tells its patient{single}, and a patient with several images may stand in several parts, {NotNew}";
        }
        if (patients.AcrossParts > 0) return $"{patients.AcrossParts:N0} patients stand in more than one part, {NotNew}";
        string told = $"{patients.Recognised:N0} of {patients.Images:N0} images tell their patient ({patients.Rule})";
        if (!patients.IsEnough) return $"Only {told}; the others may be of patients that stand in several parts, {NotNew}";
        int alone = patients.Images - patients.Recognised;
        string others = alone == 0 ? "" : $", except for the {alone:N0} images that tell none and count as a patient each";
        return $"{told}, and no patient stands in more than one part, so the figures are about new patients{others}.";
    }
}
