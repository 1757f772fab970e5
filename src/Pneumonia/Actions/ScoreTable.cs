using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;
using Spectre.Console;

namespace Convolve.Pneumonia.Actions;

/// <summary>Score blocks side by side in the terminal.</summary>
public static class ScoreTable
{
    /// <summary>One column per part.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<(string Part, ScoreBlock Scores)> parts)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("").NoWrap());
        foreach ((string part, _) in parts) table.AddColumn(new TableColumn(part).RightAligned().NoWrap());
        Row("images", scores => $"{scores.N}");
        Row("loss", scores => $"{scores.Loss:F4}");
        // Intervals have rows of their own, so that two parts fit beside each other into a narrow terminal.
        Row("accuracy", scores => $"{scores.Accuracy:F3}");
        Row("  95 % interval", scores => Interval(scores.Accuracy95));
        Row("AUC", scores => Figure(scores.Auc));
        Row("  95 % interval", scores => Interval(scores.Auc95));
        Row("sensitivity", scores => Figure(scores.Sensitivity));
        Row("specificity", scores => Figure(scores.Specificity));
        Row("precision", scores => Figure(scores.Precision));
        Row("F1", scores => Figure(scores.F1));
        Row("calibration error", scores => $"{scores.Ece:F3}");
        if (parts.Any(part => part.Scores.AtThreshold is not null))
        {
            Row("at threshold", scores => Figure(scores.AtThreshold?.Threshold));
            Row("  accuracy", scores => Figure(scores.AtThreshold?.Accuracy));
            Row("  sensitivity", scores => Figure(scores.AtThreshold?.Sensitivity));
            Row("  specificity", scores => Figure(scores.AtThreshold?.Specificity));
        }
        terminal.WriteTable(table);
        terminal.Results.WriteLine(TrainingReport.NotForClinicalUse);

        void Row(string name, Func<ScoreBlock, string> figure) =>
            table.AddRow([new Text(name), .. parts.Select(part => new Text(figure(part.Scores)))]);
    }

    private static string Interval(double[]? interval) => interval is [var low, var high] ? $"{low:F3} to {high:F3}" : "–";

    private static string Figure(double? value) => value is { } known ? $"{known:F3}" : "–";
}
