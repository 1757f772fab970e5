using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Reports;

/// <summary>Score blocks side by side in the terminal: first threshold-free metrics, then one column per operating point.</summary>
public static class ScoreTable
{
    /// <summary>Writes the tables and notes for the reader.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="scored">The metrics of each part.</param>
    public static void Write(Terminal terminal, ScoredPredictions scored)
    {
        var parts = scored.Parts;
        var table = WithColumns("", parts.Select(part => part.Name));
        Row("images", scores => $"{scores.N}");
        Row("loss", scores => $"{scores.Loss:F4}");
        Row("calibration error", scores => $"{scores.Ece:F3}");
        // Intervals have separate rows, so that parts fit side by side in a narrow terminal.
        Row("AUC", scores => Figure(scores.Auc));
        Row("  95 % interval", scores => Interval(scores.Auc95));
        if (!scored.IsTwoClass)
        {
            Row("accuracy", scores => Figure(scores.Accuracy));
            Row("  95 % interval", scores => Interval(scores.Accuracy95));
            Row("sensitivity", scores => Figure(scores.Sensitivity));
            Row("  95 % interval", scores => Interval(scores.Sensitivity95));
            Row("specificity", scores => Figure(scores.Specificity));
            Row("  95 % interval", scores => Interval(scores.Specificity95));
            Row("precision", scores => Figure(scores.Precision));
            Row("F1", scores => Figure(scores.F1));
        }
        terminal.WriteTable(table);
        if (scored.IsTwoClass) WriteOperatingPoints(terminal, scored);
        foreach (var remark in parts.SelectMany(part => ScoreRemarks.Of(part.Scores, scored.Classes, part.Images)))
            terminal.Results.WriteLine(remark);
        terminal.Results.WriteLine(Terminal.NotForClinicalUse);

        void Row(string name, Func<ScoreBlock, string> figure) =>
            table.AddRow([new Text(name), .. parts.Select(part => new Text(figure(part.Scores)))]);
    }

    private static void WriteOperatingPoints(Terminal terminal, ScoredPredictions scored)
    {
        OperatingPoint[] points = [.. scored.Parts.SelectMany(OperatingPoint.Of)];
        var table = WithColumns($"positive: {scored.Classes[1]}", points.Select(point => $"{point.Part.Name}\nat {point.Name}"));
        Row("accuracy", point => Figure(point.Scores.Accuracy));
        Row("  95 % interval", point => Interval(point.Scores.Accuracy95));
        Row("sensitivity", point => Figure(point.Scores.Sensitivity));
        Row("  95 % interval", point => Interval(point.Scores.Sensitivity95));
        Row("specificity", point => Figure(point.Scores.Specificity));
        Row("  95 % interval", point => Interval(point.Scores.Specificity95));
        Row("precision", point => Figure(point.Precision));
        Row("F1", point => Figure(point.F1));
        terminal.WriteTable(table);

        void Row(string name, Func<OperatingPoint, string> figure) =>
            table.AddRow([new Text(name), .. points.Select(point => new Text(figure(point)))]);
    }

    private static Table WithColumns(string first, IEnumerable<string> others)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn(Markup.Escape(first)).NoWrap());
        foreach (var name in others) table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned().NoWrap());
        return table;
    }

    private static string Interval(double[]? interval) => interval is [var low, var high] ? $"{low:F3}–{high:F3}" : "–";

    private static string Figure(double? value) => value is { } known ? $"{known:F3}" : "–";
}
