using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tracing;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// What a training needs before its first step: its plan, the device, the network, the memory and the images. Whatever the user may have
/// got wrong is found on opening it, before a word is said or a file written.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly OpenDevice opened;
    private readonly PreparedTraining prepared;
    private readonly MemoryPlan memory;

    private TrainingSession(
        TrainSettings settings, OpenDevice opened, PreparedTraining prepared, Sequential trained, MemoryPlan memory, TrainingImages images)
    {
        Settings = settings;
        Trained = trained;
        this.opened = opened;
        this.prepared = prepared;
        this.memory = memory;
        Images = images;
    }

    /// <summary>What was asked for.</summary>
    public TrainSettings Settings { get; }

    /// <summary>The settings on this device, as recorded.</summary>
    public TrainSettings Plan => prepared.Plan;

    /// <summary>Where to compute.</summary>
    public Device Device => opened.Device;

    /// <summary>The network, base and head.</summary>
    public Sequential Network => prepared.Network;

    /// <summary>The trained network: all of it, or only its head if the base's features are computed once.</summary>
    public Sequential Trained { get; }

    /// <summary>The images.</summary>
    public TrainingImages Images { get; }

    /// <summary>The settings of the resumed run; null for a new run.</summary>
    public TrainSettings? Begun { get; private init; }

    /// <summary>Size limit of the feature folder, GiB; 0 without features.</summary>
    public double FeatureLimit { get; private init; }

    /// <summary>How steps run, with class weights from the images.</summary>
    public TrainingOptions Options => Plan.OptionsFor(Images.Train.Preprocessing, Images.TrainCounts);

    /// <summary>Opens a session.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="run">The folder of the run; null to write nothing.</param>
    /// <param name="cancellation">Stops the search for identical images, and later decoding.</param>
    /// <param name="trace">Records what the device and the host do; null for nothing.</param>
    /// <exception cref="UserError">A setting cannot be satisfied; the message says what to do.</exception>
    public static TrainingSession Open(TrainSettings settings, string? run, CancellationToken cancellation, ExecutionTrace? trace = null)
    {
        var featureLimit = settings.Features ? FeatureFolder.Limit : 0;
        ImageSet? divided;
        using (trace?.Phase("find images")) divided = settings.Data is null ? null : TrainingImages.Divide(settings, cancellation);
        var opened = OpenDevice.For(settings.Device, settings.Tf32, trace);
        PreparedTraining? prepared = null;
        MemoryPlan? memory = null;
        try
        {
            prepared = PreparedTraining.For(settings, divided, opened.Device.Description, cancellation);
            var plan = prepared.Plan;
            RequireConvolution(plan.Convolution, prepared.Network, opened.Device);
            var begun = run is not null && settings.Resume && Path.Exists(RunFolder.LastPath(run))
                ? ConfigFile.Read<TrainSettings>(run) : null;
            if (begun is not null) plan.RequireSameRun(begun, run!);
            var trained = plan.Features ? prepared.Network.Part(prepared.BaseLength, prepared.Network.Layers.Count) : prepared.Network;
            var input = plan.Input(prepared.Network.InputShape[2]);
            memory = PlanMemory(prepared, trained, input, opened.Device);
            var set = prepared.Images;
            if (PositiveClass.Of(set.Classes, settings.Positive) is { } positive)
                set = set with { Notes = [positive.ToString(), .. set.Notes] };
            var images = TrainingImages.Of(set, plan, input, cancellation, trace);
            images.RequireReadable();
            return new TrainingSession(settings, opened, prepared, trained, memory, images) { Begun = begun, FeatureLimit = featureLimit };
        }
        catch
        {
            memory?.Dispose();
            prepared?.Dispose();
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Reserves the memory of a step, and initializes the network.</summary>
    public void InitializeNetwork()
    {
        // Free the buffers of the device's self-test, which steps do not need.
        Device.Pool.Trim();
        memory.Reserve(Device);
        Network.Initialize(Device, (uint)Plan.Seed);
        prepared.Weights?.LoadInto(Network);
    }

    /// <summary>Reports the device and the data of the training.</summary>
    public void Announce(ITrainingObserver observer, bool withMemory)
    {
        observer.Note(opened.Announcement);
        if (withMemory)
        {
            observer.Note($"memory: {Mebibytes(memory.Bytes)} MiB of the device's {Mebibytes(Device.Description.MemoryBytes)}, "
                + $"{Mebibytes(memory.StepBytes)} of them for a step of at most {Math.Min(Plan.Batch, Images.Train.Count)} images");
            if (ConvolutionTuning.Of(Device).Summary is { } tuned) observer.Note(tuned);
        }
        if (prepared.Weights?.Remark is { } remark) observer.Note(remark);
        foreach (var note in Images.Set.Notes) observer.Note(note);
    }

    /// <summary>An error of the device, with the settings that affect memory.</summary>
    public UserError Explain(DeviceException e) => OutOfMemory(e, Plan);

    /// <inheritdoc/>
    public void Dispose()
    {
        memory.Dispose();
        prepared.Dispose();
        opened.Dispose();
    }

    private static UserError OutOfMemory(DeviceException e, TrainSettings plan) =>
        UserError.From(e, given: $"--batch {plan.Batch}, --pixels {plan.Pixels}");

    /// <exception cref="UserError">The algorithm does not exist for a layer on this device.</exception>
    private static void RequireConvolution(ConvolutionAlgorithm algorithm, Sequential network, Device device)
    {
        Conv2D[] convolutions = [.. network.Layers.OfType<Conv2D>()];
        if (convolutions.FirstOrDefault(layer => !layer.CanUse(algorithm, device, layer == network.Layers[0])) is not { } layer) return;
        string[] possible = [
            .. Enum.GetValues<ConvolutionAlgorithm>().Where(other => convolutions.All(l => l.CanUse(other, device, l == network.Layers[0])))
            .Select(other => Setting.TextOf(other))];
        throw new UserError($"--conv {Setting.TextOf(algorithm)}: does not exist for layer {layer.Name} on {device.Description}; give one "
            + $"of {string.Join(", ", possible)}");
    }

    /// <exception cref="UserError">The device has too little memory; the message names the largest batch that fits.</exception>
    private static MemoryPlan PlanMemory(PreparedTraining prepared, Sequential trained, ImagePreprocessing input, Device device)
    {
        var plan = prepared.Plan;
        var set = prepared.Images;
        try
        {
            return MemoryPlan.For(device, trained, plan.CreateOptimizer, plan.OptionsFor(input, new int[set.Classes.Count]),
                set.Train.Count, set.Val.Count, set.Test.Count);
        }
        catch (DeviceException e)
        {
            throw OutOfMemory(e, plan);
        }
    }

    private static double Mebibytes(long bytes) => Math.Ceiling(bytes / 1048576.0);
}
