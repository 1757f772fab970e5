using Convolve.Engine.Tracing;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Predict;

/// <summary>Settings of <c>predict</c>.</summary>
public sealed record PredictSettings : ICheckedSettings
{
    /// <summary>Images and folders of images, at least one.</summary>
    [Arguments("IMAGE|FOLDER", "images, or folders of images", "no images; name images or folders of images")]
    public IReadOnlyList<string> Paths { get; init; } = [];

    [Group("answers")]
    public ModelSource Model { get; init; } = new();

    /// <summary>The positive one of two classes; null for the model's own.</summary>
    [Positive]
    public string? Positive { get; init; }

    /// <summary>File to write the predictions to, or null.</summary>
    [Text("FILE", "also write the answers to a CSV file", "a file")]
    public string? Csv { get; init; }

    /// <summary>Copies of each image to predict: see <see cref="Models.TestTimeAugmentation"/>.</summary>
    [Copies]
    public int TestTimeAugmentation { get; init; } = 1;

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    /// <summary>Seed of the changes.</summary>
    [Seed]
    public int Seed { get; init; } = 1;

    /// <summary>File for a trace of the execution; null for none.</summary>
    [Trace]
    public string? Trace { get; init; }

    [Json]
    public bool Json { get; init; }

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command) => NamedImages.RequireThere(Paths);
}

/// <summary>The prediction for one image, as in <c>predict --json</c>.</summary>
/// <param name="Path">The image as it was named.</param>
/// <param name="Class">The most probable class.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="Probabilities">All classes' probabilities, in the order of <paramref name="Classes"/>.</param>
/// <param name="AboveThreshold">Whether the positive class reaches the network's own threshold; null without one.</param>
/// <param name="Classes">Names of the classes, in ordinal order.</param>
/// <param name="Positive">The positive one of two classes; null with more.</param>
/// <param name="PositiveProbability">Its probability; null with more than two classes.</param>
/// <param name="Threshold">The network's own threshold; null without one.</param>
/// <param name="Verdict">The class at the threshold, or at ½ without one; with three or more classes, the most probable one.</param>
/// <param name="Network">The network.</param>
public sealed record PredictedImage(
    string Path, string Class, double Probability, IReadOnlyList<double> Probabilities, bool? AboveThreshold,
    IReadOnlyList<string> Classes, string? Positive, double? PositiveProbability, double? Threshold, string Verdict, string Network);

/// <summary>An image without a prediction.</summary>
/// <param name="Path">The image as it was named.</param>
/// <param name="Error">Why it cannot be read.</param>
public sealed record UnpredictedImage(string Path, string Error);

/// <summary>Predicts the classes of single images.</summary>
public static class Prediction
{
    private const int BatchSize = 50;

    /// <returns>0, or 2 if an image could not be read; the others are still predicted.</returns>
    public static Task<int> RunAsync(PredictSettings settings, Terminal terminal, CancellationToken cancellation) =>
        TraceFile.RecordAsync(settings.Trace, "predict", terminal, trace => RunAsync(settings, terminal, trace, cancellation));

    private static async Task<int> RunAsync(
        PredictSettings settings, Terminal terminal, ExecutionTrace? trace, CancellationToken cancellation)
    {
        (var images, var notes) = NamedImages.Expand(settings.Paths);
        var metrics = settings.Model.Metrics();
        using var opened = OpenDevice.For(settings.Device, trace: trace);
        using var loaded = settings.Model.Load(metrics, opened.Device, terminal);
        var model = loaded.WithPositive(settings.Positive);
        var store = await NamedImages.LoadAsync(images, model.Classes, model.Input, cancellation, trace);
        // If no image can be read, only the errors are printed.
        if (Enumerable.Range(0, store.Count).Any(store.IsUsable))
            terminal.Notes([opened.Announcement, .. notes, .. store.Remarks, .. model.Remarks, settings.Model.Describe(model)]);
        var predictions = TestTimeAugmentation.Run(
            model, store, settings.TestTimeAugmentation, BatchSize, settings.Seed, terminal, cancellation);
        var found = model.ByImage(predictions);
        PredictedFile[] rows = [.. images.Select((path, i) => new PredictedFile(path, found.GetValueOrDefault(i), store.ReasonOf(i)))];
        if (settings.Csv is not null) PredictionsFile.Write(settings.Csv, rows, [.. model.Classes.Order(StringComparer.Ordinal)]);
        if (settings.Json) terminal.WriteJson(rows.Select(row => ForJson(row, settings.Model.Name)));
        foreach (var row in rows)
        {
            if (row.Error is not null) terminal.Error($"{row.File}: {row.Error}");
            else if (!settings.Json) terminal.Results.WriteLine($"{Terminal.OneLine(row.File)}: {row.Prediction}");
        }
        if (!settings.Json && found.Count > 0) terminal.Results.WriteLine(Terminal.NotForClinicalUse);
        return found.Count == rows.Length ? ExitCode.Done : ExitCode.BadUsage;
    }

    private static object ForJson(PredictedFile row, string network) => row.Prediction is not { } found
        ? new UnpredictedImage(row.File, row.Error!)
        : new PredictedImage(row.File, found.Class, found.Probability, found.Probabilities, found.AboveThreshold,
            found.Classes, found.Positive, found.PositiveProbability, found.Threshold, found.Verdict, network);
}
