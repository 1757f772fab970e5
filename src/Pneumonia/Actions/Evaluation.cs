using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>evaluate</c> was asked for.</summary>
/// <param name="Model">The model.</param>
/// <param name="Data">Data folder.</param>
/// <param name="Part">Part of a tree to score; a flat folder is scored whole.</param>
/// <param name="Copies">How often each image is asked about: see <see cref="TestTimeAugmentation"/>.</param>
/// <param name="Stress">Whether changed images are scored as well: see <see cref="StressTest"/>.</param>
public sealed record EvaluateSettings(ModelSource Model, string Data, ImagePart Part, int Copies, bool Stress, string Device, int Seed, bool Json);

/// <summary>Scores a trained network on a folder.</summary>
public static class Evaluation
{
    private const int BatchSize = 50;

    public static async Task<int> RunAsync(EvaluateSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        Metrics? metrics = settings.Model.Metrics();
        using OpenDevice opened = OpenDevice.For(settings.Device);
        using TrainedModel loaded = settings.Model.Load(metrics, opened.Device, terminal);
        ImageFolder found = ImageFolder.Find(settings.Data, loaded.Labels);
        TrainedModel model = loaded.NamesClasses ? loaded : WithClassesOf(found, loaded, terminal);
        ImageFolder folder = found.For(model.Classes);
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
        WarnOfKnown(ImagesFile.CountKnown(settings.Model.ImagesFile, files), settings.Data, files.Length, terminal);
        ScoreBlock scores = Scoring.Score(predictions, model.Threshold, settings.Seed)!;
        StressScore[] stress = settings.Stress ? [.. StressTest.Run(model, store, settings.Seed, cancellation)] : [];
        if (settings.Json)
        {
            JsonNode document = JsonSerializer.SerializeToNode(scores, ScoreJson.Options)!;
            if (settings.Stress) document["stress"] = JsonSerializer.SerializeToNode(stress, ScoreJson.Options);
            terminal.WriteJson(document);
            return 0;
        }
        ScoreTable.Write(terminal, [(folder.HasParts ? settings.Part.ToString().ToLowerInvariant() : "all", scores)]);
        if (settings.Stress) StressTest.Write(terminal, scores, stress);
        return 0;
    }

    // Other tools, too, order their outputs by the names of the folders.
    private static TrainedModel WithClassesOf(ImageFolder data, TrainedModel model, Terminal terminal)
    {
        IReadOnlyList<string> classes = TrainingImages.ModelOrder(data.Classes);
        if (classes.Count != model.Classes.Count)
            throw new UserError($"{data.Root}: has the classes {string.Join(", ", classes)}, and the model tells {model.Classes.Count} apart; give a folder of as many");
        terminal.Note($"{data.Root}: the model's classes have no names; taken for {string.Join(", ", classes.Select((name, number) => $"{number} = {name}"))}");
        return model with { Classes = classes, NamesClasses = true };
    }

    private static void WarnOfKnown(KnownImages known, string data, int images, Terminal terminal)
    {
        if (known.Train > 0)
            terminal.Warn($"{data}: the network was trained on {known.Train} of these {images} images: its figures here are too good; give it images that it never saw");
        if (known.TrainByName > 0)
            terminal.Warn($"{data}: {known.TrainByName} of these {images} images bear names of images that the network was trained on; if they are the same, in another size or format, its figures here are too good");
        if (known.Val > 0) terminal.Warn($"{data}: {known.Val} of these {images} images chose the network's epoch and threshold");
    }
}
