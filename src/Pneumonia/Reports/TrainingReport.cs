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
    public static void Write(string runFolder, RunSummary run) => WholeFile.WriteText(Path.Combine(runFolder, FileName), ToHtml(run));

    public static string ToHtml(RunSummary run)
    {
        Metrics metrics = run.Metrics;
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
        html.Append($"<title>{Text(metrics.Model)} – Convolve</title><style>{Style}</style></head><body><main>\n");
        AppendHeadline(html, run);
        AppendData(html, run);
        AppendScores(html, run);
        AppendCurves(html, metrics);
        AppendAnswers(html, run);
        AppendWrongAnswers(html, run);
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
            html.Append($"<h1>{figure} on {scores.N} {kind}{part} images</h1><p class=\"lead\">");
            html.Append($"Accuracy {Percent(scores.Accuracy)}{Interval(scores.Accuracy95, Percent)}");
            if (scores.AtThreshold is { } chosen)
            {
                html.Append($"; at the threshold {chosen.Threshold:F2} chosen on validation images {Percent(chosen.Accuracy)}, "
                    + $"sensitivity {Percent(chosen.Sensitivity)}, specificity {Percent(chosen.Specificity)}");
            }
            html.Append(".</p>");
        }
        if (metrics.Synthetic)
            html.Append("<p class=\"banner\"><strong>Synthetic images.</strong> The chest X-rays of this run were generated; its figures say nothing about patients.</p>");
        html.Append("</header>\n");
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
        html.Append("In brackets 95 % bootstrap intervals.</p></section>\n");

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
        ChartLine Line(string name, IReadOnlyList<RocPoint> points) =>
            new(name, [.. points.Select(point => (point.FalsePositiveRate, point.TruePositiveRate))]);
        ChartLine[] lines = [.. new[] { Line("validation", run.ValRoc), Line("test", run.TestRoc) }.Where(line => line.Points.Count > 0)];
        ScoreBlock? scores = run.Metrics.Test ?? run.Metrics.Val;
        if (lines.Length == 0 && scores is null) return;
        html.Append("<section><h2>Answers</h2><div class=\"charts\">");
        if (lines.Length > 0)
        {
            html.Append(new LineChart("ROC", "false positive rate", "true positive rate", lines)
            {
                XRange = (0, 1),
                YRange = (0, 1),
                Diagonal = true,
            }.ToSvg());
        }
        if (scores is not null) AppendConfusion(html, scores.Confusion, run.Classes, run.Metrics.Test is null ? "validation" : "test");
        html.Append("</div></section>\n");
    }

    private static void AppendConfusion(StringBuilder html, Confusion confusion, IReadOnlyList<string> classes, string part)
    {
        html.Append($"<div class=\"wide\"><table class=\"confusion\"><caption>Confusion, {part} images</caption><thead><tr><th>true ↓ answered →</th>");
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
        html.Append("<section><h2>Most confident wrong answers</h2><div class=\"strip\">");
        foreach (WrongAnswer wrong in run.WrongAnswers)
        {
            string image = Convert.ToBase64String(PngWriter.Encode(wrong.Image, wrong.Pixels, wrong.Pixels, wrong.Channels));
            html.Append($"<figure><img alt=\"{Text(wrong.Name)}\" src=\"data:image/png;base64,{image}\">");
            html.Append($"<figcaption>{Text(wrong.Answered)} {Percent(wrong.Probability)}<br>is {Text(wrong.Actual)}<br><small>{Text(wrong.Name)}</small></figcaption></figure>");
        }
        html.Append("</div></section>\n");
    }

    private static void AppendSettings(StringBuilder html, RunSummary run)
    {
        if (run.Settings.Count == 0) return;
        html.Append("<section><h2>Settings</h2><dl class=\"settings\">");
        foreach ((string name, string value) in run.Settings) html.Append($"<dt>{Text(name)}</dt><dd>{Text(value)}</dd>");
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

    internal const string Style = """
        :root{--paper:#fff;--ink:#1b1f24;--soft:#5b6470;--rule:#dde1e6;--one:#0b66c3;--two:#c2410c;--good:#e3f2e6;--bad:#fbe6e2;--note:#f1f4f8}
        @media (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e8eaed;--soft:#9aa4af;--rule:#2d333a;--one:#6cb2f7;--two:#ff9d66;--good:#16301d;--bad:#3b1d18;--note:#1e2329}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        main{max-width:940px;margin:0 auto;padding:24px 16px 48px}
        h1{font-size:clamp(1.5rem,5vw,2.2rem);line-height:1.2;margin:.1em 0 .3em}
        h2{font-size:1.15rem;margin:2.2em 0 .6em;padding-bottom:.25em;border-bottom:1px solid var(--rule)}
        .eyebrow{margin:0;color:var(--soft);font-size:.9rem}.lead{margin:0;font-size:1.05rem}
        .banner,.warnings{background:var(--bad);padding:.7em 1em;border-radius:6px}
        .notes{background:var(--note);padding:.7em 1em;border-radius:6px}
        ul.notes,ul.warnings{list-style:none;margin:.8em 0}
        dl{display:grid;grid-template-columns:minmax(6em,auto) 1fr;gap:.25em 1.2em;margin:0}
        dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:.35em .9em .35em 0;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}
        th{font-weight:500}thead th{color:var(--soft)}.divider th{color:var(--soft);padding-top:1.1em}
        small,.small{color:var(--soft);font-size:.85rem}td small{white-space:nowrap}
        .confusion td{text-align:right;padding:.6em .9em;font-size:1.1rem}.confusion caption{text-align:left;font-weight:600;font-size:.9rem;padding-bottom:.4em}
        .right{background:var(--good)}.wrong{background:var(--bad)}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,360px),1fr));gap:20px;align-items:start}
        .chart{width:100%;height:auto;font:13px system-ui,sans-serif}
        .chart text{fill:var(--soft)}.chart .title{fill:var(--ink);font-weight:600}
        .grid{stroke:var(--rule)}.mark{stroke:var(--soft);stroke-dasharray:4 4}
        .chart path{fill:none;stroke-width:2;stroke-linejoin:round}
        path.line0{stroke:var(--one)}path.line1{stroke:var(--two)}
        .chart text.line0,circle.line0{fill:var(--one)}.chart text.line1,circle.line1{fill:var(--two)}
        .strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:14px}
        figure{margin:0}figure img{width:100%;border-radius:4px;display:block}figcaption{font-size:.85rem;line-height:1.35;margin-top:.35em;overflow-wrap:anywhere}
        footer{margin-top:3em;padding-top:1em;border-top:1px solid var(--rule);color:var(--soft)}
        @media print{body{font-size:11pt}main{max-width:none;padding:0}section{break-inside:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
        """;
}
