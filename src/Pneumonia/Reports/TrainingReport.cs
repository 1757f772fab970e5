using System.Net;
using System.Text;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// <c>report.html</c> of a run folder: one file that needs nothing else, light or dark as the reader's system is, on a telephone or on paper.
/// </summary>
public static class TrainingReport
{
    public const string FileName = "report.html";
    public const string NotForClinicalUse = "Not for clinical use.";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string runFolder, RunSummary run) => OutputFile.WriteText(Path.Combine(runFolder, FileName), ToHtml(run));

    public static string ToHtml(RunSummary run)
    {
        Metrics metrics = run.Metrics;
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
        html.Append($"<title>{Text(metrics.Model)} – Convolve</title><style>{ReportStyle.Css}</style></head><body><main>\n");
        AppendHeadline(html, run);
        AppendData(html, run);
        AppendScores(html, run);
        AppendCurves(html, metrics);
        AppendAnswers(html, run);
        AppendWrongAnswers(html, run);
        AppendLimits(html, run);
        AppendAugmentation(html, run);
        AppendLayers(html, run);
        AppendSettings(html, run);
        html.Append($"<footer><strong>{NotForClinicalUse}</strong> A model of a teaching and research project; its answers are no diagnosis.</footer>\n");
        return html.Append("</main></body></html>\n").ToString();
    }

    private static void AppendHeadline(StringBuilder html, RunSummary run)
    {
        Metrics metrics = run.Metrics;
        ScoreBlock? scores = metrics.Test ?? metrics.Val;
        string part = metrics.Test is not null ? "test" : "validation";
        string kind = metrics.Synthetic ? "synthetic " : "";
        html.Append($"<header><p class=\"eyebrow\">Convolve · {Text(metrics.Model)} · seed {metrics.Seed}</p>");
        if (scores is null)
        {
            html.Append("<h1>No scores yet</h1>");
        }
        else
        {
            string figure = scores.Auc is { } auc ? $"AUC {auc:F3}" : $"Accuracy {Percent(scores.Accuracy)}";
            html.Append($"<h1>{figure} on {scores.N:N0} {kind}{part} images</h1>");
            html.Append("<div class=\"cards\">");
            Card(Percent(scores.Accuracy), "accuracy" + (scores.AtThreshold is null ? "" : " at threshold ½"), scores.Accuracy95, Percent);
            if (scores.Auc is not null) Card(Figure(scores.Auc), "AUC", scores.Auc95, value => Figure(value));
            if (scores.AtThreshold is { } chosen)
            {
                Card(Percent(chosen.Sensitivity), $"sensitivity at threshold {chosen.Threshold:F2}");
                Card(Percent(chosen.Specificity), $"specificity at threshold {chosen.Threshold:F2}");
            }
            html.Append("</div>");
        }
        if (metrics.Synthetic)
            html.Append("<p class=\"banner\"><strong>Synthetic images.</strong> The chest X-rays of this run were generated; its figures say nothing about patients.</p>");
        html.Append("</header>\n");

        void Card(string value, string name, double[]? interval = null, Func<double, string>? figure = null) =>
            html.Append($"<div class=\"card\"><b>{value}</b><span>{Text(name)}</span>{(interval is [var low, var high] ? $"<span>{figure!(low)} – {figure(high)}</span>" : "")}</div>");
    }

    private static void AppendData(StringBuilder html, RunSummary run)
    {
        Metrics metrics = run.Metrics;
        SplitCounts split = metrics.Split;
        string data = metrics.Synthetic ? "generated chest phantoms (synthetic)" : run.Data;
        html.Append("<section><h2>What was trained</h2><dl>");
        Row("Model", $"{metrics.Model}, {metrics.Parameters:N0} parameters, {metrics.Trainable:N0} trained");
        Row("Images", $"{data}; classes {string.Join(", ", run.Classes)}");
        Row("Parts", $"{split.Train:N0} train, {split.Val:N0} validation, {split.Test:N0} test (split: {split.Kind})");
        Row("Device", metrics.Device);
        Row("Time", $"{Duration(run.Duration)}, {metrics.Epochs.Count} epochs, {metrics.ImagesPerSecond:F0} images/s; best epoch {metrics.BestEpoch}");
        html.Append("</dl>");
        AppendList(html, "notes", run.Notes);
        AppendList(html, "warnings", run.Warnings);
        html.Append("</section>\n");

        void Row(string name, string value) => html.Append($"<dt>{name}</dt><dd>{Text(value)}</dd>");
    }

    private static void AppendScores(StringBuilder html, RunSummary run)
    {
        (string Name, ScoreBlock? Block)[] parts = [("Validation", run.Metrics.Val), ("Test", run.Metrics.Test)];
        ScoreBlock[] blocks = [.. parts.Select(part => part.Block).OfType<ScoreBlock>()];
        if (blocks.Length == 0) return;
        html.Append("<section><h2>Scores of the best epoch</h2><div class=\"wide\"><table><thead><tr><th></th>");
        foreach ((string name, ScoreBlock? block) in parts)
            if (block is not null) html.Append($"<th>{name}<br><small>{block.N} images</small></th>");
        html.Append("</tr></thead><tbody>");
        Row("AUC", block => Figure(block.Auc) + Interval(block.Auc95, value => $"{value:F3}"));
        Row("Accuracy", block => Percent(block.Accuracy) + Interval(block.Accuracy95, Percent));
        Row("Sensitivity", block => Percent(block.Sensitivity));
        Row("Specificity", block => Percent(block.Specificity));
        if (blocks.All(block => block.AveragePrecision is not null)) Row("Average precision", block => Figure(block.AveragePrecision));
        Row("Precision", block => Percent(block.Precision));
        Row("F1", block => Figure(block.F1));
        Row("Loss", block => $"{block.Loss:F4}");
        Row("Calibration error", block => Figure(block.Ece));
        if (blocks.Any(block => block.AtThreshold is not null))
        {
            html.Append($"<tr class=\"divider\"><th colspan=\"{1 + blocks.Length}\">At threshold {run.Metrics.Threshold:F3}, chosen on validation images (largest Youden index)</th></tr>");
            Row("Accuracy", block => Percent(block.AtThreshold?.Accuracy));
            Row("Sensitivity", block => Percent(block.AtThreshold?.Sensitivity));
            Row("Specificity", block => Percent(block.AtThreshold?.Specificity));
        }
        html.Append("</tbody></table></div><p class=\"small\">");
        html.Append(run.Classes.Count == 2
            ? $"Positive: {Text(run.Classes[1])}. Figures above the line at threshold 0.5. "
            : "AUC: mean of one class against the rest; sensitivity, specificity, precision and F1: means over classes. ");
        html.Append("In brackets 95 % bootstrap intervals. Loss in nats; calibration error in ten bins.</p></section>\n");

        void Row(string name, Func<ScoreBlock, string> value)
        {
            html.Append($"<tr><th>{name}</th>");
            foreach (ScoreBlock block in blocks) html.Append($"<td>{value(block)}</td>");
            html.Append("</tr>");
        }
    }

    private static void AppendCurves(StringBuilder html, Metrics metrics)
    {
        if (metrics.Epochs.Count == 0) return;
        ChartLine Line(string name, Func<EpochMetrics, double> of) => new(name, [.. metrics.Epochs.Select(epoch => ((double)epoch.Epoch, of(epoch)))]);
        (double, string)? best = metrics.BestEpoch > 0 ? (metrics.BestEpoch, $"best: {metrics.BestEpoch}") : null;
        html.Append("<section><h2>Training</h2><div class=\"charts\">");
        html.Append(new LineChart("Loss", "epoch", "nats",
            [Line("train", epoch => epoch.TrainLoss), Line("validation", epoch => epoch.ValLoss)])
        { Mark = best, XIsWhole = true }.ToSvg());
        html.Append(new LineChart("Accuracy", "epoch", "share",
            [Line("train", epoch => epoch.TrainAccuracy), Line("validation", epoch => epoch.ValAccuracy)])
        { Mark = best, XIsWhole = true }.ToSvg());
        html.Append("</div></section>\n");
    }

    private static void AppendAnswers(StringBuilder html, RunSummary run)
    {
        var charts = new AnswerCharts(run);
        string[] drawn = [.. charts.ToSvg()];
        ScoreBlock? scores = run.Metrics.Test ?? run.Metrics.Val;
        if (drawn.Length == 0 && scores is null) return;
        html.Append("<section><h2>Answers</h2>");
        if (drawn.Length > 0)
        {
            html.Append("<p class=\"small\">");
            html.Append(run.Classes.Count == 2
                ? "The dashed diagonals are chance, and perfect calibration. A dot's area is the number of images with about that probability; bars grow with the square root of theirs."
                : $"One class against the rest, {charts.Part} images. The dashed diagonals are chance, and perfect calibration; a dot's area is the number of images.");
            html.Append("</p><div class=\"charts\">").AppendJoin("", drawn).Append("</div>");
        }
        if (scores is not null)
        {
            html.Append("<div class=\"matrices\">");
            AppendConfusion(html, scores.Confusion, run.Classes, run.Classes.Count == 2 ? $"At threshold ½, {charts.Part} images" : $"{charts.Part} images");
            PartAnswers? answers = run.Test is { Count: > 0 } ? run.Test : run.Val;
            if (run.Metrics.Threshold is { } threshold && answers is { IsTwoClass: true })
                AppendConfusion(html, ScoreBlock.Count(answers.Is(1), answers.ProbabilityOf(1), threshold), run.Classes, $"At threshold {threshold:F2}");
            html.Append("</div>");
        }
        html.Append("</section>\n");
    }

    private static void AppendConfusion(StringBuilder html, Confusion confusion, IReadOnlyList<string> classes, string caption)
    {
        html.Append($"<div class=\"wide\"><table class=\"confusion\"><caption>{Text(caption)}</caption><thead><tr><th>is ↓ answered →</th>");
        foreach (string name in classes) html.Append($"<th>{Text(name)}</th>");
        html.Append("</tr></thead><tbody>");
        for (int actual = 0; actual < confusion.Classes; actual++)
        {
            html.Append($"<tr><th>{Text(classes[actual])}</th>");
            for (int answered = 0; answered < confusion.Classes; answered++)
                html.Append($"<td class=\"{(actual == answered ? "right" : "wrong")}\">{confusion[actual, answered]}</td>");
            html.Append("</tr>");
        }
        html.Append("</tbody></table></div>");
    }

    private static void AppendWrongAnswers(StringBuilder html, RunSummary run)
    {
        if (run.WrongAnswers.Count == 0) return;
        bool explained = run.WrongAnswers.Any(wrong => wrong.Explanation is not null);
        html.Append("<section><h2>Most confident wrong answers</h2>");
        if (explained)
            html.Append("<p class=\"small\">Beside each image where its wrong answer came from (Grad-CAM): the brighter, the more.</p>");
        html.Append("<div class=\"errors\">");
        foreach (WrongAnswer wrong in run.WrongAnswers)
        {
            html.Append($"<figure><div class=\"pair{(explained ? "" : " single")}\">");
            Picture(PngWriter.Encode(wrong.Image, wrong.Pixels, wrong.Pixels, wrong.Channels), wrong.Name);
            if (wrong.Explanation is not null) Picture(wrong.Explanation, $"{wrong.Name}, Grad-CAM of {wrong.Answered}");
            html.Append($"</div><figcaption>answered <strong>{Text(wrong.Answered)}</strong> {Percent(wrong.Probability)}, is <strong>{Text(wrong.Actual)}</strong><br><small>{Text(wrong.Name)}</small></figcaption></figure>");
        }
        html.Append("</div></section>\n");

        void Picture(byte[] png, string name) =>
            html.Append($"<img alt=\"{Text(name)}\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">");
    }

    private static void AppendLimits(StringBuilder html, RunSummary run)
    {
        html.Append("<section><h2>What the figures do not say</h2><div class=\"limits\">");
        foreach ((string heading, string text) in ReportLimits.Of(run)) html.Append($"<div><h3>{Text(heading)}</h3><p>{Text(text)}</p></div>");
        html.Append("</div></section>\n");
    }

    private static void AppendAugmentation(StringBuilder html, RunSummary run)
    {
        if (run.Augmentation is not { } augmentation) return;
        html.Append($"<section><h2>Augmentation</h2><p class=\"small\">Training images, each followed by what training made of it: {Text(augmentation.Words)}.</p>");
        html.Append($"<div class=\"wide\"><img class=\"sheet\" alt=\"Training images and their augmented copies\" src=\"data:image/png;base64,{Convert.ToBase64String(augmentation.Sheet)}\"></div></section>\n");
    }

    private static void AppendLayers(StringBuilder html, RunSummary run)
    {
        if (run.Layers.Count == 0) return;
        bool timed = run.Layers.All(layer => layer.Timing is not null);
        double longest = run.Layers.Max(layer => Math.Max(layer.Timing?.ForwardMilliseconds ?? 0, layer.Timing?.BackwardMilliseconds ?? 0));
        html.Append("<section><h2>Layers</h2><div class=\"wide\"><table class=\"layers\"><thead><tr><th>layer</th><th>kind</th><th>output</th>");
        Head("parameters", "trained", "MFLOP");
        if (timed) Head("ms", "of peak", "ms back", "of peak");
        html.Append("</tr></thead><tbody>");
        foreach (ReportedLayer layer in run.Layers)
        {
            Row(layer.Name, layer.Kind, layer.Output, layer.Parameters, layer.Trainable, layer.Flops);
            if (layer.Timing is { } timing && timed)
            {
                Time(timing.ForwardMilliseconds, timing.ForwardShare);
                Time(timing.BackwardMilliseconds, timing.BackwardShare);
            }
            html.Append("</tr>");
        }
        Row("all", "", "", run.Layers.Sum(layer => layer.Parameters), run.Layers.Sum(layer => layer.Trainable), run.Layers.Sum(layer => layer.Flops));
        if (timed)
            html.Append($"<td class=\"number\">{run.Layers.Sum(layer => layer.Timing!.Value.ForwardMilliseconds):N2}</td><td></td><td class=\"number\">{run.Layers.Sum(layer => layer.Timing!.Value.BackwardMilliseconds):N2}</td><td></td>");
        html.Append("</tr></tbody></table></div><p class=\"small\">Output and millions of multiplications and additions are those of one image, forward. ");
        html.Append(run.Measure is { } measure && timed
            ? $"Times are of {measure.Batch} images, each layer alone after the training; peak is what the device can do with its operations and bytes, {measure.Gigaflops:N0} GFLOP/s or "
                + $"{measure.GigabytesPerSecond:N1} GB/s as measured. Winograd multiplies less than the formula, and a cache is faster than memory, so that a share can pass 100 %; other programs that ran meanwhile slow it down."
            : "Times were not measured: summary --measure does.");
        html.Append("</p></section>\n");

        void Head(params string[] names)
        {
            foreach (string name in names) html.Append($"<th class=\"number\">{name}</th>");
        }

        void Row(string name, string kind, string output, long parameters, long trainable, double flops) =>
            html.Append($"<tr><th>{Text(name)}</th><td>{Text(kind)}</td><td>{Text(output)}</td><td class=\"number\">{parameters:N0}</td>"
                + $"<td class=\"number\">{trainable:N0}</td><td class=\"number\">{flops / 1e6:N1}</td>");

        void Time(double milliseconds, double share) => html.Append(milliseconds == 0
            ? "<td></td><td></td>"
            : $"<td class=\"number time\" style=\"--share:{100 * milliseconds / longest:F0}%\">{milliseconds:N2}</td><td class=\"number\">{(share > 0 ? $"{100 * share:F0}\u00A0%" : "")}</td>");
    }

    private static void AppendSettings(StringBuilder html, RunSummary run)
    {
        if (run.Settings.Count == 0 && run.CommandLine is null) return;
        html.Append("<section><h2>To repeat it</h2>");
        if (run.CommandLine is { } command)
            html.Append($"<p>On the same device the same command gives the same weights, bit for bit.</p><pre>dotnet run -c Release --project src/Pneumonia -- {Text(command)}</pre>");
        html.Append("<dl class=\"settings\">");
        foreach ((string name, string value) in run.Settings) html.Append($"<div><dt>{Text(name)}</dt><dd>{Text(value)}</dd></div>");
        html.Append("</dl></section>\n");
    }

    private static void AppendList(StringBuilder html, string kind, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        html.Append($"<ul class=\"{kind}\">");
        foreach (string line in lines) html.Append($"<li>{Text(line)}</li>");
        html.Append("</ul>");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Percent(double value) => $"{100 * value:F1}\u00A0%";

    private static string Percent(double? value) => value is { } known ? Percent(known) : "–";

    private static string Figure(double? value) => value is { } known ? $"{known:F3}" : "–";

    private static string Interval(double[]? interval, Func<double, string> figure) =>
        interval is [var low, var high] ? $" <small>[{figure(low)}, {figure(high)}]</small>" : "";

    private static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min" : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s" : $"{time.TotalSeconds:F1} s";
}
