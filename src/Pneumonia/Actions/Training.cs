using System.Diagnostics;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Actions;

/// <summary>Trains a network and writes its run folder.</summary>
public static class Training
{
    private const int WrongAnswersShown = 8;

    // ILGPU's CPU accelerator, measured: see docs/performance.md.
    private const double SlowDeviceFlops = 0.6e9;

    public static async Task<int> RunAsync(TrainSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        string run = settings.Out ?? Path.Combine("runs", $"{DateTime.Now:yyyyMMdd-HHmmss}-{settings.Model.ToString().ToLowerInvariant()}");
        if (settings.Out is not null) RunFolder.RefuseExisting(run, settings.Resume);
        // What the user may have got wrong comes first; nothing is written before it.
        (ImageFolder Folder, ImageSplit Split)? divided = settings.Data is null ? null : TrainingImages.Divide(settings, cancellation);
        using OpenDevice opened = OpenDevice.For(settings.Device, terminal);
        TrainingPlan plan = TrainingPlan.For(settings, opened.Device.Description);
        if (divided is { } && plan.Limit != settings.Limit) divided = TrainingImages.Divide(settings with { Limit = plan.Limit }, cancellation);
        int classCount = divided?.Folder.Classes.Count ?? 2;
        using Sequential network = ModelChoice.Build(plan.Model, plan.Pixels, classCount, settings);
        string lastPath = RunFolder.LastPath(run);
        bool resumed = settings.Resume && File.Exists(lastPath);
        if (resumed) plan.RequireSameRun(ConfigFile.Read<TrainingPlan>(run), run);
        RunFolder.Prepare(run);
        ConfigFile.Write(run, plan);

        TrainingImages images = divided is { } d ? TrainingImages.Decode(d.Folder, d.Split, plan, cancellation) : TrainingImages.Draw(plan, cancellation);
        foreach (string note in images.Notes) terminal.Note(note);
        if (TrainingPlan.IsSlow(opened.Device.Description)) WarnOfSlowness(terminal, plan, network, images.Train.Count);

        var watch = Stopwatch.StartNew();
        try
        {
            return await RunAsync(run, plan, opened, network, images, resumed, settings.Json, watch, terminal, cancellation);
        }
        catch (DeviceException e)
        {
            throw new UserError($"{e.Message} (--batch {plan.Batch}, --pixels {plan.Pixels})", e);
        }
        catch (Exception e) when (e is WeightFileException or DivergedException or FormatException)
        {
            throw new UserError(e.Message, e);
        }
    }

    private static async Task<int> RunAsync(
        string run, TrainingPlan plan, OpenDevice opened, Sequential network, TrainingImages images, bool resumed, bool json,
        Stopwatch watch, Terminal terminal, CancellationToken cancellation)
    {
        string bestPath = RunFolder.BestPath(run), lastPath = RunFolder.LastPath(run);
        network.Initialize(opened.Device, (uint)plan.Seed);
        var metadata = TrainedModel.Metadata(images.Classes, plan.Resize, plan.Labels);
        TrainingOptions options = Options(plan, images);
        using Optimizer optimizer = OptimizerOf(plan);
        using var trainer = new Trainer(network, optimizer, options);
        var best = new BestWeights(network, plan.EarlyStopping) { Improved = () => Checkpoint.Write(bestPath, network, metadata) };
        if (resumed)
        {
            Checkpoint last = Checkpoint.Read(lastPath);
            last.LoadInto(network);
            last.Restore(optimizer, opened.Device);
            trainer.Restore(last.Run ?? throw new FormatException($"{lastPath}: holds no place in a run"), HistoryFile.ReadSeconds(run));
            best.Resume(trainer.History, File.Exists(bestPath) ? () => Checkpoint.Read(bestPath).LoadInto(network) : null);
            terminal.Note($"resuming after {trainer.History.Count} epochs");
        }
        var display = new TrainingDisplay(terminal, plan.Epochs, trainer.History.Count);
        var recorder = new EpochRecorder(() => Save(run, network, metadata, optimizer, trainer));
        try
        {
            if (!best.IsExhausted(trainer.History.Count))
                display.Show(() => trainer.Fit(images.Train, images.Val, [display, best, recorder], cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Save(run, network, metadata, optimizer, trainer);
            terminal.Note($"stopped and saved; continue with the same command and --out {run} --resume");
            throw;
        }
        best.Restore();
        Predictions val = Predictor.Run(network, images.Val, options, cancellation);
        Predictions? test = images.Test is null ? null : Predictor.Run(network, images.Test, options, cancellation);
        await images.Completed;
        foreach (string warning in images.Warnings) terminal.Warn(warning);

        double? threshold = Scoring.Threshold(val);
        ScoreBlock? valScores = Scoring.Score(val, threshold, plan.Seed);
        ScoreBlock? testScores = test is null ? null : Scoring.Score(test, threshold, plan.Seed);
        EpochMetrics[] epochs = EpochsOf(trainer);
        SplitCounts counts = images.Counts;
        double seconds = epochs.Sum(epoch => epoch.Seconds);
        var metrics = new Metrics(plan.Model.ToString().ToLowerInvariant(), network.ParameterCount, network.TrainableCount, plan.Device, plan.Seed,
            plan.Synthetic, counts, epochs, best.Epoch, seconds > 0 ? counts.Train * epochs.Length / seconds : 0, threshold, valScores, testScores);
        HistoryFile.Write(run, epochs);
        MetricsFile.Write(run, metrics);
        TrainingReport.Write(run, new RunSummary(metrics, images.Classes, plan.Data ?? "", images.Notes, images.Warnings, plan.Rows,
            Scoring.Roc(val), Scoring.Roc(test), WrongAnswers(images, val, test), watch.Elapsed));
        if (json)
        {
            terminal.WriteJson(metrics);
        }
        else
        {
            if (plan.Synthetic) terminal.Results.WriteLine("Trained on synthetic images.");
            List<(string, ScoreBlock)> parts = [];
            if (valScores is not null) parts.Add(("validation", valScores));
            if (testScores is not null) parts.Add(("test", testScores));
            ScoreTable.Write(terminal, parts);
            terminal.Results.WriteLine($"best epoch {best.Epoch} of {epochs.Length}; report: {Path.Combine(run, TrainingReport.FileName)}");
        }
        return 0;
    }

    private static void Save(string run, Sequential network, System.Text.Json.Nodes.JsonObject metadata, Optimizer optimizer, Trainer trainer)
    {
        Checkpoint.Write(RunFolder.LastPath(run), network, metadata, optimizer, trainer.State);
        HistoryFile.Write(run, EpochsOf(trainer));
    }

    private static EpochMetrics[] EpochsOf(Trainer trainer) =>
    [
        .. trainer.History.Select(epoch => new EpochMetrics(epoch.Epoch, epoch.Seconds, epoch.TrainLoss, epoch.TrainAccuracy,
            epoch.ValidationLoss, epoch.ValidationAccuracy)),
    ];

    private static TrainingOptions Options(TrainingPlan plan, TrainingImages images)
    {
        int[] counts = images.TrainCounts;
        return new TrainingOptions
        {
            Epochs = plan.Epochs,
            BatchSize = plan.Batch,
            Seed = (uint)plan.Seed,
            ClassWeights = plan.ClassWeights == ClassWeights.None ? null : [.. counts.Select(n => (float)images.Train.Count / (counts.Length * n))],
            Algorithm = plan.Convolution switch
            {
                ConvolutionChoice.Naive => ConvolutionAlgorithm.Naive,
                ConvolutionChoice.Tiled => ConvolutionAlgorithm.Tiled,
                _ => ConvolutionAlgorithm.Auto,
            },
        };
    }

    private static Optimizer OptimizerOf(TrainingPlan plan) => plan.Optimizer switch
    {
        OptimizerKind.Sgd => new Sgd { LearningRate = (float)plan.LearningRate },
        OptimizerKind.Adam => new Adam { LearningRate = (float)plan.LearningRate },
        _ => new RmsProp { LearningRate = (float)plan.LearningRate },
    };

    private static void WarnOfSlowness(Terminal terminal, TrainingPlan plan, Sequential network, int images)
    {
        // A training step costs about three forward passes.
        double seconds = 3 * network.Summary().Sum(row => row.Flops) * images / SlowDeviceFlops;
        terminal.Warn($"{plan.Device}: the defaults shrink to {plan.Pixels} pixels, {plan.Limit} images a part and {plan.Epochs} epoch, about "
            + $"{Math.Max(1, seconds):F0} s; an epoch of the {ModelKind.Cnn.ToString().ToLowerInvariant()} on 5,000 images of 150 pixels would take about "
            + $"{3 * ModelChoice.Build(ModelKind.Cnn, 150, 2).Summary().Sum(row => row.Flops) * 5000 / SlowDeviceFlops / 3600:F0} hours; {DeviceCatalogue.InstallAdvice}");
    }

    private static List<WrongAnswer> WrongAnswers(TrainingImages images, Predictions val, Predictions? test)
    {
        (ImageSamples samples, Predictions predictions) = test is { TrueClasses.Length: > 0 } ? (images.Test!, test) : (images.Val, val);
        return
        [
            .. predictions.Probabilities
                .Select((p, i) => (Best: Array.IndexOf(p, p.Max()), Probability: p.Max(), Place: i))
                .Where(answer => answer.Best != predictions.TrueClasses[answer.Place])
                .OrderByDescending(answer => answer.Probability)
                .Take(WrongAnswersShown)
                .Select(answer =>
                {
                    int index = predictions.Indices[answer.Place];
                    ImageStore store = samples.Store;
                    return new WrongAnswer(store.Files[index].RelativePath, images.Classes[predictions.TrueClasses[answer.Place]],
                        images.Classes[answer.Best], answer.Probability, store.Pixels, store.Channels, store[index].ToArray());
                }),
        ];
    }

    /// <summary>Saves the place in the run after every epoch.</summary>
    private sealed class EpochRecorder(Action save) : TrainingCallback
    {
        public override bool EpochDone(EpochResult result)
        {
            save();
            return true;
        }
    }
}
