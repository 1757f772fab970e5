using System.Text.Json.Serialization;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Experiments;

/// <summary>What was published of a row.</summary>
/// <param name="TestLoss">Null where none was given.</param>
/// <param name="TestAccuracy">Null where none was given.</param>
/// <param name="Hours">Null where that is not known.</param>
/// <param name="SecondRun">Another run of the same notebook; null where there is none.</param>
public sealed record PublishedFigures(double? TestLoss, double? TestAccuracy, double? Hours, PublishedScores? SecondRun);

/// <summary>A finished run of a row.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Run">Its folder, relative to the table.</param>
/// <param name="Test">Its scores on test images; null where there are none.</param>
/// <param name="Minutes">Its wall time.</param>
/// <param name="Epochs">Epochs that it ran.</param>
public sealed record SeedResult(int Seed, string Run, ScoreBlock? Test, double Minutes, int Epochs);

/// <summary>The figures of a row over several seeds, which fix the division of the images, too.</summary>
/// <param name="Loss">On test images.</param>
/// <param name="Accuracy">At threshold ½.</param>
/// <param name="Auc">Null where a seed has none.</param>
public sealed record SeedStatistics(double Loss, double Accuracy, double? Auc);

/// <summary>
/// A row of the table as scripts read it. Of several seeds, the figures of the first stand in front, and all in <see cref="Seeds"/>.
/// </summary>
/// <param name="Id">The row.</param>
/// <param name="Published">The published figures.</param>
/// <param name="Test">Scores on test images; null where there are none, or the row was not run.</param>
/// <param name="Minutes">Wall time; null where the row was not run.</param>
/// <param name="Epochs">Epochs run; 0 where the row was not run.</param>
/// <param name="PlannedEpochs">Epochs that would have been run without early stopping.</param>
/// <param name="EpochsScale">What the published epochs were multiplied with.</param>
/// <param name="Split">How the images were divided.</param>
/// <param name="Images">Usable images of each part; null where the row was not run.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="Note">What must be known to compare it, or why it was not run.</param>
public sealed record ExperimentResult(
    string Id, PublishedFigures Published, ScoreBlock? Test, double? Minutes, int Epochs, int PlannedEpochs, double EpochsScale, string Split,
    SplitCounts? Images, string Device, string Note)
{
    /// <summary>The runs one by one; null where there is one only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SeedResult>? Seeds { get; init; }

    /// <summary>Means over the seeds; null where there is one only, or no test images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SeedStatistics? Mean { get; init; }

    /// <summary>Standard deviations over the seeds, of a sample (n − 1); null as <see cref="Mean"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SeedStatistics? StandardDeviation { get; init; }

    /// <summary>All finished runs.</summary>
    [JsonIgnore]
    public IReadOnlyList<SeedResult> Runs { get; init; } = [];

    /// <summary>A row that was not run.</summary>
    /// <param name="row">The row.</param>
    /// <param name="settings">What was asked for.</param>
    /// <param name="device">Where it would have run.</param>
    /// <param name="reason">Why it was not, and what to do.</param>
    public static ExperimentResult NotRun(ReferenceRow row, ExperimentSettings settings, string device, string reason) =>
        new(row.Id, FiguresOf(row), null, null, 0, settings.EpochsOf(row), settings.EpochsScale, settings.Split.ToString().ToLowerInvariant(), null, device,
            $"not run: {reason}");

    /// <summary>What the finished runs of a row found; null where there is none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="folder">The folder of the table.</param>
    /// <param name="seeds">The seeds to look for; null for all there are.</param>
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
        SeedResult[] runs = [.. found.Select(run => new SeedResult(run.Record.Seed, run.Name, run.Metrics.Test, run.Record.Minutes, run.Metrics.Epochs.Count))];
        ScoreBlock[] blocks = [.. runs.Select(run => run.Test).OfType<ScoreBlock>()];
        bool several = blocks.Length > 1;
        return new ExperimentResult(row.Id, FiguresOf(row), metrics.Test, first.Minutes, metrics.Epochs.Count, first.PlannedEpochs, first.EpochsScale,
            metrics.Split.Kind, metrics.Split, metrics.Device, NoteOf(first, metrics))
        {
            Runs = runs,
            Seeds = runs.Length > 1 ? runs : null,
            Mean = several ? Over(blocks, values => values.Average()) : null,
            StandardDeviation = several ? Over(blocks, Deviation) : null,
        };
    }

    // What the images turned out to be is known after the run only.
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

    private static PublishedFigures FiguresOf(ReferenceRow row) => new(row.Published.TestLoss, row.Published.TestAccuracy, row.Hours, row.SecondRun);

    /// <summary>The folders of a row's runs, finished or not, whatever their seed.</summary>
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
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}
