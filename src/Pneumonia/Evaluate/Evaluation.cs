using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Engine.Tracing;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Evaluate;

/// <summary>Settings of <c>evaluate</c>.</summary>
public sealed record EvaluateSettings
{
    [Group("is scored")]
    public ModelSource Model { get; init; } = new();

    /// <summary>Data folder.</summary>
    [Data("images to score, {train,val,test}/CLASS/* or CLASS/*", Missing = "which images? give their folder with --data DIR")]
    public string Data { get; init; } = "";

    /// <summary>The positive one of two classes; null for the model's own.</summary>
    [Positive]
    public string? Positive { get; init; }

    /// <summary>Part of a tree to evaluate; a flat folder is evaluated as a whole.</summary>
    [Choice<ImagePart>("part of a tree to score (test)")]
    public ImagePart Part { get; init; } = ImagePart.Test;

    /// <summary>Images to keep, the classes in their proportions; null keeps all.</summary>
    [Limit("score N of the images, the classes in their proportions (all)")]
    public int? Limit { get; init; }

    /// <summary>Copies of each image to predict: see <see cref="Models.TestTimeAugmentation"/>.</summary>
    [Copies]
    public int TestTimeAugmentation { get; init; } = 1;

    /// <summary>Whether to evaluate changed images as well: see <see cref="StressTest"/>.</summary>
    [Flag("also score the images blurred, sharpened, noisy, lighter, darker and cut: does the network know the illness or the machine?")]
    public bool Stress { get; init; }

    /// <summary>Folder for report, scores and predictions; null for none.</summary>
    [Text("DIR", "folder to write: report.html, scores.json, predictions.csv", "a folder")]
    public string? Out { get; init; }

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Seed]
    public int Seed { get; init; } = 1;

    /// <summary>File for a trace of the execution; null for none.</summary>
    [Trace]
    public string? Trace { get; init; }

    [Json]
    public bool Json { get; init; }
}

/// <summary>Evaluates a trained network on a folder.</summary>
public static class Evaluation
{
    private const int BatchSize = 50;

    public static Task<int> RunAsync(EvaluateSettings settings, Terminal terminal, CancellationToken cancellation) =>
        TraceFile.RecordAsync(settings.Trace, "evaluate", terminal, trace => RunAsync(settings, terminal, trace, cancellation));

    private static async Task<int> RunAsync(
        EvaluateSettings settings, Terminal terminal, ExecutionTrace? trace, CancellationToken cancellation)
    {
        var metrics = settings.Model.Metrics();
        using var claim = settings.Out is null ? null : FolderClaim.OfEmpty(settings.Out, "choose another folder");
        using var opened = OpenDevice.For(settings.Device, trace: trace);
        using var loaded = settings.Model.Load(metrics, opened.Device, terminal);
        var found = ImageFolder.Find(settings.Data, loaded.Labels);
        var namedByFolders = !loaded.NamesClasses && settings.Model.Classes is null;
        var model = (namedByFolders ? WithClassesOf(found, loaded) : loaded).WithPositive(settings.Positive);
        var folder = found.For(model.Classes);
        ImageFile[] all = [.. folder.Files.Where(file => !folder.HasParts || file.Part == settings.Part)];
        if (all.Length == 0)
            throw new UserError($"{settings.Data}: has no part {settings.Part.ToString().ToLowerInvariant()}; choose another with --part");
        var files = settings.Limit is { } limit ? ImageSplit.Limited(all, folder.Classes, limit, settings.Seed) : all;
        var store = ImageStore.Decode(files, model.Classes, model.Input, cancellation: cancellation, trace: trace);
        if (!Enumerable.Range(0, store.Count).Any(store.IsUsable))
            throw new UserError($"{settings.Data}: not one of the {files.Count} images can be read; the first: {store.Warnings[0]}");
        opened.Announce(terminal);
        var notes = new List<string>();
        if (namedByFolders)
            Note($"{settings.Model.Name} does not name its classes; taken in the order of the folders' names, as other tools number them: "
                + $"{string.Join(", ", model.Classes.Select((name, number) => $"{number} = {name}"))} (--classes A,B for another order)");
        if (files.Count < all.Length) Note($"limited to {files.Count} of {all.Length} images");
        foreach (var remark in model.Remarks) Note(remark);
        terminal.Note(settings.Model.Describe(model));
        var predictions = TestTimeAugmentation.Run(model, store, settings.TestTimeAugmentation, BatchSize, settings.Seed, terminal,
            cancellation);
        await store.Completed;
        foreach (var note in folder.Notes) Note(note);
        foreach (var remark in store.Remarks) Note(remark);
        var scores = Scoring.Score(predictions, model.Threshold, settings.Seed)!;
        var part = folder.HasParts ? settings.Part.ToString().ToLowerInvariant() : "all";
        var scored = new ScoredPredictions(model.ScoredClasses, model.Threshold,
            [new ScoredPart(part, scores, PartPredictions.Of(predictions))], []);
        string[] warnings =
        [
            .. store.Warnings,
            .. WarningsOfKnown(ImagesFile.CountKnown(settings.Model.ImagesFile, files), settings.Data, files.Count),
            .. Contradiction(scores, model, settings.Model.Name),
        ];
        foreach (var warning in warnings) terminal.Warn(warning);
        StressScore[] stress = settings.Stress ? [.. StressTest.Run(model, store, settings.Seed, cancellation)] : [];
        var document = Document(scores, model, stress, settings);
        if (claim is not null) Write(claim);
        if (settings.Json)
        {
            terminal.WriteJson(document);
            return 0;
        }
        ScoreTable.Write(terminal, scored);
        if (settings.Stress) StressTest.Write(terminal, scores, stress);
        if (settings.Out is not null) terminal.Results.WriteLine($"report: {Path.Combine(settings.Out, RunFolder.ReportName)}");
        return 0;

        void Note(string text)
        {
            notes.Add(text);
            terminal.Note(text);
        }

        // Published when complete.
        void Write(FolderClaim claim)
        {
            var folder = claim.Unfinished;
            OutputFile.WriteText(Path.Combine(folder, EvaluationReport.ScoresFileName), document.ToJsonString(JsonFormat.Indented) + "\n");
            PredictionsFile.Write(Path.Combine(folder, PredictionsFile.FileName), Rows(store, predictions, model),
                [.. model.Classes.Order(StringComparer.Ordinal)]);
            EvaluationReport.Write(folder, new EvaluationSummary(settings.Model.Name,
                Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.Data))),
                part, opened.Device.Description.ToString(), model.Positive, notes, warnings,
                scored with { Wrong = WrongPredictions.Of(model, store, predictions) }));
            claim.Publish(RunFolder.ReportName);
        }
    }

    // All images, including unreadable ones.
    private static PredictedFile[] Rows(ImageStore store, Predictions predictions, TrainedModel model)
    {
        var found = model.ByImage(predictions);
        return [.. store.Files
            .Select((file, i) => new PredictedFile(file.RelativePath, found.GetValueOrDefault(i), store.ReasonOf(i), file.Class))];
    }

    private static JsonNode Document(ScoreBlock scores, TrainedModel model, StressScore[] stress, EvaluateSettings settings)
    {
        var document = JsonSerializer.SerializeToNode(scores, JsonFormat.Options)!;
        document["positive"] = model.Positive?.Name;
        document["network"] = settings.Model.Name;
        if (settings.Stress) document["stress"] = JsonSerializer.SerializeToNode(stress, JsonFormat.Options);
        return document;
    }

    private static TrainedModel WithClassesOf(ImageSet data, TrainedModel model)
    {
        if (data.Classes.Count != model.Classes.Count)
            throw new UserError($"{data.Root}: has the classes {string.Join(", ", data.Classes)}, and the model has "
                + $"{model.Classes.Count}; give a folder with as many, or name its classes with --classes");
        return model with { Classes = [.. data.Classes.Order(StringComparer.Ordinal)] };
    }

    // An AUC far below ½ means a good network with swapped classes.
    private static IEnumerable<string> Contradiction(ScoreBlock scores, TrainedModel model, string name)
    {
        if (model.Classes.Count != 2 || scores.Auc is not { } auc || scores.Auc95 is not [_, < 0.5]) yield break;
        yield return $"AUC {auc:F3}: the predictions contradict the labels, so the classes are probably swapped: "
            + (model.NamesClasses ? $"do {string.Join(" and ", model.Classes)} mean the same in {name} as in the folders?"
                : $"try --classes {model.Classes[1]},{model.Classes[0]}");
    }

    private static IEnumerable<string> WarningsOfKnown(KnownImages known, string data, int images)
    {
        if (known.Train > 0)
            yield return $"{data}: the network was trained on {known.Train} of these {images} images: its figures here are too good; give "
                + "it images that it never saw";
        if (known.TrainByName > 0)
            yield return $"{data}: {known.TrainByName} of these {images} images bear names of images that the network was trained on; if "
                + "they are the same, in another size or format, its figures here are too good";
        if (known.Val > 0) yield return $"{data}: {known.Val} of these {images} images chose the network's epoch and threshold";
    }
}
