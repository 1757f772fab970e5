using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using static Convolve.Pneumonia.Reports.ReportPage;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// <c>report.html</c> of a run folder: one file that needs nothing else, light or dark as the reader's system is, readable on a phone and
/// on paper.
/// </summary>
public static class TrainingReport
{

    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string runFolder, RunSummary run) =>
        OutputFile.WriteText(Path.Combine(runFolder, RunFolder.ReportName), ToHtml(run));

    public static string ToHtml(RunSummary run)
    {
        var metrics = run.Metrics;
        var scored = run.Scored;
        var synthetic = !metrics.Synthetic ? Html.Empty : $"""
            <p class="banner"><strong>Synthetic images.</strong>
            The chest X-rays of this run were generated; its figures say nothing about patients.</p>
            """;
        return ReportPage.Of(metrics.Model,
        [
            PredictionSections.Headline(scored, $"Convolve · {metrics.Model} · seed {metrics.Seed}", synthetic,
                kind: metrics.Synthetic ? "synthetic " : ""),
            Data(run),
            PredictionSections.Scores(scored, "Scores of the best epoch"),
            Curves(metrics),
            PredictionSections.Predictions(scored),
            PredictionSections.Wrong(scored),
            Limits(ReportLimits.Of(run)),
            Augmentation(run),
            Layers(run),
            Settings(run),
        ]);
    }

    private static Html Data(RunSummary run)
    {
        var metrics = run.Metrics;
        var split = metrics.Split;
        var data = metrics.Synthetic ? "generated chest phantoms (synthetic)" : run.Data;
        IEnumerable<(string, string)> rows =
        [
            ("Model", $"{metrics.Model}, {metrics.Parameters:N0} parameters, {metrics.Trainable:N0} trained"),
            ("Images", $"{data}; classes {string.Join(", ", run.Classes)}"),
            .. run.Positive is { } positive ? [("Positive class", $"{positive.Name}, {positive.Reason}")] : Array.Empty<(string, string)>(),
            ("Parts", $"{split.Train:N0} train, {split.Val:N0} validation, {split.Test:N0} test (split: {split.Kind})"),
            ("Device", metrics.Device),
            ("Time", $"{Duration(run.Duration)}, {metrics.Epochs.Count} epochs, {metrics.ImagesPerSecond:F0} images/s; best epoch "
                + $"{metrics.BestEpoch}"),
        ];
        return Section("Model and images", $"{Rows(rows)}{List("notes", run.Notes)}{List("warnings", run.Warnings)}");
    }

    private static Html Curves(Metrics metrics)
    {
        if (metrics.Epochs.Count == 0) return Html.Empty;
        (double, string)? best = metrics.BestEpoch > 0 ? (metrics.BestEpoch, $"best: {metrics.BestEpoch}") : null;
        ChartLine Line(string name, Func<EpochMetrics, double> of) =>
            new(name, [.. metrics.Epochs.Select(epoch => ((double)epoch.Epoch, of(epoch)))]);
        Html Chart(string title, string unit, Func<EpochMetrics, double> train, Func<EpochMetrics, double> validation) =>
            new LineChart(title, "epoch", unit, [Line("train", train), Line("validation", validation)])
            {
                Mark = best,
                XIsWhole = true
            }.ToSvg();
        var loss = Chart("Loss", "cross-entropy, nats", epoch => epoch.TrainLoss, epoch => epoch.ValLoss);
        var accuracy = Chart("Accuracy", "fraction correct", epoch => epoch.TrainAccuracy, epoch => epoch.ValAccuracy);
        return Section("Training", $"""<div class="charts">{loss}{accuracy}</div>""");
    }

    private static Html Augmentation(RunSummary run) => run.Augmentation is not { } augmentation ? Html.Empty : Section("Augmentation",
        $"""<p class="small">Training images, each followed by augmented copies: {augmentation.Words}.</p>"""
            + $"""<div class="wide sheet">{Image(augmentation.Sheet, "Training images and their augmented copies")}</div>""");

    private static Html Layers(RunSummary run)
    {
        var layers = run.Layers;
        if (layers.Count == 0) return Html.Empty;
        var timed = layers.All(layer => layer.Timing is not null);
        var longest = layers.Max(layer => Math.Max(layer.Timing?.ForwardMilliseconds ?? 0, layer.Timing?.BackwardMilliseconds ?? 0));
        string[] times = timed ? ["ms", "of peak", "ms backward", "of peak"] : [];
        string[] numbers = ["parameters", "trained", "MFLOP", .. times];
        var sums = !timed ? Html.Empty
            : $"{Milliseconds(timing => timing.ForwardMilliseconds)}{Milliseconds(timing => timing.BackwardMilliseconds)}";
        var all = Row("all", "", "", layers.Sum(layer => layer.Parameters), layers.Sum(layer => layer.Trainable),
            layers.Sum(layer => layer.Flops), sums);
        var explanation = run.Measure is { } measure && timed
            ? $"Times are for {measure.Batch} images, each layer measured alone after the training. The peak is the roofline of the "
                + $"device, {measure.Gigaflops:N0} GFLOP/s or {measure.GigabytesPerSecond:N1} GB/s as measured. A layer can exceed 100 %, "
                + "since Winograd needs fewer multiplications than counted and caches are faster than memory. Other programs running at "
                + "the time slow a layer down."
            : "Times were not measured: summary --measure does.";
        return Section("Layers", $"""
            <div class="wide"><table class="layers">
            <thead><tr><th>layer</th><th>kind</th><th>output</th>{Html.Each(numbers, Head)}</tr></thead>
            <tbody>{Html.Each(layers, RowOf)}{all}</tbody></table></div>
            <p class="small">Output shape and MFLOP (millions of multiplications and additions) are for one image,
            forward. {explanation}</p>
            """);

        static Html Head(string name) => $"""<th class="number">{name}</th>""";

        Html RowOf(ReportedLayer layer)
        {
            var timing = layer.Timing is not { } known || !timed ? Html.Empty
                : $"{Time(known.ForwardMilliseconds, known.ForwardShare)}{Time(known.BackwardMilliseconds, known.BackwardShare)}";
            return Row(layer.Name, layer.Kind, layer.Output, layer.Parameters, layer.Trainable, layer.Flops, timing);
        }

        Html Row(string name, string kind, string output, long parameters, long trainable, double flops, Html timing) =>
            $"<tr><th>{name}</th><td>{kind}</td><td>{output}</td>{Number($"{parameters:N0}")}{Number($"{trainable:N0}")}"
            + $"{Number($"{flops / 1e6:N1}")}{timing}</tr>";

        Html Time(double milliseconds, double share)
        {
            if (milliseconds == 0) return $"<td></td><td></td>";
            return $"""<td class="number time" style="--share:{100 * milliseconds / longest:F0}%">{milliseconds:N2}</td>"""
                + $"{Number(share > 0 ? $"{100 * share:F0}\u00A0%" : "")}";
        }

        Html Milliseconds(Func<LayerTiming, double> of) => $"{Number($"{layers.Sum(layer => of(layer.Timing!.Value)):N2}")}<td></td>";

        static Html Number(string value) => $"""<td class="number">{value}</td>""";
    }

    private static Html Settings(RunSummary run)
    {
        if (run.Settings.Count == 0 && run.CommandLine is null) return Html.Empty;
        var repeated = run.CommandLine is not { } command ? Html.Empty
            : $"<p>On the same device, this command gives the same weights bit for bit.</p>"
                + $"<pre>dotnet run -c Release --project src/Pneumonia -- {command}</pre>";
        var rows = Html.Each(run.Settings, row => $"<div><dt>{row.Name}</dt><dd>{row.Value}</dd></div>");
        return Section("Reproducing this run", $"""{repeated}<dl class="settings">{rows}</dl>""");
    }

    private static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s"
        : $"{time.TotalSeconds:F1} s";
}
