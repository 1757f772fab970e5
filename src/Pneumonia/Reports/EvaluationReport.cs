using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using static Convolve.Pneumonia.Reports.ReportPage;

namespace Convolve.Pneumonia.Reports;

/// <summary>Everything that a report shows of an evaluation.</summary>
/// <param name="Network">The network that made the predictions.</param>
/// <param name="Data">The name of the data folder.</param>
/// <param name="Part">The part that was scored; "all" of a folder without parts.</param>
/// <param name="Device">The device that computed them.</param>
/// <param name="Positive">The positive one of two classes; null with more.</param>
/// <param name="Notes">What was assumed or left out, one line each.</param>
/// <param name="Warnings">What makes figures doubtful, one line each.</param>
/// <param name="Scored">The predictions.</param>
public sealed record EvaluationSummary(
    string Network, string Data, string Part, string Device, PositiveClass? Positive, IReadOnlyList<string> Notes,
    IReadOnlyList<string> Warnings, ScoredPredictions Scored);

/// <summary>The <c>report.html</c> that <c>evaluate --out</c> writes.</summary>
public static class EvaluationReport
{
    public const string ScoresFileName = "scores.json";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string folder, EvaluationSummary evaluation) =>
        OutputFile.WriteText(Path.Combine(folder, RunFolder.ReportName), ToHtml(evaluation));

    public static string ToHtml(EvaluationSummary evaluation)
    {
        var scored = evaluation.Scored;
        return ReportPage.Of($"{evaluation.Data}, evaluated",
        [
            PredictionSections.Headline(scored, $"Convolve · {evaluation.Network} on {evaluation.Data}"),
            Data(evaluation),
            PredictionSections.Scores(scored, "Scores"),
            PredictionSections.Predictions(scored),
            PredictionSections.Wrong(scored),
            Limits(ReportLimits.Of(evaluation)),
        ]);
    }

    private static Html Data(EvaluationSummary evaluation)
    {
        var scored = evaluation.Scored;
        var part = evaluation.Part == "all" ? "" : $", part {evaluation.Part}";
        IEnumerable<(string, string)> rows =
        [
            ("Network", evaluation.Network),
            ("Images", $"{scored.Reported!.Scores.N:N0} of {evaluation.Data}{part}; classes {string.Join(", ", scored.Classes)}"),
            .. evaluation.Positive is { } positive ? [("Positive class", $"{positive.Name}, {positive.Reason}")]
                : Array.Empty<(string, string)>(),
            ("Device", evaluation.Device),
        ];
        return Section("Network and images", $"{Rows(rows)}{List("notes", evaluation.Notes)}{List("warnings", evaluation.Warnings)}");
    }
}
