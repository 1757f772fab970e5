using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Scores;
using static Convolve.Pneumonia.Reports.ReportPage;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// The sections of a report that are about predictions: the figures in front, the tables, the curves and confusion matrices, and the wrong
/// ones.
/// </summary>
internal static class PredictionSections
{
    /// <summary>The headline with its figures: the ranking, and one operating point, the network's own where it has one.</summary>
    /// <param name="scored">The predictions.</param>
    /// <param name="eyebrow">The line above it.</param>
    /// <param name="banner">A warning below it.</param>
    /// <param name="kind">Put before the images' name: "synthetic ", or nothing.</param>
    public static Html Headline(ScoredPredictions scored, string eyebrow, Html banner = default, string kind = "")
    {
        var figures = scored.Reported is { } reported ? Figures(reported) : $"<h1>No scores yet</h1>";
        return $"""
            <header><p class="eyebrow">{eyebrow}</p>{figures}{banner}</header>

            """;

        Html Figures(ScoredPart part)
        {
            var scores = part.Scores;
            var verdicts = OperatingPoint.OfVerdicts(part);
            var point = verdicts.Scores;
            var headline = scores.Auc is { } auc ? $"AUC {auc:F3}" : $"Accuracy {Percent(point.Accuracy)}";
            var at = scored.IsTwoClass ? $" at threshold {verdicts.Name}" : "";
            var area = scores.Auc is null ? Html.Empty
                : Card(Figure(scores.Auc), scored.IsTwoClass ? "AUC, at any threshold" : "AUC", scores.Auc95, value => Figure(value));
            return $"""<h1>{headline} on {scores.N:N0} {kind}{part.Images}</h1><div class="cards">{area}"""
                + $"{Card(Percent(point.Accuracy), "accuracy" + at, point.Accuracy95, Percent)}"
                + $"{Card(Percent(point.Sensitivity), "sensitivity" + at, point.Sensitivity95, Percent)}"
                + $"{Card(Percent(point.Specificity), "specificity" + at, point.Specificity95, Percent)}</div>";
        }

        Html Card(string value, string name, double[]? interval, Func<double, string> figure)
        {
            var range = interval is [var low, var high] ? $"<span>{figure(low)} – {figure(high)}</span>" : Html.Empty;
            return $"""<div class="card"><b>{value}</b><span>{name}</span>{range}</div>""";
        }
    }

    /// <summary>The tables of figures: those that no threshold changes, then the operating points side by side.</summary>
    /// <param name="scored">The predictions.</param>
    /// <param name="title">The heading.</param>
    public static Html Scores(ScoredPredictions scored, string title)
    {
        var parts = scored.Parts;
        if (parts.Count == 0) return Html.Empty;
        var remarks = parts.SelectMany(part => ScoreRemarks.Of(part.Scores, scored.Classes, part.Images));
        var threshold = scored.Threshold is { } own ? $"The network's own threshold is {own:F3}, {ReportLimits.ThresholdOrigin}. " : "";
        var explanation = scored.IsTwoClass ? $"Positive: {scored.Classes[1]}. {threshold}"
            : "AUC: mean of one class against the rest. Sensitivity, specificity, precision and F1: means over classes. ";
        var corner = scored.IsTwoClass ? "at any threshold" : "";
        var table = ScoreTable(corner, parts, part => $"{part.Name}<br><small>{part.Scores.N:N0} images</small>",
        [
            ("AUC", part => WithInterval(Figure(part.Scores.Auc), part.Scores.Auc95, value => Figure(value))),
            .. parts.Any(part => part.Scores.AveragePrecision is null) ? [] : new (string, Func<ScoredPart, Html>)[]
            {
                ("Average precision", part => $"{Figure(part.Scores.AveragePrecision)}"),
            },
            .. scored.IsTwoClass ? [] : new (string, Func<ScoredPart, Html>)[]
            {
                ("Accuracy", part => WithInterval(Percent(part.Scores.Accuracy), part.Scores.Accuracy95, Percent)),
                ("Sensitivity", part => WithInterval(Percent(part.Scores.Sensitivity), part.Scores.Sensitivity95, Percent)),
                ("Specificity", part => WithInterval(Percent(part.Scores.Specificity), part.Scores.Specificity95, Percent)),
                ("Precision", part => $"{Percent(part.Scores.Precision)}"),
                ("F1", part => $"{Figure(part.Scores.F1)}"),
            },
            ("Loss", part => $"{part.Scores.Loss:F4}"),
            ("Calibration error", part => $"{Figure(part.Scores.Ece)}"),
        ]);
        var points = scored.IsTwoClass ? OperatingPoints(scored) : Html.Empty;
        return Section(title, $"{table}{points}{Html.Each(remarks, remark => $"<p>{remark}</p>")}"
            + $"""<p class="small">{explanation}Brackets hold 95 % bootstrap intervals. The loss is the cross-entropy in nats, """
            + $"the calibration error is over ten bins.</p>");
    }

    /// <summary>The curves and the confusion matrices.</summary>
    public static Html Predictions(ScoredPredictions scored)
    {
        if (scored.Reported is not { } part) return Html.Empty;
        Html[] charts = [.. new PredictionCharts(scored).ToSvg()];
        var explanation = scored.IsTwoClass
            ? "The dashed diagonals are chance in the ROC curve and perfect calibration. A dot's area is the number of images in its bin; "
                + "a bar's length is the square root of its number of images."
            : $"One class against the rest, {part.Images}. The dashed diagonals are chance in the ROC curve and perfect "
                + "calibration. A dot's area is the number of images in its bin.";
        var curves = charts.Length == 0 ? Html.Empty
            : $"""<p class="small">{explanation}</p><div class="charts">{Html.Concat(charts)}</div>""";
        var atHalf = Matrix(part.Scores.Confusion, scored.Classes, scored.IsTwoClass ? $"At threshold ½, {part.Images}" : part.Images);
        var atOwn = scored.Threshold is { } own && part.Predictions is { IsTwoClass: true } predicted
            ? Matrix(ScoreBlock.Count(predicted.Is(1), predicted.ProbabilityOf(1), own), scored.Classes,
                $"At threshold {own:F3}, {part.Images}") : Html.Empty;
        return Section("Predictions", $"""{curves}<div class="matrices">{atHalf}{atOwn}</div>""");
    }

    /// <summary>The most confident wrong predictions, with maps of where they came from.</summary>
    public static Html Wrong(ScoredPredictions scored)
    {
        if (scored.Wrong.Count == 0) return Html.Empty;
        var mapped = scored.Wrong.Any(wrong => wrong.Map?.Png is not null);
        var explanation = !mapped ? Html.Empty
            : $"""<p class="small">Beside each image, a map of where the wrong prediction came from: brighter means more.</p>""";
        return Section("Most confident wrong predictions", $"""{explanation}<div class="errors">{Html.Each(scored.Wrong, Pair)}</div>""");

        Html Pair(WrongPrediction wrong)
        {
            var image = Image(PngWriter.Encode(wrong.Image, wrong.Pixels, wrong.Pixels, wrong.Channels), wrong.Name);
            var map = wrong.Map?.Png is { } png ? Image(png, $"{wrong.Name}: {wrong.Map.Caption}") : Html.Empty;
            var caption = wrong.Map is null ? Html.Empty : $"<br>{wrong.Map.Caption}";
            return $"""<figure><div class="pair{(mapped ? "" : " single")}">{image}{map}</div>"""
                + $"<figcaption>{wrong.Prediction.ToString()}, actual <strong>{wrong.Actual}</strong><br>"
                + $"<small>{wrong.Name}{caption}</small></figcaption></figure>";
        }
    }

    private static Html OperatingPoints(ScoredPredictions scored) =>
        ScoreTable("at one threshold", [.. scored.Parts.SelectMany(OperatingPoint.Of)], point => $"{point.Part.Name}<br>at {point.Name}",
        [
            ("Accuracy", point => WithInterval(Percent(point.Scores.Accuracy), point.Scores.Accuracy95, Percent)),
            ("Sensitivity", point => WithInterval(Percent(point.Scores.Sensitivity), point.Scores.Sensitivity95, Percent)),
            ("Specificity", point => WithInterval(Percent(point.Scores.Specificity), point.Scores.Specificity95, Percent)),
            ("Precision", point => $"{Percent(point.Precision)}"),
            ("F1", point => $"{Figure(point.F1)}"),
        ]);

    // A column for each part or operating point, a row for each figure.
    private static Html ScoreTable<T>(
        string corner, IReadOnlyList<T> columns, Func<T, Html> head, IReadOnlyList<(string Name, Func<T, Html> Figure)> rows)
    {
        var heads = Html.Each(columns, column => $"<th>{head(column)}</th>");
        Html Row((string Name, Func<T, Html> Figure) row) =>
            $"<tr><th>{row.Name}</th>{Html.Each(columns, column => $"<td>{row.Figure(column)}</td>")}</tr>";
        return $"""<div class="wide"><table class="scores"><thead><tr><th>{corner}</th>{heads}</tr></thead>"""
            + $"<tbody>{Html.Each(rows, Row)}</tbody></table></div>";
    }

    private static Html Matrix(Confusion confusion, IReadOnlyList<string> classes, string caption)
    {
        var indices = Enumerable.Range(0, confusion.Classes);
        Html Cell(int actual, int predicted) =>
            $"""<td class="{(actual == predicted ? "right" : "wrong")}">{confusion[actual, predicted]}</td>""";
        Html Row(int actual) => $"<tr><th>{classes[actual]}</th>{Html.Each(indices, predicted => Cell(actual, predicted))}</tr>";
        return $"""<div class="wide"><table class="confusion"><caption>{caption}</caption><thead><tr><th>actual ↓ predicted →</th>"""
            + $"{Html.Each(classes, name => $"<th>{name}</th>")}</tr></thead><tbody>{Html.Each(indices, Row)}</tbody></table></div>";
    }

    private static Html WithInterval(string value, double[]? interval, Func<double, string> figure)
    {
        var range = interval is [var low, var high] ? $" <small>[{figure(low)}, {figure(high)}]</small>" : Html.Empty;
        return $"{value}{range}";
    }
}
