using System.Diagnostics;
using System.Text.Json.Nodes;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Measurement;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Evaluate;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>Trains a network and writes its run folder.</summary>
public static class Training
{
    // Trainings that took less are reported without times of layers.
    private const double LeastSecondsToMeasure = 60;
    private const int MeasuredBatch = 8, MeasuredRuns = 3;

    // Pixels across the examples of augmentation in a report: enough for the column of text it stands in, on a fine screen too.
    private const int WidestSheet = 1300;

    // ILGPU's CPU accelerator, measured: see docs/performance.md.
    private const double SlowDeviceFlops = 0.6e9;

    public static async Task<int> RunAsync(TrainSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        // Before anything is read: another command might be writing to the run that goes on. A search for a learning rate writes nothing.
        using FolderClaim? claim = settings.FindLearningRate ? null : RunFolder.Claim(settings);
        double featureLimit = settings.Features ? FeatureFolder.Limit : 0;
        // What the user may have got wrong comes first; no file is written before it.
        ImageSet? divided = settings.Data is null ? null : TrainingImages.Divide(settings, cancellation);
        using OpenDevice opened = OpenDevice.For(settings.Device, settings.Tf32);
        using PreparedTraining prepared = PreparedTraining.For(settings, divided, opened.Device.Description, cancellation);
        (TrainSettings plan, Sequential network, int baseLength, StartingWeights? weights, ImageSet set) = prepared;
        RequireConvolution(plan.Convolution, network, opened.Device);
        Sequential trained = plan.Features ? network.Part(baseLength, network.Layers.Count) : network;
        bool resumed = claim is not null && settings.Resume && Path.Exists(RunFolder.LastPath(claim.Folder));
        TrainSettings? begun = resumed ? ConfigFile.Read<TrainSettings>(claim!.Folder) : null;
        if (begun is not null) plan.RequireSameRun(begun, claim!.Folder);
        ImagePreprocessing input = plan.Input(network.InputShape[2]);
        using MemoryPlan memory = PlanMemory(plan, opened.Device, trained, set, input);
        if (PositiveClass.Of(set.Classes, settings.Positive) is { } positive) set = set with { Notes = [positive.ToString(), .. set.Notes] };
        TrainingImages images = TrainingImages.Of(set, plan, input, cancellation);
        images.RequireReadable();
        try
        {
            if (claim is null) return await SweepAsync(settings, plan, opened, network, weights, memory, images, terminal, cancellation);
            return await RunAsync(claim, settings, plan, opened, network, trained, weights, memory, images, begun, featureLimit, terminal, cancellation);
        }
        catch (DeviceException e)
        {
            throw new UserError($"{e.Message} (--batch {plan.Batch}, --pixels {plan.Pixels})", e);
        }
        catch (Exception e) when (e is WeightFileException or FeatureFileException or DivergedException or FormatException)
        {
            throw new UserError(e.Message, e);
        }
    }

    private static async Task<int> RunAsync(
        FolderClaim claim, TrainSettings settings, TrainSettings plan, OpenDevice opened, Sequential network, Sequential trained, StartingWeights? weights, MemoryPlan memory,
        TrainingImages images, TrainSettings? begun, double featureLimit, Terminal terminal, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        string run = claim.Folder, bestPath = RunFolder.BestPath(run);
        TrainingOptions options = Options(plan, images.Train.Preprocessing, WeightsOf(plan, images.TrainCounts));
        AugmentationSheet? augmentation = options.Augmentation is null ? null : AugmentationSheet.Draw(images.Train, options, opened.Device);
        // What opening and testing the device left behind is of no use to steps.
        opened.Device.Pool.Trim();
        memory.Reserve(opened.Device);
        network.Initialize(opened.Device, (uint)plan.Seed);
        weights?.LoadInto(network);
        var metadata = new ModelMetadata(images.Set.Classes, plan.Resize, plan.Labels, plan.Preprocessing);
        using Optimizer optimizer = OptimizerOf(plan);
        using var trainer = new Trainer(trained, optimizer, options);
        var best = new BestWeights(trained, plan.EarlyStopping) { Improved = SaveBest };
        double earlier = begun is not null ? Resume(run, network, metadata, optimizer, trainer, best) : 0;

        // Nothing was said so far: a command that cannot run leaves one line on standard error, and no file.
        bool goesOn = trainer.History.Count < plan.Epochs && !best.IsExhausted(trainer.History.Count);
        opened.Announce(terminal);
        terminal.Note($"memory: {Mebibytes(memory.Bytes)} MiB of the device's {Mebibytes(opened.Device.Description.MemoryBytes)}, "
            + $"{Mebibytes(memory.StepBytes)} of them for a step of at most {Math.Min(plan.Batch, images.Train.Count)} images");
        if (ConvolutionTuning.Of(opened.Device).Summary is { } tuned) terminal.Note(tuned);
        if (weights?.Remark is { } remark) terminal.Note(remark);
        foreach (string note in images.Set.Notes) terminal.Note(note);
        if (TrainingDefaults.IsSlow(opened.Device.Description)) WarnOfSlowness(terminal, settings, plan, network, images.Train.Count);
        if (begun is not null) terminal.Note($"resuming after {trainer.History.Count} epochs");
        if (begun is not null && goesOn && begun.Device != plan.Device)
            terminal.Warn($"this run began on {begun.Device} and continues on {plan.Device}: sums may round differently there, so the weights can differ from those of a run on one device");
        // Alive as long as its features are read.
        using FeatureExtraction? extraction = plan.Features
            ? new(network.Part(0, network.Layers.Count - trained.Layers.Count), images.Train.Preprocessing.Scaling, plan.Convolution, FeatureFolder.Path)
            : null;
        var (train, validation, tested) = extraction is null
            ? (images.Train, images.Val, images.Test)
            : Features(extraction, trained.InputShape.Length, images, featureLimit, terminal, cancellation);
        if (goesOn) RunFolder.Reopen(run);
        ConfigFile.Write(run, plan);
        if (augmentation is not null) OutputFile.Write(RunFolder.AugmentationPath(run), augmentation.ToPng());
        var display = new TrainingDisplay(terminal, plan.Epochs, trainer.History.Count);
        var recorder = new EpochRecorder(() =>
        {
            SaveAll();
            images.RequirePresent();
        });
        using IDisposable unsaved = UnsavedWork.Begin();
        try
        {
            if (goesOn)
                display.Show(() => trainer.Fit(train, validation, [display, best, recorder], cancellation));
            await images.Completed;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            SaveAll();
            terminal.Note($"stopped and saved; continue with the same command{(settings.Resume ? "" : settings.Out is null ? $" and --out {run} --resume" : " and --resume")}");
            throw;
        }
        catch when (!Path.Exists(RunFolder.LastPath(run)))
        {
            RunFolder.Discard(run, bestIsOurs: best.Epoch > 0);
            throw;
        }
        catch (UserError e)
        {
            throw new UserError($"{e.Message}; the run's last checkpoint is whole: once this is put right, continue with --out {run} --resume", e);
        }
        unsaved.Dispose();
        best.Restore();
        Predictions val = Predictor.Run(trained, validation, options, cancellation);
        Predictions? test = tested is null ? null : Predictor.Run(trained, tested, options, cancellation);
        foreach (string note in images.Remarks) terminal.Note(note);
        foreach (string warning in images.Warnings) terminal.Warn(warning);

        double? threshold = Scoring.Threshold(val);
        // So that the file answers alone, without the run around it, as the run would.
        WriteCheckpoint(bestPath, network, metadata with { Threshold = threshold });
        ScoreBlock? valScores = Scoring.Score(val, threshold, plan.Seed);
        ScoreBlock? testScores = test is null ? null : Scoring.Score(test, threshold, plan.Seed);
        EpochMetrics[] epochs = EpochsOf(trainer);
        SplitCounts counts = images.Counts;
        double seconds = epochs.Sum(epoch => epoch.Seconds);
        var metrics = new Metrics(plan.Model.ToString().ToLowerInvariant(), network.ParameterCount, network.TrainableCount, plan.Device, plan.Seed,
            plan.Synthetic, counts, epochs, best.Epoch, seconds > 0 ? counts.Train * epochs.Length / seconds : 0, threshold, valScores, testScores)
        {
            Positive = plan.Positive,
            Patients = images.Set.Patients,
            LeftOut = images.LeftOut,
            CopiesAcrossParts = images.Set.CopiesAcrossParts,
        };
        HistoryFile.Write(run, epochs);
        if (!plan.Synthetic && ImagesFile.Write(run, images.Files) is > 0 and var unread)
            terminal.Warn($"{ImagesFile.FileName}: {unread} images can no longer be read; it knows them by their names alone");
        MetricsFile.Write(run, metrics);
        var (layers, measure) = LayersOf(network, opened.Device, plan, seconds, cancellation);
        var model = new TrainedModel(network, images.Set.Classes, images.Train.Preprocessing, plan.Labels, threshold);
        var summary = new RunSummary(metrics, images.Set.Classes, plan.Data ?? "", [.. images.Set.Notes, .. images.Remarks], images.Warnings, plan.Rows,
            Scoring.Answers(val), Scoring.Answers(test), WrongPredictions.Of(model, test is null ? images.Val : images.Test!, test ?? val), TimeSpan.FromSeconds(earlier + watch.Elapsed.TotalSeconds))
        {
            Positive = PositiveClass.Of(images.Set.Classes, settings.Positive),
            CommandLine = settings.CommandLine,
            Augmentation = augmentation is null ? null : (plan.Augmentation!, augmentation.ToPreview(WidestSheet)),
            Layers = layers,
            Measure = measure,
            Weights = settings.Weights is null ? null : Path.GetFileName(settings.Weights),
            Limit = plan.Limit,
        };
        TrainingReport.Write(run, summary);
        RunTime.Delete(run);
        try
        {
            if (settings.Json) terminal.WriteJson(metrics);
            else
            {
                if (plan.Synthetic) terminal.Results.WriteLine("Trained on synthetic images.");
                ScoreTable.Write(terminal, summary.Scored);
                terminal.Results.WriteLine($"best epoch {best.Epoch} of {epochs.Length}; report: {Path.Combine(run, TrainingReport.FileName)}");
            }
        }
        catch (UnwritableOutput e)
        {
            throw new UserError($"{e.Message}; the training is done, and the run in {run} complete", e);
        }
        return 0;

        void SaveBest()
        {
            claim.RequireHeld();
            WriteCheckpoint(bestPath, network, metadata);
        }

        void SaveAll()
        {
            claim.RequireHeld();
            Save(run, network, metadata, optimizer, trainer, new RunTime(earlier + watch.Elapsed.TotalSeconds, trainer.SecondsInEpoch));
        }
    }

    /// <summary>The features that the frozen base makes of the images, so many values of each, instead of the images.</summary>
    private static (ISampleSource Train, ISampleSource Val, ISampleSource? Test) Features(FeatureExtraction extraction, int length,
        TrainingImages images, double limit, Terminal terminal, CancellationToken cancellation)
    {
        int all = images.Train.Count + images.Val.Count + (images.Test?.Count ?? 0), before = 0, told = 0;
        terminal.Note($"features: {all} images through the base, {length * (long)sizeof(float) * all >> 20} MiB on disk in {extraction.Folder}");
        try
        {
            ISampleSource train = Of(images.Train), val = Of(images.Val);
            ISampleSource? test = images.Test is null ? null : Of(images.Test);
            terminal.Note($"features: {extraction.Computed} computed, {extraction.Found} found");
            Clear(extraction, limit, terminal);
            return (train, val, test);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"features: {extraction.Folder} cannot be used: {e.Message}; make room, or set CONVOLVE_CACHE to another folder", e);
        }

        ISampleSource Of(ImageStore part)
        {
            ISampleSource features = extraction.Of(part, done =>
            {
                if (10 * (before + done) / all <= told) return;
                told = 10 * (before + done) / all;
                if (told < 10 && extraction.Computed > 0) terminal.Note($"features: {before + done} of {all}");
            }, cancellation);
            before += part.Count;
            return features;
        }
    }

    // Features of other trainings, which may never come again, do not stay for ever.
    private static void Clear(FeatureExtraction extraction, double limit, Terminal terminal)
    {
        long bytes = (long)(limit * (1 << 30));
        ClearedFeatures cleared = extraction.Clear(bytes);
        if (cleared.Files > 0)
            terminal.Note($"features: removed {cleared.Files} files not used for longest, {Mebibytes(cleared.Bytes)} MiB: {FeatureFolder.Path} may hold {limit:0.###} GiB ({FeatureFolder.LimitVariable})");
        if (cleared.KeptBytes > bytes)
            terminal.Warn($"features: {FeatureFolder.Path} holds {Mebibytes(cleared.KeptBytes)} MiB, all in use, and may hold {limit:0.###} GiB ({FeatureFolder.LimitVariable})");
    }

    private static async Task<int> SweepAsync(
        TrainSettings settings, TrainSettings plan, OpenDevice opened, Sequential network, StartingWeights? weights, MemoryPlan memory, TrainingImages images,
        Terminal terminal, CancellationToken cancellation)
    {
        opened.Device.Pool.Trim();
        memory.Reserve(opened.Device);
        network.Initialize(opened.Device, (uint)plan.Seed);
        weights?.LoadInto(network);
        opened.Announce(terminal);
        if (weights?.Remark is { } remark) terminal.Note(remark);
        foreach (string note in images.Set.Notes) terminal.Note(note);
        using Optimizer optimizer = OptimizerOf(plan);
        IReadOnlyList<SweptRate> rates = LearningRateSweep.Run(
            network, optimizer, Options(plan, images.Train.Preprocessing, WeightsOf(plan, images.TrainCounts)), images.Train, LearningRateTable.Steps, cancellation);
        await images.Completed;
        foreach (string note in images.Remarks) terminal.Note(note);
        foreach (string warning in images.Warnings) terminal.Warn(warning);
        LearningRateTable.Write(terminal, rates, settings.Json);
        return 0;
    }

    /// <returns>The seconds that the run took before.</returns>
    private static double Resume(string run, Sequential network, ModelMetadata metadata, Optimizer optimizer, Trainer trainer, BestWeights best)
    {
        string bestPath = RunFolder.BestPath(run), lastPath = RunFolder.LastPath(run);
        Checkpoint last = Checkpoint.Read(lastPath);
        // A run of a version that chose the positive class otherwise would go on with its labels swapped.
        if (ModelMetadata.Read(last, lastPath, network.OutputShape.Length).Classes is { } trained && !trained.SequenceEqual(metadata.Classes!))
            throw new UserError($"--resume: the run in {run} was started with the classes {string.Join(", ", trained)}, the data has {string.Join(", ", metadata.Classes!)}"
                + (trained.Order(StringComparer.Ordinal).SequenceEqual(metadata.Classes!.Order(StringComparer.Ordinal)) ? $"; add --positive {trained[^1]}" : "; give the same data"));
        last.LoadInto(network);
        last.Restore(optimizer, network.Device!);
        RunTime time = RunTime.Read(run);
        trainer.Restore(last.Run ?? throw new FormatException($"{lastPath}: holds no place in a run"), HistoryFile.ReadSeconds(run), time.UnfinishedEpoch);
        // After an epoch there is a best one; without its weights the run could not end as if it had never stopped.
        best.Resume(trainer.History, trainer.History.Count == 0 ? null : () => Checkpoint.Read(bestPath).LoadInto(network));
        // A run that had ended, or one of an earlier version, has the times of its epochs and no more.
        return Math.Max(time.Seconds, trainer.History.Sum(epoch => epoch.Seconds) + trainer.SecondsInEpoch);
    }

    /// <exception cref="UserError">A file cannot be written; those that are there stay whole.</exception>
    private static void Save(string run, Sequential network, ModelMetadata metadata, Optimizer optimizer, Trainer trainer, RunTime time)
    {
        WriteCheckpoint(RunFolder.LastPath(run), network, metadata, optimizer, trainer.State);
        HistoryFile.Write(run, EpochsOf(trainer));
        time.Write(run);
    }

    /// <exception cref="UserError">The file cannot be written.</exception>
    private static void WriteCheckpoint(string path, Sequential network, ModelMetadata metadata, Optimizer? optimizer = null, JsonObject? state = null)
    {
        try { Checkpoint.Write(path, network, metadata.ToJson(), optimizer, state); }
        catch (WeightFileException e) { throw new UserError($"{e.Message.ReplaceLineEndings(" ")}; make room there, or choose another place", e); }
    }

    private static EpochMetrics[] EpochsOf(Trainer trainer) =>
    [
        .. trainer.History.Select(epoch => new EpochMetrics(epoch.Epoch, epoch.Seconds, epoch.TrainLoss, epoch.TrainAccuracy,
            epoch.ValidationLoss, epoch.ValidationAccuracy)),
    ];

    /// <exception cref="UserError">The algorithm does not exist for a layer on this device.</exception>
    private static void RequireConvolution(ConvolutionAlgorithm algorithm, Sequential network, Device device)
    {
        Conv2D[] convolutions = [.. network.Layers.OfType<Conv2D>()];
        if (convolutions.FirstOrDefault(layer => !layer.CanUse(algorithm, device, layer == network.Layers[0])) is not { } layer) return;
        string[] possible = [.. Enum.GetValues<ConvolutionAlgorithm>().Where(other => convolutions.All(l => l.CanUse(other, device, l == network.Layers[0])))
            .Select(other => other.ToString().ToLowerInvariant())];
        throw new UserError($"--conv {algorithm.ToString().ToLowerInvariant()}: does not exist for layer {layer.Name} on {device.Description}; "
            + $"give one of {string.Join(", ", possible)}");
    }

    /// <exception cref="UserError">The device has too little memory; the message names the largest batch that fits.</exception>
    private static MemoryPlan PlanMemory(TrainSettings plan, Device device, Sequential network, ImageSet set, ImagePreprocessing input)
    {
        try
        {
            return MemoryPlan.For(device, network, () => OptimizerOf(plan), Options(plan, input, WeightsOf(plan, new int[set.Classes.Count])),
                set.Train.Count, set.Val.Count, set.Test.Count);
        }
        catch (DeviceException e)
        {
            throw new UserError($"{e.Message} (--batch {plan.Batch}, --pixels {plan.Pixels})", e);
        }
    }

    private static double Mebibytes(long bytes) => Math.Ceiling(bytes / 1048576.0);

    private static float[]? WeightsOf(TrainSettings plan, int[] counts) => plan.ClassWeights == ClassWeights.None
        ? null
        : [.. counts.Select(n => n == 0 ? 0 : (float)counts.Sum() / (counts.Length * n))];

    private static TrainingOptions Options(TrainSettings plan, ImagePreprocessing input, float[]? classWeights) => new()
    {
        Epochs = plan.Epochs,
        BatchSize = plan.Batch,
        Seed = (uint)plan.Seed,
        ClassWeights = classWeights,
        Schedule = plan.Schedule,
        Algorithm = plan.Convolution,
        Scaling = plan.Features ? null : input.Scaling,
        Augmentation = plan.Augment ? plan.AugmentationRanges : null,
        AugmentOnce = plan.AugmentOnce,
    };

    private static Optimizer OptimizerOf(TrainSettings plan) => plan.Optimizer switch
    {
        OptimizerKind.Sgd => new Sgd { LearningRate = (float)plan.LearningRate, WeightDecay = (float)plan.WeightDecay },
        OptimizerKind.Adam => new Adam { LearningRate = (float)plan.LearningRate, WeightDecay = (float)plan.WeightDecay },
        _ => new RmsProp { LearningRate = (float)plan.LearningRate, WeightDecay = (float)plan.WeightDecay },
    };

    private static void WarnOfSlowness(Terminal terminal, TrainSettings settings, TrainSettings plan, Sequential network, int images)
    {
        // A training step costs about three forward passes.
        double seconds = 3 * network.Summary().Sum(row => row.Flops) * images * plan.Epochs / SlowDeviceFlops;
        string[] shrunk =
        [
            .. !settings.IsAsked(nameof(TrainSettings.Pixels)) ? [$"{plan.Pixels} pixels"] : Array.Empty<string>(),
            .. !settings.IsAsked(nameof(TrainSettings.Limit)) ? [$"{plan.Limit} images a part"] : Array.Empty<string>(),
            .. !settings.IsAsked(nameof(TrainSettings.Epochs)) ? [$"{plan.Epochs} epoch"] : Array.Empty<string>(),
        ];
        terminal.Warn($"{plan.Device}: " + (shrunk.Length > 0 ? $"the defaults shrink to {string.Join(", ", shrunk)}; " : "")
            + $"this training will take about {Math.Max(1, seconds):F0} s, an epoch of the cnn on 5,000 images of 150 pixels about "
            + $"{3 * ModelChoice.Build(ModelKind.Cnn, 150, 2).Summary().Sum(row => row.Flops) * 5000 / SlowDeviceFlops / 3600:F0} hours; {DeviceCatalogue.InstallAdvice}");
    }

    // A training of a few seconds is not held up by a measurement that may take as long.
    private static (ReportedLayer[] Layers, LayerMeasure? Measure) LayersOf(
        Sequential network, Device device, TrainSettings plan, double trainingSeconds, CancellationToken cancellation)
    {
        ReportedLayer[] layers = [.. network.Summary().Select(row => new ReportedLayer(row.Name, row.Kind, row.OutputShape.ToString(), row.Parameters, row.Trainable, row.Flops))];
        if (trainingSeconds < LeastSecondsToMeasure || TrainingDefaults.IsSlow(device.Description)) return (layers, null);
        try
        {
            // Memory of steps that nobody takes any more.
            device.Pool.Trim();
            int batch = Math.Min(plan.Batch, MeasuredBatch);
            Roofline roofline = Roofline.Measure(device);
            IReadOnlyList<MeasuredLayer> measured = LayerMeasurement.Of(network, batch, roofline, MeasuredRuns, cancellation);
            return ([.. layers.Select((layer, i) => layer with { Timing = Timing(measured[i]) })], new LayerMeasure(batch, roofline.Gigaflops, roofline.GigabytesPerSecond));
        }
        catch (DeviceException)
        {
            // There is no memory for it beside that of the training; the report then says how to get the times.
            return (layers, null);
        }

        static LayerTiming Timing(MeasuredLayer layer) =>
            new(layer.Forward.Milliseconds, layer.Forward.ShareOfRoof, layer.Backward.Milliseconds, layer.Backward.ShareOfRoof);
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
