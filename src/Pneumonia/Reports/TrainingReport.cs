using System.Net;
using System.Text;
using Convolve.Pneumonia.Images;
using static Convolve.Pneumonia.Reports.ReportPage;

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
        ScoredPredictions scored = run.Scored;
        var html = new StringBuilder();
        PredictionSections.AppendHeadline(html, scored, $"Convolve · {metrics.Model} · seed {metrics.Seed}", !metrics.Synthetic ? null
            : "<strong>Synthetic images.</strong> The chest X-rays of this run were generated; its figures say nothing about patients.", metrics.Synthetic ? "synthetic " : "");
        AppendData(html, run);
        PredictionSections.AppendScores(html, scored, "Scores of the best epoch");
        AppendCurves(html, metrics);
        PredictionSections.AppendPredictions(html, scored);
        PredictionSections.AppendWrong(html, scored);
        AppendLimits(html, ReportLimits.Of(run));
        AppendAugmentation(html, run);
        AppendLayers(html, run);
        AppendSettings(html, run);
        return ReportPage.Of(metrics.Model, html);
    }

    private static void AppendData(StringBuilder html, RunSummary run)
    {
        Metrics metrics = run.Metrics;
        SplitCounts split = metrics.Split;
        string data = metrics.Synthetic ? "generated chest phantoms (synthetic)" : run.Data;
        html.Append("<section><h2>What was trained</h2>");
        AppendRows(html,
        [
            ("Model", $"{metrics.Model}, {metrics.Parameters:N0} parameters, {metrics.Trainable:N0} trained"),
            ("Images", $"{data}; classes {string.Join(", ", run.Classes)}"),
            .. run.Positive is { } positive ? [("Positive class", $"{positive.Name}, {positive.Reason}")] : Array.Empty<(string, string)>(),
            ("Parts", $"{split.Train:N0} train, {split.Val:N0} validation, {split.Test:N0} test (split: {split.Kind})"),
            ("Device", metrics.Device),
            ("Time", $"{Duration(run.Duration)}, {metrics.Epochs.Count} epochs, {metrics.ImagesPerSecond:F0} images/s; best epoch {metrics.BestEpoch}"),
        ]);
        AppendList(html, "notes", run.Notes);
        AppendList(html, "warnings", run.Warnings);
        html.Append("</section>\n");
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

    private static void AppendAugmentation(StringBuilder html, RunSummary run)
    {
        if (run.Augmentation is not { } augmentation) return;
        html.Append($"<section><h2>Augmentation</h2><p class=\"small\">Training images, each followed by what training made of it: {Text(augmentation.Words)}.</p>");
        html.Append($"<div class=\"wide\">{Image(augmentation.Sheet, "Training images and their augmented copies", "sheet")}</div></section>\n");
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

    private static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min" : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s" : $"{time.TotalSeconds:F1} s";
}
