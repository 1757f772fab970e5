using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// The limitations of a report's figures in plain words, each derived from the run itself. What does not apply is left out.
/// </summary>
public static class ReportLimits
{
    // The prevalence that precision is translated to, as in a screening: far from that of most collected data sets.
    private const int People = 1000, Ill = 50;

    /// <summary>Where a network's own threshold comes from, in words that follow "is 0.848, ".</summary>
    public const string ThresholdOrigin = "chosen on the validation images of its training (largest Youden index)";

    private const string WeighsAlike =
        "It weighs a missed case as much as a false alarm, which is rarely right in practice; the curves show the alternatives.";

    private static (string, string) MapIsNoReason => ("Maps are not reasons",
        "The maps over the wrong predictions show roughly where in the image a prediction came from. They do not show that it came from "
        + "something medical.");

    /// <summary>The limitations of an evaluation, as headings and paragraphs.</summary>
    public static IReadOnlyList<(string Heading, string Text)> Of(EvaluationSummary evaluation)
    {
        var part = evaluation.Scored.Reported!;
        var classes = evaluation.Scored.Classes;
        var limits = new List<(string, string)> { ("Uncertainty", Certainty(part.Scores, part.Images)) };
        if (Prevalence(part, classes) is { } prevalence) limits.Add(("Prevalence", prevalence));
        if (evaluation.Scored.Threshold is { } threshold)
            limits.Add(("Choice of threshold",
                $"{threshold:F3} was chosen on other images, so the figures at it are what a user gets. {WeighsAlike} "
                + "A threshold that is chosen and scored on the same images looks better than it is."));
        limits.Add(("One source of images", $"All images come from {evaluation.Data}. The network may do better or worse on others. "
            + "Images that it was trained on are listed in the warnings above, as far as file contents and names show them."));
        if (evaluation.Scored.Wrong.Any(wrong => wrong.Map?.Png is not null)) limits.Add(MapIsNoReason);
        limits.Add(("Labels", LabelsOf(classes)));
        return limits;
    }

    /// <summary>The limitations of a training run, likewise.</summary>
    public static IReadOnlyList<(string Heading, string Text)> Of(RunSummary run)
    {
        var metrics = run.Metrics;
        var limits = new List<(string, string)>();
        var tested = metrics.Test is not null;
        if (run.Scored.Reported is { } part)
        {
            if (!tested)
                limits.Add(("No test images", "All figures are for the validation images, on which the best epoch"
                    + $"{(metrics.Threshold is null ? " was" : " and the threshold were")} chosen. They are optimistic."));
            limits.Add(("Uncertainty", Certainty(part.Scores, part.Images)));
            if (Prevalence(part, run.Classes) is { } prevalence) limits.Add(("Prevalence", prevalence));
            if (tested && metrics is { Threshold: { } threshold, Val: { } val })
            {
                limits.Add(("Choice of threshold", $"{threshold:F3} is the threshold with the largest sum of sensitivity and specificity "
                    + $"on {val.N} validation images. {WeighsAlike}"));
            }
        }
        limits.Add(("Other patients and machines", Population(run)));
        if (metrics.Epochs.Count > 0)
        {
            var start = run.Weights is null ? "The weights were initialized at random"
                : $"Training started from the weights of {run.Weights}";
            var more = metrics.BestEpoch == metrics.Epochs.Count && metrics.BestEpoch > 0
                ? $" The best epoch, {metrics.BestEpoch}, was the last: more epochs might improve the network." : "";
            limits.Add(("A single run", $"{start}, with seed {metrics.Seed}. Another seed gives other figures; a single run cannot show by "
                + $"how much.{more}"));
        }
        if (run.Limit is { } limit)
            limits.Add(("A subset of the images", $"At most {limit:N0} images of each part were used; all would give other figures."));
        if (run.Wrong.Any(wrong => wrong.Map?.Png is not null)) limits.Add(MapIsNoReason);
        limits.Add(("Labels", metrics.Synthetic
            ? "The classes of generated images are known exactly; those of real images are someone's judgement."
            : LabelsOf(run.Classes)));
        return limits;
    }

    private static string LabelsOf(IReadOnlyList<string> classes) =>
        $"Folder and file names decide what counts as {string.Join(" or ", classes)}. A wrong label counts as an error of the network.";

    private static string Certainty(ScoreBlock scores, string images)
    {
        var text = $"There are {scores.N:N0} {images}: one more wrong prediction lowers the accuracy by {100.0 / scores.N:F1} "
            + "percentage points.";
        if (scores.Auc95 is [var low, var high] && high > low)
            text += $" In 95 of 100 bootstrap samples of these images the AUC lies between {low:F3} and {high:F3}. A value in that "
                + "range, measured on other images of the same kind, does not show a better or worse network.";
        return text + " The intervals hold for images of the same kind only, and treat all images as independent.";
    }

    // Null where the images do not give sensitivity and specificity.
    private static string? Prevalence(ScoredPart part, IReadOnlyList<string> classes)
    {
        var scores = part.Scores;
        if (classes.Count != 2) return null;
        if (OperatingPoint.OfVerdicts(part).Scores is not { Sensitivity: { } sensitivity, Specificity: { } specificity }) return null;
        var positive = classes[1];
        int images = scores.Confusion[1, 0] + scores.Confusion[1, 1], others = scores.N - images;
        var share = $"{100.0 * images / scores.N:F0} % of the {part.Images} are {positive}, and the precision holds for that "
            + $"prevalence only. Among {People:N0} people of whom {Ill} are {positive}, this sensitivity ";
        double found = sensitivity * Ill, alarms = (1 - specificity) * (People - Ill);
        // None of n was wrong: with 95 % confidence at most 3/n are (Hanley and Lippman-Hand 1983).
        if (alarms == 0)
        {
            return share + $"would find {found:F0} of them. None of the {others:N0} images of {classes[0]} was predicted to be {positive}, "
                + $"but so few images leave room for {Math.Min(1, 3.0 / others) * (People - Ill):F0} false alarms among those people.";
        }
        return share + $"and specificity would find {found:F0} of them and raise {alarms:F0} false alarms: "
            + $"{100 * found / (found + alarms):F0} of 100 positive predictions would be right.";
    }

    private static string Population(RunSummary run)
    {
        var split = run.Metrics.Split;
        if (run.Metrics.Synthetic) return "All images were drawn by one program. How the network would do on real X-rays is unknown.";
        var division = split.Kind switch
        {
            "patient" => "The images were split by patient, as far as the patients are known",
            "random" => "Single images were split at random",
            "folders" => "The parts are the folders of the data set",
            "reference" => "The parts are slices of the sorted file names, as in the reference experiments",
            _ => $"The images were split by {split.Kind}",
        };
        return $"{division}. {Patients(split, run.Metrics.Patients)} All images come from {run.Data}: the same sites, machines and "
            + "selection of patients. Elsewhere the accuracy and the best threshold may be quite different, and no figure here shows by "
            + "how much.";
    }

    // Figures are said to apply to new patients only where the patients of nearly all images are known, and none is in two parts.
    private static string Patients(SplitCounts split, PatientCount? patients)
    {
        const string NotNew = "so the figures may include patients of the training, and may be better than for new patients.";
        if (patients is null) return "Whether patients are in several parts was not recorded.";
        if (patients.Rule is null)
        {
            var single = split.Kind == "patient" ? ", each image counts as a patient" : "";
            return $"The patients are unknown{single}, and a patient with several images may be in several parts, {NotNew}";
        }
        if (patients.AcrossParts > 0) return $"{patients.AcrossParts:N0} patients are in more than one part, {NotNew}";
        var known = $"The patients of {patients.Recognised:N0} of {patients.Images:N0} images are known ({patients.Rule})";
        if (!patients.IsEnough) return $"{known}; patients of the others may be in several parts, {NotNew}";
        var alone = patients.Images - patients.Recognised;
        var others = alone == 0 ? "" : $", except for the {alone:N0} images whose patients are unknown and count as one patient each";
        return $"{known}, and no patient is in more than one part, so the figures apply to new patients{others}.";
    }
}
