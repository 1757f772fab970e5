using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Evaluate;

/// <summary>Metrics on changed images.</summary>
/// <param name="Change">The change applied to every image; see <see cref="ImageChange"/>.</param>
/// <param name="Scores">The figures.</param>
public sealed record StressScore(string Change, ScoreBlock Scores);

/// <summary>Evaluates a model on images changed as another machine might: how far do the metrics fall?</summary>
public static class StressTest
{
    private const int BatchSize = 50;

    /// <summary>Evaluates every change at the model's own threshold.</summary>
    /// <param name="model">The model.</param>
    /// <param name="images">The unchanged images; unreadable ones are left out.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IEnumerable<StressScore> Run(TrainedModel model, ImageStore images, int seed, CancellationToken cancellation)
    {
        ImageFile[] files = [.. images.UsableIndices().Select(i => images.Files[i])];
        foreach (var change in ImageChange.All)
        {
            var store = new ImageStore(files, images.Classes, model.Input, Fill, cancellation: cancellation);
            var predictions = model.Scored(Predictor.Run(model.Network, store,
                new TrainingOptions { BatchSize = BatchSize, Scaling = model.Input.Scaling }, cancellation));
            yield return new StressScore(change.Name, Scoring.Score(predictions, model.Threshold, seed)!);

            void Fill(int index, Span<byte> target)
            {
                model.Input.Resize(ImageDecoder.Decode(files[index].Path), target);
                change.Apply(target, model.Input.Pixels, model.Input.Channels);
            }
        }
    }

    /// <summary>One row for each change, the unchanged images first.</summary>
    public static void Write(Terminal terminal, ScoreBlock unchanged, IReadOnlyList<StressScore> changed)
    {
        var hasThreshold = unchanged.AtThreshold is not null;
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("images").NoWrap());
        foreach (var name in new[] { "AUC", "accuracy", "sensitivity", "specificity" })
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        foreach ((var change, var scores) in changed.Prepend(new StressScore("as they are", unchanged)))
            table.AddRow(
                new Text(change), Figure(scores.Auc), Figure(scores.AtThreshold?.Accuracy ?? scores.Accuracy),
                Figure(scores.AtThreshold?.Sensitivity ?? scores.Sensitivity),
                Figure(scores.AtThreshold?.Specificity ?? scores.Specificity));
        terminal.Results.WriteLine(
            $"The same images, changed{(hasThreshold ? $"; at the threshold {unchanged.AtThreshold!.Threshold:F3}" : "")}:");
        terminal.WriteTable(table, 2);

        static Text Figure(double? value) => new(value is { } known ? $"{known:F3}" : "–");
    }
}
