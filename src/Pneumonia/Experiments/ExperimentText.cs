using System.Globalization;

namespace Convolve.Pneumonia.Experiments;

/// <summary>The cells of a table row as text; an empty second line is omitted.</summary>
/// <param name="result">The row.</param>
public sealed class ExperimentText(ExperimentResult result)
{
    private const string None = "–";

    /// <summary>What the metrics mean, and what they do not.</summary>
    public static string Explanation =>
        "Ours: the epoch with the lowest validation loss, scored on test images at threshold 0.5, with 95 % bootstrap intervals, or over "
            + "several seeds the mean "
        + "± the standard deviation. Published: the notebook's figures on its own test images, whose split lets patients recur.";

    public string Id => result.Id;

    /// <summary>What the row trains.</summary>
    public string What => ReferenceRows.All.First(row => row.Id == result.Id).What;

    public (string Accuracy, string Loss) Published => (Figure(result.Published.TestAccuracy, 4), Figure(result.Published.TestLoss, 4));

    public (string Accuracy, string Loss) SecondRun =>
        (Figure(result.Published.SecondRun?.TestAccuracy, 4), Figure(result.Published.SecondRun?.TestLoss, 4));

    public (string Figure, string Spread) Loss =>
        (Figure(result.Mean?.Loss ?? result.Test?.Loss, 4), Deviation(result.StandardDeviation?.Loss, 4));

    public (string Figure, string Spread) Accuracy => result.Mean is null
        ? (Figure(result.Test?.Accuracy, 3), Interval(result.Test?.Accuracy95))
        : (Figure(result.Mean.Accuracy, 3), Deviation(result.StandardDeviation?.Accuracy, 3));

    public (string Figure, string Spread) Auc => result.Mean is null
        ? (Figure(result.Test?.Auc, 3), Interval(result.Test?.Auc95))
        : (Figure(result.Mean.Auc, 3), Deviation(result.StandardDeviation?.Auc, 3));

    /// <summary>Epochs run of those planned.</summary>
    public string Epochs => result.Epochs == 0 ? None : $"{result.Epochs}/{result.PlannedEpochs}";

    /// <summary>How long the author's computer took.</summary>
    public string HoursThen => result.Published.Hours is { } hours ? FormattableString.Invariant($"{hours:0.##} h") : None;

    /// <summary>How long it took here, on average over the seeds.</summary>
    public string MinutesNow => result.Minutes is null ? None
        : FormattableString.Invariant($"{result.Runs.Average(run => run.Minutes):0.0} min");

    /// <summary>Usable images for training, validation and test.</summary>
    public string Images => result.Images is { } images ? $"{images.Train} / {images.Val} / {images.Test}" : None;

    public string Split => result.Split;

    public string Device => result.Device;

    /// <summary>The note, and the number of seeds.</summary>
    public string Note => result.Runs.Count < 2 ? result.Note
        : string.Join("; ", new[] { result.Note, $"{result.Runs.Count} seeds" }.Where(text => text.Length > 0));

    /// <summary>The runs by name, and their folders relative to the table.</summary>
    public IEnumerable<(string Name, string Folder)> Runs =>
        result.Runs.Select(run => (result.Runs.Count == 1 ? "report" : $"report, seed {run.Seed}", run.Run));

    private static string Figure(double? value, int digits) =>
        value is { } known ? known.ToString($"F{digits}", CultureInfo.InvariantCulture) : None;

    private static string Deviation(double? value, int digits) => value is { } known ? $"± {Figure(known, digits)}" : "";

    private static string Interval(double[]? interval) => interval is [var low, var high] ? $"{Short(low)} – {Short(high)}" : "";

    // Without the leading zero, because two numbers share a narrow cell.
    private static string Short(double value) => value >= 1 ? value.ToString("F2", CultureInfo.InvariantCulture)
        : value.ToString("F3", CultureInfo.InvariantCulture)[1..];
}
