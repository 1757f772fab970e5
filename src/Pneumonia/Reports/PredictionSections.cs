using System.Text;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Scores;
using static Convolve.Pneumonia.Reports.ReportPage;

namespace Convolve.Pneumonia.Reports;

/// <summary>The sections of a report that are about predictions: the figures in front, the tables, the curves and confusion matrices, and the wrong ones.</summary>
internal static class PredictionSections
{
    /// <summary>The headline with its figures: the ranking, and one operating point, the network's own where it has one.</summary>
    /// <param name="html">Where to.</param>
    /// <param name="scored">The predictions.</param>
    /// <param name="eyebrow">The line above it.</param>
    /// <param name="banner">A warning below it, or null.</param>
    /// <param name="kind">What precedes the images' name: "synthetic ", or nothing.</param>
    public static void AppendHeadline(StringBuilder html, ScoredPredictions scored, string eyebrow, string? banner, string kind = "")
    {
        html.Append($"<header><p class=\"eyebrow\">{Text(eyebrow)}</p>");
        if (scored.Reported is not { } part)
        {
            html.Append("<h1>No scores yet</h1>");
        }
        else
        {
            ScoreBlock scores = part.Scores;
            OperatingPoint verdicts = OperatingPoint.OfVerdicts(part);
            ThresholdScores point = verdicts.Scores;
            string figure = scores.Auc is { } auc ? $"AUC {auc:F3}" : $"Accuracy {Percent(point.Accuracy)}";
            html.Append($"<h1>{figure} on {scores.N:N0} {kind}{Text(part.Images)}</h1><div class=\"cards\">");
            if (scores.Auc is not null) Card(Figure(scores.Auc), scored.IsTwoClass ? "AUC, whatever the threshold" : "AUC", scores.Auc95, value => Figure(value));
            string at = scored.IsTwoClass ? $" at threshold {verdicts.Name}" : "";
            Card(Percent(point.Accuracy), "accuracy" + at, point.Accuracy95, Percent);
            Card(Percent(point.Sensitivity), "sensitivity" + at, point.Sensitivity95, Percent);
            Card(Percent(point.Specificity), "specificity" + at, point.Specificity95, Percent);
            html.Append("</div>");
        }
        if (banner is not null) html.Append($"<p class=\"banner\">{banner}</p>");
        html.Append("</header>\n");

        void Card(string value, string name, double[]? interval, Func<double, string> figure) =>
            html.Append($"<div class=\"card\"><b>{value}</b><span>{Text(name)}</span>{(interval is [var low, var high] ? $"<span>{figure(low)} – {figure(high)}</span>" : "")}</div>");
    }

    /// <summary>The tables of figures: those that no threshold changes, then the operating points side by side.</summary>
    /// <param name="html">Where to.</param>
    /// <param name="scored">The predictions.</param>
    /// <param name="title">The heading.</param>
    public static void AppendScores(StringBuilder html, ScoredPredictions scored, string title)
    {
        IReadOnlyList<ScoredPart> parts = scored.Parts;
        if (parts.Count == 0) return;
        html.Append($"<section><h2>{Text(title)}</h2><div class=\"wide\"><table class=\"scores\"><thead><tr><th>{(scored.IsTwoClass ? "whatever the threshold" : "")}</th>");
        foreach (ScoredPart part in parts) html.Append($"<th>{Text(part.Name)}<br><small>{part.Scores.N:N0} images</small></th>");
        html.Append("</tr></thead><tbody>");
        Row("AUC", scores => Figure(scores.Auc) + Interval(scores.Auc95, value => Figure(value)));
        if (parts.All(part => part.Scores.AveragePrecision is not null)) Row("Average precision", scores => Figure(scores.AveragePrecision));
        if (!scored.IsTwoClass)
        {
            Row("Accuracy", scores => Percent(scores.Accuracy) + Interval(scores.Accuracy95, Percent));
            Row("Sensitivity", scores => Percent(scores.Sensitivity) + Interval(scores.Sensitivity95, Percent));
            Row("Specificity", scores => Percent(scores.Specificity) + Interval(scores.Specificity95, Percent));
            Row("Precision", scores => Percent(scores.Precision));
            Row("F1", scores => Figure(scores.F1));
        }
        Row("Loss", scores => $"{scores.Loss:F4}");
        Row("Calibration error", scores => Figure(scores.Ece));
        html.Append("</tbody></table></div>");
        if (scored.IsTwoClass) AppendOperatingPoints(html, scored);
        foreach (string remark in parts.SelectMany(part => ScoreRemarks.Of(part.Scores, scored.Classes, part.Images))) html.Append($"<p>{Text(remark)}</p>");
        html.Append("<p class=\"small\">");
        html.Append(!scored.IsTwoClass ? "AUC: mean of one class against the rest; sensitivity, specificity, precision and F1: means over classes. "
            : $"Positive: {Text(scored.Classes[1])}. " + (scored.Threshold is { } threshold ? $"The network's own threshold is {threshold:F3}, {Text(ReportLimits.ThresholdOrigin)}. " : ""));
        html.Append("In brackets 95 % bootstrap intervals. Loss in nats; calibration error in ten bins.</p></section>\n");

        void Row(string name, Func<ScoreBlock, string> value)
        {
            html.Append($"<tr><th>{name}</th>");
            foreach (ScoredPart part in parts) html.Append($"<td>{value(part.Scores)}</td>");
            html.Append("</tr>");
        }
    }

    /// <summary>Curves and confusion matrices.</summary>
    public static void AppendPredictions(StringBuilder html, ScoredPredictions scored)
    {
        if (scored.Reported is not { } part) return;
        string[] charts = [.. new AnswerCharts(scored).ToSvg()];
        html.Append("<section><h2>Predictions</h2>");
        if (charts.Length > 0)
        {
            html.Append("<p class=\"small\">");
            html.Append(scored.IsTwoClass
                ? "The dashed diagonals are chance, and perfect calibration. A dot's area is the number of images with about that probability; bars grow with the square root of theirs."
                : $"One class against the rest, {Text(part.Images)}. The dashed diagonals are chance, and perfect calibration; a dot's area is the number of images.");
            html.Append("</p><div class=\"charts\">").AppendJoin("", charts).Append("</div>");
        }
        html.Append("<div class=\"matrices\">");
        AppendConfusion(html, part.Scores.Confusion, scored.Classes, scored.IsTwoClass ? $"At threshold ½, {part.Images}" : part.Images);
        if (scored.Threshold is { } threshold && part.Answers is { IsTwoClass: true } answers)
            AppendConfusion(html, ScoreBlock.Count(answers.Is(1), answers.ProbabilityOf(1), threshold), scored.Classes, $"At threshold {threshold:F3}, {part.Images}");
        html.Append("</div></section>\n");
    }

    /// <summary>The most confident wrong predictions, with where they came from.</summary>
    public static void AppendWrong(StringBuilder html, ScoredPredictions scored)
    {
        if (scored.Wrong.Count == 0) return;
        bool mapped = scored.Wrong.Any(wrong => wrong.Map?.Png is not null);
        html.Append("<section><h2>Most confident wrong predictions</h2>");
        if (mapped)
            html.Append("<p class=\"small\">Beside each image where its wrong prediction came from: the brighter, the more.</p>");
        html.Append("<div class=\"errors\">");
        foreach (WrongPrediction wrong in scored.Wrong)
        {
            html.Append($"<figure><div class=\"pair{(mapped ? "" : " single")}\">");
            html.Append(Image(PngWriter.Encode(wrong.Image, wrong.Pixels, wrong.Pixels, wrong.Channels), wrong.Name));
            if (wrong.Map?.Png is { } png) html.Append(Image(png, $"{wrong.Name}: {wrong.Map.Caption}"));
            html.Append($"</div><figcaption>{Text($"{wrong.Prediction}")}, is <strong>{Text(wrong.Actual)}</strong><br><small>{Text(wrong.Name)}"
                + $"{(wrong.Map is null ? "" : $"<br>{Text(wrong.Map.Caption)}")}</small></figcaption></figure>");
        }
        html.Append("</div></section>\n");
    }

    private static void AppendOperatingPoints(StringBuilder html, ScoredPredictions scored)
    {
        OperatingPoint[] points = [.. scored.Parts.SelectMany(OperatingPoint.Of)];
        html.Append("<div class=\"wide\"><table class=\"scores\"><thead><tr><th>at a threshold</th>");
        foreach (OperatingPoint point in points) html.Append($"<th>{Text(point.Part.Name)}<br>at {point.Name}</th>");
        html.Append("</tr></thead><tbody>");
        Row("Accuracy", point => Percent(point.Scores.Accuracy) + Interval(point.Scores.Accuracy95, Percent));
        Row("Sensitivity", point => Percent(point.Scores.Sensitivity) + Interval(point.Scores.Sensitivity95, Percent));
        Row("Specificity", point => Percent(point.Scores.Specificity) + Interval(point.Scores.Specificity95, Percent));
        Row("Precision", point => Percent(point.Precision));
        Row("F1", point => Figure(point.F1));
        html.Append("</tbody></table></div>");

        void Row(string name, Func<OperatingPoint, string> value)
        {
            html.Append($"<tr><th>{name}</th>");
            foreach (OperatingPoint point in points) html.Append($"<td>{value(point)}</td>");
            html.Append("</tr>");
        }
    }

    private static void AppendConfusion(StringBuilder html, Confusion confusion, IReadOnlyList<string> classes, string caption)
    {
        html.Append($"<div class=\"wide\"><table class=\"confusion\"><caption>{Text(caption)}</caption><thead><tr><th>actual ↓ predicted →</th>");
        foreach (string name in classes) html.Append($"<th>{Text(name)}</th>");
        html.Append("</tr></thead><tbody>");
        for (int actual = 0; actual < confusion.Classes; actual++)
        {
            html.Append($"<tr><th>{Text(classes[actual])}</th>");
            for (int predicted = 0; predicted < confusion.Classes; predicted++)
                html.Append($"<td class=\"{(actual == predicted ? "right" : "wrong")}\">{confusion[actual, predicted]}</td>");
            html.Append("</tr>");
        }
        html.Append("</tbody></table></div>");
    }

    private static string Interval(double[]? interval, Func<double, string> figure) =>
        interval is [var low, var high] ? $" <small>[{figure(low)}, {figure(high)}]</small>" : "";
}
