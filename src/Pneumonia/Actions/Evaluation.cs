using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>evaluate</c> was asked for.</summary>
/// <param name="Run">Run folder whose best checkpoint is scored.</param>
/// <param name="Data">Data folder.</param>
/// <param name="Part">Part of a tree to score; a flat folder is scored whole.</param>
/// <param name="Copies">How often each image is asked about: see <see cref="TestTimeAugmentation"/>.</param>
public sealed record EvaluateSettings(string Run, string Data, ImagePart Part, int Copies, string Device, int Seed, bool Json);

/// <summary>Scores a run's best checkpoint on a folder.</summary>
public static class Evaluation
{
    private const int BatchSize = 50;

    public static async Task<int> RunAsync(EvaluateSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        Metrics metrics = MetricsFile.Read(settings.Run);
        using OpenDevice opened = OpenDevice.For(settings.Device);
        using TrainedModel model = TrainedModel.LoadBest(settings.Run, metrics, opened.Device);
        ImageFolder folder = ImageFolder.OpenFor(settings.Data, model.Classes, model.Labels);
        ImageFile[] files = [.. folder.Files.Where(file => !folder.HasParts || file.Part == settings.Part)];
        if (files.Length == 0)
            throw new UserError($"{settings.Data}: has no part {settings.Part.ToString().ToLowerInvariant()}; choose another with --part");
        ImageStore store = ImageStore.Decode(files, model.Classes, model.Pixels, model.Resize, model.Channels, model.Preprocessing, cancellation: cancellation);
        if (!Enumerable.Range(0, store.Count).Any(store.IsUsable))
            throw new UserError($"{settings.Data}: not one of the {files.Length} images can be read; the first: {store.Warnings[0]}");
        opened.Announce(terminal);
        Predictions predictions = TestTimeAugmentation.Run(
            model, new ImageSamples(store, model.Classes), settings.Copies, BatchSize, settings.Seed, terminal, cancellation);
        await store.Completed;
        foreach (string warning in store.Warnings) terminal.Warn(warning);
        ScoreBlock scores = Scoring.Score(predictions, metrics.Threshold, settings.Seed)!;
        if (settings.Json) terminal.WriteJson(scores);
        else ScoreTable.Write(terminal, [(folder.HasParts ? settings.Part.ToString().ToLowerInvariant() : "all", scores)]);
        return 0;
    }
}
