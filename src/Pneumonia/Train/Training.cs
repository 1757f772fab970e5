using System.Diagnostics;
using Convolve.Engine.Devices;
using Convolve.Engine.Tracing;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>A finished run.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Summary">The content of its report.</param>
public sealed record FinishedRun(string Folder, RunSummary Summary);

/// <summary>A training: fits the prepared session to the images, then finishes the run folder.</summary>
public sealed class Training : IDisposable
{
    // Width of the augmentation examples in a report: enough for the text column, even on high-resolution screens.
    private const int WidestSheet = 1300;

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly TrainingSession session;
    private readonly FolderClaim claim;
    private readonly ITrainingObserver observer;
    private readonly TrainSettings plan;
    private readonly Sequential trained;
    private readonly TrainingImages images;
    private readonly TrainingOptions options;
    private readonly AugmentationSheet? augmentation;
    private readonly Optimizer optimizer;
    private readonly Trainer trainer;
    private readonly BestWeights best;
    private readonly RunCheckpoint checkpoint;
    private double earlierSeconds;

    private Training(TrainingSession session, FolderClaim claim, ITrainingObserver observer)
    {
        this.session = session;
        this.claim = claim;
        this.observer = observer;
        (plan, trained, images, options) = (session.Plan, session.Trained, session.Images, session.Options);
        augmentation = options.Augmentation is null ? null : AugmentationSheet.Draw(images.Train, options, session.Device);
        session.InitializeNetwork();
        checkpoint = new RunCheckpoint(claim.Folder, session.Network,
            new ModelMetadata(images.Set.Classes, plan.Resize, plan.Labels, plan.Preprocessing));
        optimizer = plan.CreateOptimizer();
        trainer = new Trainer(trained, optimizer, options);
        best = new BestWeights(trained, plan.EarlyStopping) { Improved = SaveBest };
    }

    private string Folder => claim.Folder;

    /// <summary>Whether there is an epoch left to train.</summary>
    private bool GoesOn => trainer.History.Count < plan.Epochs && !best.IsExhausted(trainer.History.Count);

    /// <summary>Trains and writes the run folder.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="observer">Observes it.</param>
    /// <param name="cancellation">Stops it after saving.</param>
    /// <param name="trace">Records it; null for nothing.</param>
    /// <exception cref="UserError">A setting cannot be satisfied.</exception>
    public static async Task<FinishedRun> RunAsync(
        TrainSettings settings, ITrainingObserver observer, CancellationToken cancellation, ExecutionTrace? trace = null)
    {
        // Claimed before anything is read: another command might be writing to the resumed run.
        using var claim = RunFolder.Claim(settings.Out, Setting.TextOf(settings.Model), settings.Resume);
        using var session = TrainingSession.Open(settings, claim.Folder, cancellation, trace);
        try
        {
            using var training = new Training(session, claim, observer);
            return await training.RunAsync(cancellation);
        }
        catch (DeviceException e)
        {
            throw session.Explain(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        trainer.Dispose();
        optimizer.Dispose();
    }

    private async Task<FinishedRun> RunAsync(CancellationToken cancellation)
    {
        if (session.Begun is not null) earlierSeconds = checkpoint.Resume(optimizer, trainer, best);
        Announce();
        // Stays alive while its features are read.
        using var features = plan.Features ? new FeatureSource(session, trained, observer) : null;
        var parts = features?.Of(images, cancellation) ?? new TrainingParts(images.Train, images.Val, images.Test);
        await FitAsync(parts, cancellation);
        return Finish(parts, cancellation);
    }

    // Nothing is printed before: a command that cannot run leaves one line on standard error and no file.
    private void Announce()
    {
        session.Announce(observer, withMemory: true);
        if (OpenDevice.IsSlow(session.Device.Description)) observer.Warn(SlowTraining.Warning(session));
        if (session.Begun is not { } begun) return;
        observer.Note($"resuming after {trainer.History.Count} epochs");
        if (GoesOn && begun.Device != plan.Device)
            observer.Warn($"this run began on {begun.Device} and continues on {plan.Device}: sums may round differently there, "
                + "so the weights can differ from those of a run on one device");
    }

    private async Task FitAsync(TrainingParts parts, CancellationToken cancellation)
    {
        if (GoesOn) RunFolder.Reopen(Folder);
        ConfigFile.Write(Folder, plan);
        if (augmentation is not null) OutputFile.Write(RunFolder.AugmentationPath(Folder), augmentation.ToPng());
        var recorder = new EpochRecorder(() =>
        {
            SaveAll();
            images.RequirePresent();
        });
        using var unsaved = UnsavedWork.Begin();
        try
        {
            if (GoesOn)
                observer.Follow(plan.Epochs, trainer.History.Count,
                    display => trainer.Fit(parts.Train, parts.Val, [.. display, best, recorder], cancellation));
            await images.Completed;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            SaveAll();
            var settings = session.Settings;
            var resume = settings.Resume ? "" : settings.Out is null ? $" and --out {Folder} --resume" : " and --resume";
            observer.Note($"stopped and saved; continue with the same command{resume}");
            throw;
        }
        catch when (!Path.Exists(RunFolder.LastPath(Folder)))
        {
            RunFolder.Discard(Folder, bestIsOurs: best.Epoch > 0);
            throw;
        }
        catch (UserError e)
        {
            throw UserError.From(e,
                advice: $"the run's last checkpoint is whole: once this is put right, continue with --out {Folder} --resume");
        }
    }

    private FinishedRun Finish(TrainingParts parts, CancellationToken cancellation)
    {
        using var span = session.Device.Trace?.Phase("finish");
        best.Restore();
        var val = Predictor.Run(trained, parts.Val, options, cancellation);
        var test = parts.Test is null ? null : Predictor.Run(trained, parts.Test, options, cancellation);
        foreach (var note in images.Remarks) observer.Note(note);
        foreach (var warning in images.Warnings) observer.Warn(warning);

        var threshold = Scoring.Threshold(val);
        // With its threshold, the file predicts like the run, without the run folder.
        checkpoint.WriteBest(threshold);
        var metrics = MetricsOf(val, test, threshold);
        HistoryFile.Write(Folder, metrics.Epochs);
        if (!plan.Synthetic && ImagesFile.Write(Folder, images.Files) is > 0 and var unread)
            observer.Warn($"{ImagesFile.FileName}: {unread} images can no longer be read; it knows them by their names alone");
        MetricsFile.Write(Folder, metrics);
        var summary = SummaryOf(metrics, val, test, cancellation);
        TrainingReport.Write(Folder, summary);
        RunTime.Delete(Folder);
        return new FinishedRun(Folder, summary);
    }

    private Metrics MetricsOf(Predictions val, Predictions? test, double? threshold)
    {
        var epochs = RunCheckpoint.EpochsOf(trainer);
        var counts = images.Counts;
        var seconds = epochs.Sum(epoch => epoch.Seconds);
        return new Metrics(Setting.TextOf(plan.Model), session.Network.ParameterCount, session.Network.TrainableCount, plan.Device,
            plan.Seed, plan.Synthetic,
            counts, epochs, best.Epoch, seconds > 0 ? counts.Train * epochs.Length / seconds : 0, threshold,
            Scoring.Score(val, threshold, plan.Seed), test is null ? null : Scoring.Score(test, threshold, plan.Seed))
        {
            Positive = plan.Positive,
            Patients = images.Set.Patients,
            LeftOut = images.LeftOut,
            CopiesAcrossParts = images.Set.CopiesAcrossParts,
        };
    }

    private RunSummary SummaryOf(Metrics metrics, Predictions val, Predictions? test, CancellationToken cancellation)
    {
        var settings = session.Settings;
        var (layers, measure) = LayerTimes.Of(session, metrics.Epochs.Sum(epoch => epoch.Seconds), cancellation);
        var model = new TrainedModel(session.Network, images.Set.Classes, images.Train.Preprocessing, plan.Labels, metrics.Threshold);
        return new RunSummary(metrics, images.Set.Classes, plan.Data ?? "", [.. images.Set.Notes, .. images.Remarks],
            images.Warnings, plan.Rows,
            PartPredictions.Of(val), PartPredictions.Of(test),
            WrongPredictions.Of(model, test is null ? images.Val : images.Test!, test ?? val),
            TimeSpan.FromSeconds(earlierSeconds + watch.Elapsed.TotalSeconds))
        {
            Positive = PositiveClass.Of(images.Set.Classes, settings.Positive),
            CommandLine = settings.CommandLine,
            Augmentation = augmentation is null ? null : (plan.Augmentation!, augmentation.ToPreview(WidestSheet)),
            Layers = layers,
            Measure = measure,
            Weights = settings.Weights is null ? null : Path.GetFileName(settings.Weights),
            Limit = plan.Limit,
        };
    }

    private void SaveBest()
    {
        using var span = session.Device.Trace?.Phase("save");
        claim.RequireHeld();
        checkpoint.WriteBest(threshold: null);
    }

    private void SaveAll()
    {
        using var span = session.Device.Trace?.Phase("save");
        claim.RequireHeld();
        checkpoint.WriteLast(optimizer, trainer, new RunTime(earlierSeconds + watch.Elapsed.TotalSeconds, trainer.SecondsInEpoch));
    }

    /// <summary>Saves the state of the run after every epoch.</summary>
    private sealed class EpochRecorder(Action save) : TrainingCallback
    {
        public override bool EpochDone(EpochResult result)
        {
            save();
            return true;
        }
    }
}
