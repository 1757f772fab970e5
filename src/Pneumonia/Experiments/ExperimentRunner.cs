using System.Diagnostics;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Experiments;

/// <summary>
/// Runs rows of the reference table as ordinary trainings, each in its run folder, and rewrites the table after each. Finished runs with
/// the same settings are kept, interrupted ones are resumed.
/// </summary>
public static class ExperimentRunner
{
    public static async Task<int> RunAsync(ExperimentSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var claim = FolderClaim.Of(settings.Out);
        var device = Describe(settings.Device);
        // Errors in any row are reported before the first is trained.
        var runs = Plan(settings, device, cancellation);
        var failures = new List<(ReferenceRow Row, string Reason)>();
        foreach (var run in runs.Where(run => run.Obstacle is not null).DistinctBy(run => run.Row))
            terminal.Warn($"{run.Row.Id}: not run: {run.Obstacle}");

        foreach (var (run, place) in runs.Select((run, place) => (run, place)).Where(entry => entry.run.Obstacle is null))
        {
            var seed = settings.Seeds > 1 ? $", seed {run.Seed}" : "";
            if (run.IsFinished)
            {
                terminal.Note($"{run.Row.Id}{seed}: finished before; {run.Folder}");
                if (settings.Note is not null || ExperimentRecord.Read(run.Folder) is null) Record(settings, run, 0);
            }
            else
            {
                terminal.Note($"{run.Row.Id}{seed} ({place + 1} of {runs.Count}): {run.Row.What}; {settings.EpochsOf(run.Row)} epochs "
                    + "at most");
                if (await TrainAsync(settings, run, terminal, cancellation) is { } reason) failures.Add((run.Row, reason));
            }
            ExperimentFiles.Write(settings.Out, InFolder(settings, runs, device, failures));
        }
        IReadOnlyList<ExperimentResult> results =
            [.. settings.Rows.Select(row => ResultOf(settings, row, runs, device, failures, AskedSeeds(settings)))];
        if (settings.Json) terminal.WriteJson(results);
        else ExperimentDisplay.Write(terminal, results, settings.Out);
        if (failures is [var (failed, why), ..])
            throw new UserError($"{failures.Count} of {runs.Count} runs failed, the first was {failed.Id}: {why}");
        return 0;
    }

    // The runs, in order: all rows with the first seed, then with the second.
    private static List<PlannedRun> Plan(ExperimentSettings settings, DeviceDescription device, CancellationToken cancellation)
    {
        var divisions = new Dictionary<(SplitSettings, LabelScheme), ImageSet>();
        var runs = new List<PlannedRun>();
        Exception? first = null;
        foreach (var seed in AskedSeeds(settings))
        {
            foreach (var row in settings.Rows)
            {
                var training = settings.TrainingOf(row, seed);
                TrainSettings plan;
                try
                {
                    var key = (training.SplitSettings, training.Labels);
                    if (!divisions.TryGetValue(key, out var divided))
                        divisions[key] = divided = TrainingImages.Divide(training, cancellation);
                    using var prepared = PreparedTraining.For(training, divided, device, cancellation);
                    plan = prepared.Plan;
                }
                catch (Exception e) when (UserError.Is(e) && !(row.NeedsWeights && settings.Weights is not null))
                {
                    // These images or weights do not fit this row, but may fit others.
                    first ??= e;
                    runs.Add(new PlannedRun(row, seed, training, null, false, e.Message));
                    continue;
                }
                if (File.Exists(training.Out))
                    throw new UserError(
                        $"--out {settings.Out}: the run folder {training.Out} is a file; move it away, or choose another folder");
                RequireSameExperiment(settings, row, plan);
                runs.Add(new PlannedRun(row, seed, training, plan, IsFinished(training.Out!, plan, settings.Out), null));
            }
        }
        return runs.All(run => run.Obstacle is not null) ? throw first! : runs;
    }

    // The table shows the mean over all seeds of a row in the folder, so they may differ in nothing else.
    private static void RequireSameExperiment(ExperimentSettings settings, ReferenceRow row, TrainSettings plan)
    {
        foreach (var (run, record) in ExperimentResult.RunsOf(row, settings.Out))
        {
            if (AskedSeeds(settings).Contains(record.Seed)) continue;
            var other = ConfigFile.Read<TrainSettings>(run);
            (plan with { Seed = other.Seed, Images = other.Images }).RequireSameRun(other, run, $"--out {settings.Out}");
            if (other.Epochs != plan.Epochs)
                throw new UserError($"--out {settings.Out}: the run in {run} is of {other.Epochs} epochs, not {plan.Epochs}; give the same "
                    + "--epochs-scale, or another --out");
        }
    }

    /// <summary>Whether a run folder contains a finished run.</summary>
    /// <exception cref="UserError">It holds another run.</exception>
    private static bool IsFinished(string run, TrainSettings plan, string folder)
    {
        if (!File.Exists(RunFolder.LastPath(run))) return false;
        plan.RequireSameRun(ConfigFile.Read<TrainSettings>(run), run, $"--out {folder}");
        var epochs = HistoryFile.ReadSeconds(run).Count;
        if (epochs > plan.Epochs)
            throw new UserError($"--out {folder}: the run in {run} has {epochs} epochs already, more than {plan.Epochs}; give the same "
                + "--epochs-scale, or another --out");
        if (!File.Exists(Path.Combine(run, MetricsFile.FileName)) || !File.Exists(Path.Combine(run, RunFolder.ReportName))) return false;
        var metrics = MetricsFile.Read(run);
        return metrics.Epochs.Count == plan.Epochs || metrics.Epochs.Count - metrics.BestEpoch >= plan.EarlyStopping;
    }

    /// <summary>Trains a run to its end, or reports why not.</summary>
    private static async Task<string?> TrainAsync(ExperimentSettings settings, PlannedRun run, Terminal terminal,
        CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            await Training.RunAsync(run.Settings, new TerminalObserver(terminal), cancellation);
            Record(settings, run, watch.Elapsed.TotalMinutes);
            return null;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            if (File.Exists(RunFolder.LastPath(run.Folder))) Record(settings, run, watch.Elapsed.TotalMinutes);
            throw;
        }
        catch (Exception e) when (UserError.Is(e))
        {
            terminal.Warn($"{run.Row.Id}: failed: {e.Message}");
            return e.Message;
        }
    }

    private static void Record(ExperimentSettings settings, PlannedRun run, double minutes)
    {
        var before = ExperimentRecord.Read(run.Folder)?.Minutes ?? 0;
        // A killed session leaves no record except its epochs.
        var epochs = HistoryFile.ReadSeconds(run.Folder).Sum() / 60;
        new ExperimentRecord(run.Row.Id, run.Seed, Math.Max(before + minutes, epochs), run.Plan!.Epochs, settings.EpochsScale,
            settings.NoteOf(run.Row)).Write(run.Folder);
    }

    // All runs in the folder, plus requested ones that could not be run.
    private static List<ExperimentResult> InFolder(
        ExperimentSettings settings, List<PlannedRun> runs, DeviceDescription device, List<(ReferenceRow Row, string Reason)> failures) =>
    [
        .. ReferenceRows.All
            .Select(row => settings.Rows.Contains(row)
                && runs.Any(run => run.Row == row && run.IsOver(failures.Select(failure => failure.Row)))
                ? ResultOf(settings, row, runs, device, failures, null)
                : ExperimentResult.Read(row, settings.Out, null))
            .OfType<ExperimentResult>(),
    ];

    private static ExperimentResult ResultOf(ExperimentSettings settings, ReferenceRow row, List<PlannedRun> runs, DeviceDescription device,
        List<(ReferenceRow Row, string Reason)> failures, IEnumerable<int>? seeds) =>
        ExperimentResult.Read(row, settings.Out, seeds) ?? ExperimentResult.NotRun(row, settings, device.ToString(),
            runs.FirstOrDefault(run => run.Row == row)?.Obstacle ?? failures.First(failure => failure.Row == row).Reason);

    private static IEnumerable<int> AskedSeeds(ExperimentSettings settings) => Enumerable.Range(settings.Seed, settings.Seeds);

    private static DeviceDescription Describe(string request)
    {
        using var catalogue = new DeviceCatalogue();
        return catalogue.Choose(request).Device;
    }

    /// <summary>One training.</summary>
    /// <param name="Row">Its row.</param>
    /// <param name="Seed">Its seed.</param>
    /// <param name="Settings">What it is.</param>
    /// <param name="Plan">The same with all defaults; null if it cannot be run.</param>
    /// <param name="IsFinished">Whether it is already finished.</param>
    /// <param name="Obstacle">Why it cannot be run, and what to do.</param>
    private sealed record PlannedRun(ReferenceRow Row, int Seed, TrainSettings Settings, TrainSettings? Plan, bool IsFinished,
        string? Obstacle)
    {
        public string Folder => Settings.Out!;

        /// <summary>Whether it is settled although it was not run.</summary>
        public bool IsOver(IEnumerable<ReferenceRow> failed) => Obstacle is not null || failed.Contains(Row);
    }
}
