using Convolve.Engine.Devices;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Layers.Training;

/// <summary>
/// The device memory of a training, known before its first step: a dry run of the same forward pass, backward pass, update and prediction
/// on a device without memory. The buffers rented there decide where everything will lie, so the figure is exact.
/// </summary>
public sealed class MemoryPlan : IDisposable
{
    private readonly Device dryRunDevice;
    private readonly Sequential whole, network;
    private readonly Optimizer optimizer;
    private readonly Trainer trainer;
    private readonly TrainingOptions options;
    private readonly HashSet<(string Work, int Size)> works = [];
    private Device? reserved;

    private MemoryPlan(Device device, Sequential like, Func<Optimizer> optimizer, TrainingOptions options)
    {
        this.options = options;
        dryRunDevice = device.WithoutMemory();
        whole = NetworkDescription.FromJson(NetworkDescription.ToJson(like.Whole));
        foreach (var (parameter, original) in whole.Parameters.Zip(like.Whole.Parameters)) parameter.Trainable = original.Trainable;
        whole.Initialize(dryRunDevice, 0);
        network = ReferenceEquals(like.Whole, like) ? whole : whole.Part(like.First, like.First + like.Layers.Count);
        this.optimizer = optimizer();
        trainer = new Trainer(network, this.optimizer, options);
    }

    /// <summary>
    /// All memory that the training takes from the device: parameters, gradients, optimizer state, and the memory that steps and
    /// predictions share for everything else.
    /// </summary>
    public long Bytes => dryRunDevice.Pool.AllocatedBytes + dryRunDevice.Pool.PlannedBytes;

    /// <summary>The part of <see cref="Bytes"/> that steps and predictions share.</summary>
    public long StepBytes => dryRunDevice.Pool.PlannedBytes;

    /// <summary>Plans a training.</summary>
    /// <param name="device">The device; nothing runs on it.</param>
    /// <param name="network">
    /// The network, which needs no memory yet; or the head of one, which is trained on the features of the layers before it.
    /// </param>
    /// <param name="optimizer">Creates an optimizer like that of the training.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="training">Training samples.</param>
    /// <param name="predicted">Samples of each set that is predicted, such as those for validation.</param>
    /// <exception cref="DeviceException">It does not fit; the message names the largest batch that does.</exception>
    public static MemoryPlan For(
        Device device, Sequential network,
        Func<Optimizer> optimizer, TrainingOptions options, int training, params IReadOnlyList<int> predicted)
    {
        var batch = Math.Max(1, Math.Min(options.BatchSize, training));
        // One sample shows errors that have nothing to do with memory; any error with more samples is caused by their number.
        var (smallest, problem) = Try(1);
        if (smallest is null)
            throw new DeviceException(
                $"out of device memory: not even one sample at a time fits, {problem}; use smaller images or a smaller network");
        if (batch == 1) return smallest;
        smallest.Dispose();
        (var plan, problem) = Try(batch);
        if (plan is not null) return plan;
        var (fits, tooMany) = (1, batch);
        while (tooMany - fits > 1)
        {
            var middle = (fits + tooMany) / 2;
            using var tried = Try(middle).Plan;
            if (tried is null) tooMany = middle;
            else fits = middle;
        }
        throw new DeviceException(
            $"out of device memory: a batch of {batch} does not fit, {problem}; the largest batch that fits is {fits}");

        (MemoryPlan? Plan, string Problem) Try(int size)
        {
            MemoryPlan? tried = null;
            try
            {
                tried = new MemoryPlan(device, network, optimizer, options with { BatchSize = size });
                tried.DryRun(training, predicted);
                var memory = device.Description.MemoryBytes;
                if (tried.Bytes <= memory) return (tried, "");
                tried.Dispose();
                return (null, $"it takes {Mebibytes(tried.Bytes)} of the {Mebibytes(memory)} of {device.Description}");
            }
            catch (Exception e) when (e is DeviceException || (e is ArgumentException or OverflowException && size > 1))
            {
                tried?.Dispose();
                return (null, e is DeviceException
                    ? $"it needs a buffer larger than the {Mebibytes(device.Description.LargestAllocationBytes)} that {device.Description} "
                    + "offers at once"
                    : "it needs a tensor of more than 2³¹ elements");
            }
        }
    }

    /// <summary>Takes the memory of steps and predictions from the device, which uses it as planned until this plan is disposed.</summary>
    /// <exception cref="DeviceException">The device has less memory than it says.</exception>
    public void Reserve(Device device)
    {
        reserved = device;
        device.Pool.DryRun = (work, size) =>
        {
            DryRun(work, size);
            return dryRunDevice.Pool;
        };
        foreach (var (work, size) in works.OrderByDescending(w => w.Size)) device.Pool.Reserve(work, size);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (reserved is not null) reserved.Pool.DryRun = null;
        trainer.Dispose();
        optimizer.Dispose();
        whole.Dispose();
        dryRunDevice.Dispose();
    }

    private void DryRun(int training, IReadOnlyList<int> predicted)
    {
        if (network.First > 0) DryRun(FeatureExtraction.Work, FeatureExtraction.BatchSize);
        foreach (var size in BatchSizes(training)) DryRun(Trainer.Work, size);
        foreach (var samples in predicted)
        {
            foreach (var size in BatchSizes(samples)) DryRun(Predictor.Work, size);
            // With fewer samples than a batch, the bytes take memory of their own size.
            var capacity = DeviceBatches.CapacityFor(samples, options);
            new DeviceBatches(network, HostBatch.Blank(capacity), options with { BatchSize = capacity }).Dispose();
        }
    }

    /// <summary>Runs work twice: the first step creates the optimizer's state.</summary>
    private void DryRun(string work, int size)
    {
        if (!works.Add((work, size))) return;
        for (var i = 0; i < 2; i++)
            if (work == FeatureExtraction.Work) FeatureExtraction.DryRun(whole.Part(0, network.First), options.Algorithm);
            else if (work == Trainer.Work) trainer.Step(HostBatch.Blank(size));
            else Predictor.Answer(network, HostBatch.Blank(size), options);
    }

    /// <summary>A full batch, and the remainder at the end.</summary>
    private IEnumerable<int> BatchSizes(int samples)
    {
        if (samples >= options.BatchSize) yield return options.BatchSize;
        if (samples % options.BatchSize != 0) yield return samples % options.BatchSize;
    }

    private static string Mebibytes(long bytes) => $"{bytes / 1048576.0:F0} MiB";
}
