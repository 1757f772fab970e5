using System.Globalization;
using System.Text;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>predict</c> was asked for.</summary>
/// <param name="Model">The model.</param>
/// <param name="Paths">Images and folders of images, at least one.</param>
/// <param name="Csv">File to write the answers to, or null.</param>
/// <param name="Copies">How often each image is asked about: see <see cref="TestTimeAugmentation"/>.</param>
/// <param name="Seed">Draws how the copies differ.</param>
public sealed record PredictSettings(
    ModelSource Model, IReadOnlyList<string> Paths, string? Csv, int Copies, int Seed, string Device, bool Json);

/// <summary>The answer to one image.</summary>
/// <param name="Path">The image as it was named.</param>
/// <param name="Class">The most probable class.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="Probabilities">All classes' probabilities, in the order of their names.</param>
/// <param name="AboveThreshold">Whether the positive class reaches the run's chosen threshold; null without one.</param>
public sealed record Answer(string Path, string Class, double Probability, double[] Probabilities, bool? AboveThreshold);

/// <summary>Tells class and probability of single images.</summary>
public static class Prediction
{
    private const int BatchSize = 50;

    public static async Task<int> RunAsync(PredictSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        (IReadOnlyList<string> images, IReadOnlyList<string> notes) = NamedImages.Expand(settings.Paths);
        Metrics? metrics = settings.Model.Metrics();
        using OpenDevice opened = OpenDevice.For(settings.Device);
        using TrainedModel model = settings.Model.Load(metrics, opened.Device, terminal);
        double? threshold = model.Threshold;
        ImageStore store = await NamedImages.LoadAsync(images, model, cancellation);
        opened.Announce(terminal);
        foreach (string note in notes) terminal.Note(note);
        Predictions predictions = TestTimeAugmentation.Run(
            model, new ImageSamples(store, model.Classes), settings.Copies, BatchSize, settings.Seed, terminal, cancellation);
        // Classes are told in the order of their names, whatever the order of the outputs.
        int[] order = [.. Enumerable.Range(0, model.Classes.Count).OrderBy(i => model.Classes[i], StringComparer.Ordinal)];
        Answer[] answers = [.. predictions.Probabilities.Select((p, i) =>
        {
            int best = Classification.Answer(p);
            return new Answer(images[i], model.Classes[best], p[best], [.. order.Select(c => p[c])], threshold is { } t && p.Length == 2 ? p[1] >= t : null);
        })];
        if (settings.Csv is not null) OutputFile.WriteText(settings.Csv, Csv(answers, [.. order.Select(c => model.Classes[c])]));
        if (settings.Json)
        {
            terminal.WriteJson(answers);
            return 0;
        }
        foreach (Answer answer in answers)
        {
            string above = answer.AboveThreshold switch { true => "  at or above the threshold", false => "  below the threshold", null => "" };
            terminal.Results.WriteLine($"{answer.Path}: {answer.Class} {answer.Probability:P1}{above}");
        }
        terminal.Results.WriteLine(TrainingReport.NotForClinicalUse);
        return 0;
    }

    private static string Csv(IEnumerable<Answer> answers, IReadOnlyList<string> classes)
    {
        var text = new StringBuilder();
        text.AppendJoin(',', ["path", "class", "probability", .. classes.Select(CsvText.Field), "aboveThreshold"]).Append('\n');
        foreach (Answer answer in answers)
        {
            text.AppendJoin(',', [CsvText.Field(answer.Path), CsvText.Field(answer.Class), Number(answer.Probability), .. answer.Probabilities.Select(Number),
                answer.AboveThreshold?.ToString().ToLowerInvariant() ?? ""]).Append('\n');
        }
        return text.ToString();

        static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }
}
