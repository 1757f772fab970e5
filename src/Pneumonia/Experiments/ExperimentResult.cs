using System.Text.Json.Serialization;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Experiments;

/// <summary>Published results of a row.</summary>
/// <param name="TestLoss">Null if not published.</param>
/// <param name="TestAccuracy">Null if not published.</param>
/// <param name="Hours">Null if unknown.</param>
/// <param name="SecondRun">A second run of the same notebook; null if there is none.</param>
public sealed record PublishedFigures(double? TestLoss, double? TestAccuracy, double? Hours, PublishedScores? SecondRun);

/// <summary>A finished run of a row.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Run">Its folder, relative to the table.</param>
/// <param name="Test">Its scores on test images; null where there are none.</param>
/// <param name="Minutes">Its wall time.</param>
/// <param name="Epochs">Epochs that it ran.</param>
public sealed record SeedResult(int Seed, string Run, ScoreBlock? Test, double Minutes, int Epochs);

/// <summary>Metrics of a row over several seeds, which also determine the split.</summary>
/// <param name="Loss">On test images.</param>
/// <param name="Accuracy">At threshold ½.</param>
/// <param name="Auc">Null if a seed has none.</param>
public sealed record SeedStatistics(double Loss, double Accuracy, double? Auc);

/// <summary>
/// A row of the table for scripts. With several seeds, it contains the metrics of the first, and all of them in <see cref="Seeds"/>.
/// </summary>
/// <param name="Id">The row.</param>
/// <param name="Published">The published results.</param>
/// <param name="Test">Scores on test images; null where there are none, or the row was not run.</param>
/// <param name="Minutes">Wall time; null where the row was not run.</param>
/// <param name="Epochs">Epochs run; 0 where the row was not run.</param>
/// <param name="PlannedEpochs">Epochs that would have been run without early stopping.</param>
/// <param name="EpochsScale">The factor on the published epochs.</param>
/// <param name="Split">How the images were split.</param>
/// <param name="Images">Usable images of each part; null where the row was not run.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="Note">Notes for the comparison, or why it was not run.</param>
public sealed record ExperimentResult(
    string Id, PublishedFigures Published, ScoreBlock? Test, double? Minutes, int Epochs, int PlannedEpochs, double EpochsScale,
    string Split,
    SplitCounts? Images, string Device, string Note)
{
    /// <summary>The single runs; null if there is only one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SeedResult>? Seeds { get; init; }

    /// <summary>Means over the seeds; null if there is only one seed, or no test images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SeedStatistics? Mean { get; init; }

    /// <summary>Sample standard deviations over the seeds (n − 1); null like <see cref="Mean"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SeedStatistics? StandardDeviation { get; init; }

    /// <summary>All finished runs.</summary>
    [JsonIgnore]
    public IReadOnlyList<SeedResult> Runs { get; init; } = [];

    /// <summary>A row that was not run.</summary>
    /// <param name="row">The row.</param>
    /// <param name="settings">What was asked for.</param>
    /// <param name="device">The device for it.</param>
    /// <param name="reason">Why not, and what to do.</param>
    public static ExperimentResult NotRun(ReferenceRow row, ExperimentSettings settings, string device, string reason) =>
        new(row.Id, FiguresOf(row), null, null, 0, settings.EpochsOf(row), settings.EpochsScale,
            settings.Split.ToString().ToLowerInvariant(), null, device,
            $"not run: {reason}");

    /// <summary>The results of a row's finished runs; null if there are none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="folder">The folder of the table.</param>
    /// <param name="seeds">The seeds; null for all.</param>
    /// <exception cref="UserError">A file of a run is broken.</exception>
    public static ExperimentResult? Read(ReferenceRow row, string folder, IEnumerable<int>? seeds)
    {
        var found = new List<(ExperimentRecord Record, Metrics Metrics, string Name)>();
        foreach (var (run, record) in RunsOf(row, folder))
            if (File.Exists(Path.Combine(run, MetricsFile.FileName)) && seeds?.Contains(record.Seed) != false)
                found.Add((record, MetricsFile.Read(run), Path.GetFileName(run)));
        if (found.Count == 0) return null;
        found.Sort((a, b) => a.Record.Seed.CompareTo(b.Record.Seed));
        var (first, metrics, _) = found[0];
        SeedResult[] runs = [.. found
            .Select(run => new SeedResult(run.Record.Seed, run.Name, run.Metrics.Test, run.Record.Minutes, run.Metrics.Epochs.Count))];
        ScoreBlock[] blocks = [.. runs.Select(run => run.Test).OfType<ScoreBlock>()];
        var several = blocks.Length > 1;
        return new ExperimentResult(row.Id, FiguresOf(row), metrics.Test, first.Minutes, metrics.Epochs.Count, first.PlannedEpochs,
            first.EpochsScale,
            metrics.Split.Kind, metrics.Split, metrics.Device, NoteOf(first, metrics))
        {
            Runs = runs,
            Seeds = runs.Length > 1 ? runs : null,
            Mean = several ? Over(blocks, values => values.Average()) : null,
            StandardDeviation = several ? Over(blocks, Deviation) : null,
        };
    }

    // The number of usable images is known only after the run.
    private static string NoteOf(ExperimentRecord record, Metrics metrics)
    {
        string?[] notes =
        [
            record.Note,
            metrics.Patients is { IsEnough: false } few ? $"patients known for {few.Recognised} of {few.Images} images" : null,
            metrics.CopiesAcrossParts > 0 ? $"{metrics.CopiesAcrossParts} copies left out of val and test" : null,
        ];
        return string.Join("; ", notes.Where(note => !string.IsNullOrEmpty(note)));
    }

    private static PublishedFigures FiguresOf(ReferenceRow row) =>
        new(row.Published.TestLoss, row.Published.TestAccuracy, row.Hours, row.SecondRun);

    /// <summary>The folders of a row's runs, finished or not, with any seed.</summary>
    /// <exception cref="UserError">The record of a run is broken.</exception>
    internal static IEnumerable<(string Run, ExperimentRecord Record)> RunsOf(ReferenceRow row, string folder) =>
        from run in Directory.Exists(folder) ? Directory.EnumerateDirectories(folder) : []
        let record = ExperimentRecord.Read(run)
        where record?.Id == row.Id
        select (run, record);

    private static SeedStatistics Over(ScoreBlock[] blocks, Func<double[], double> statistic) => new(
        statistic([.. blocks.Select(block => block.Loss)]),
        statistic([.. blocks.Select(block => block.Accuracy)]),
        blocks.All(block => block.Auc is not null) ? statistic([.. blocks.Select(block => block.Auc!.Value)]) : null);

    private static double Deviation(double[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}
