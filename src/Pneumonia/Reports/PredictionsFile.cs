using System.Globalization;
using System.Text;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Reports;

/// <summary>One line of a table of predictions: a prediction, or why there is none.</summary>
/// <param name="File">The image.</param>
/// <param name="Prediction">The prediction; null for an image that cannot be read.</param>
/// <param name="Error">Why it cannot be read; null for one that can.</param>
/// <param name="Label">The class that its folder says; null where nothing says it.</param>
public sealed record PredictedFile(string File, ImagePrediction? Prediction, string? Error = null, string? Label = null);

/// <summary>
/// Predictions as a CSV file: file, label where there are labels, verdict, positive class, its probability, the threshold, the error of an
/// image that cannot be read, the probability of each class, and, as in earlier versions, path, class, probability and aboveThreshold.
/// </summary>
public static class PredictionsFile
{
    public const string FileName = "predictions.csv";

    /// <summary>Writes the table, a row for each image, those included that cannot be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">The images.</param>
    /// <param name="classes">Names of the classes, in ordinal order.</param>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<PredictedFile> rows, IReadOnlyList<string> classes) =>
        OutputFile.WriteText(path, Text(rows, classes));

    private static string Text(IReadOnlyList<PredictedFile> rows, IReadOnlyList<string> classes)
    {
        var labelled = rows.Any(row => row.Label is not null);
        var text = new StringBuilder();
        Append(["file", .. labelled ? ["label"]
            : Array.Empty<string>(), "verdict", "positive", "positive_probability", "threshold", "error", .. classes,
            "path", "class", "probability", "aboveThreshold"]);
        foreach (var row in rows)
        {
            var found = row.Prediction;
            Append([row.File, .. labelled ? [row.Label ?? ""] : Array.Empty<string>(), found?.Verdict ?? "", found?.Positive ?? "",
                Number(found?.PositiveProbability),
                Number(found?.Threshold), row.Error ?? "", .. classes.Select((_, c) => Number(found?.Probabilities[c])),
                row.File, found?.Class ?? "", Number(found?.Probability), found?.AboveThreshold?.ToString().ToLowerInvariant() ?? ""]);
        }
        return text.ToString();

        void Append(IEnumerable<string> fields) => text.AppendJoin(',', fields.Select(CsvText.Field)).Append('\n');

        static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";
    }
}
