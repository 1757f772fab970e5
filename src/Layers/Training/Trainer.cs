using System.Diagnostics;
using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Layers.Training;

/// <summary>How a network is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training samples.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>How the optimizer's learning rate changes over all epochs.</summary>
    public LearningRateSchedule Schedule { get; init; }

    /// <summary>Samples per step.</summary>
    public int BatchSize { get; init; } = 100;

    /// <summary>Fixes shuffling, dropout and augmentation.</summary>
    public uint Seed { get; init; } = 1;

    /// <summary>The weight of each class in the loss; null for ones.</summary>
    public float[]? ClassWeights { get; init; }

    /// <summary>How convolutions are computed.</summary>
    public ConvolutionAlgorithm Algorithm { get; init; } = ConvolutionAlgorithm.Auto;

    /// <summary>How bytes of images become floats; null if samples are float32 values already.</summary>
    public PixelScaling? Scaling { get; init; } = PixelScaling.Rescale;

    /// <summary>Random changes to training images; null for none. Other images are never changed.</summary>
    public AugmentationRanges? Augmentation { get; init; }

    /// <summary>Whether an image gets the same changes in every epoch instead of new ones.</summary>
    public bool AugmentOnce { get; init; }
}

/// <summary>One finished epoch.</summary>
/// <param name="Epoch">Counted from 1.</param>
/// <param name="Seconds">Its time, validation included.</param>
/// <param name="TrainLoss">Mean loss over the training samples during the epoch, penalties included.</param>
/// <param name="TrainAccuracy">Accuracy on the training samples during the epoch, as a fraction.</param>
/// <param name="ValidationLoss">Mean loss on the validation samples after the epoch; NaN if there are none.</param>
/// <param name="ValidationAccuracy">Accuracy on them, as a fraction; NaN if there are none.</param>
public sealed record EpochResult(
    int Epoch, double Seconds, double TrainLoss, double TrainAccuracy, double ValidationLoss, double ValidationAccuracy)
{
    /// <summary>Seconds that the device waited for training images; not stored in checkpoints.</summary>
    public double InputWaitSeconds { get; init; }
}

/// <summary>Progress of an epoch after a step.</summary>
/// <param name="Epoch">Counted from 1.</param>
/// <param name="Samples">Samples visited in this epoch.</param>
/// <param name="SamplesInEpoch">Samples of a whole epoch.</param>
/// <param name="Loss">Mean loss of this epoch so far.</param>
/// <param name="Accuracy">Accuracy in this epoch so far, as a fraction.</param>
/// <param name="ImagesPerSecond">Speed of this epoch so far.</param>
public readonly record struct StepProgress(int Epoch, int Samples, int SamplesInEpoch, double Loss, double Accuracy,
    double ImagesPerSecond);

/// <summary>Observes a training, and may end it.</summary>
public abstract class TrainingCallback
{
    /// <summary>After every step.</summary>
    public virtual void StepDone(StepProgress progress)
    {
    }

    /// <summary>After every epoch and its validation.</summary>
    /// <returns>False to end the training here.</returns>
    public virtual bool EpochDone(EpochResult result) => true;
}

/// <summary>The loss, or an output of the network, became NaN or infinite.</summary>
public sealed class DivergedException(string message) : Exception(message);

/// <summary>
/// Trains a network. Everything random is a function of the seed and the position in the run, so a training that is stopped between two
/// steps, stored (<see cref="State"/>) and resumed ends with exactly the same weights.
/// </summary>
public sealed class Trainer : IDisposable
{
    /// <summary>The name under which the memory of a step is planned.</summary>
    internal const string Work = "training step";

    private readonly Sequential network;
    private readonly Optimizer optimizer;
    private readonly TrainingOptions options;
    private readonly Device device;
    private readonly List<EpochResult> history = [];
    private readonly Tensor correct;
    // One number for each sample of a batch, to be uploaded.
    private readonly float[] hostNumbers;
    private readonly float learningRate;
    private int epoch = 1, position, samples;
    private double lossSum, correctSum, secondsBefore, inputWait;

    /// <summary>Takes a network, on its device, and an optimizer.</summary>
    /// <exception cref="ArgumentException">The network's output is not a row of logits, a batch has no samples, or the class weights do not
    /// match the classes.</exception>
    /// <exception cref="InvalidOperationException">The network is not initialized.</exception>
    public Trainer(Sequential network, Optimizer optimizer, TrainingOptions options)
    {
        this.network = network;
        this.optimizer = optimizer;
        this.options = options;
        device = network.Device ?? throw new InvalidOperationException("training: initialize the network first");
        if (network.OutputShape.Rank != 1)
            throw new ArgumentException($"training: the network gives {network.OutputShape} instead of a row of logits");
        if (options.BatchSize < 1)
            throw new ArgumentException($"training: a batch of {options.BatchSize} samples; it must have at least 1");
        RequireClassWeights(options.ClassWeights, Classification.Classes(network.OutputShape.Length));
        correct = Tensor.Zeros(device, new Shape(1));
        hostNumbers = new float[options.BatchSize];
        learningRate = optimizer.LearningRate;
    }

    /// <summary>The finished epochs.</summary>
    public IReadOnlyList<EpochResult> History => history;

    /// <summary>Seconds spent in the unfinished epoch; 0 between two epochs. Not part of <see cref="State"/>.</summary>
    public double SecondsInEpoch => secondsBefore;

    /// <summary>The position in the run, for a checkpoint.</summary>
    public JsonObject State => new()
    {
        ["epoch"] = epoch,
        ["position"] = position,
        ["samples"] = samples,
        ["lossSum"] = lossSum,
        ["correctSum"] = correctSum,
        ["seed"] = options.Seed,
        ["batch"] = options.BatchSize,
        ["history"] = new JsonArray([.. history.Select(e =>
            new JsonArray(e.TrainLoss, e.TrainAccuracy, Finite(e.ValidationLoss), Finite(e.ValidationAccuracy)))]),
    };

    /// <summary>Restores a stored position.</summary>
    /// <param name="state">What <see cref="State"/> gave.</param>
    /// <param name="seconds">The times of the finished epochs, which a checkpoint does not contain; missing ones count as 0.</param>
    /// <param name="secondsInEpoch">The value of <see cref="SecondsInEpoch"/>; 0 between two epochs.</param>
    /// <exception cref="FormatException">The state does not come from <see cref="State"/>, or belongs to other settings.</exception>
    public void Restore(JsonObject state, IReadOnlyList<double> seconds, double secondsInEpoch = 0)
    {
        try
        {
            if ((uint)state["seed"]! != options.Seed || (int)state["batch"]! != options.BatchSize)
                throw new FormatException(
                    $"the run was started with seed {state["seed"]} and batch {state["batch"]}, "
                    + $"not {options.Seed} and {options.BatchSize}");
            epoch = (int)state["epoch"]!;
            position = (int)state["position"]!;
            samples = (int)state["samples"]!;
            lossSum = (double)state["lossSum"]!;
            correctSum = (double)state["correctSum"]!;
            secondsBefore = position > 0 ? secondsInEpoch : 0;
            history.Clear();
            foreach (var row in state["history"]!.AsArray())
                history.Add(new EpochResult(history.Count + 1, seconds.ElementAtOrDefault(history.Count), (double)row![0]!, (double)row[1]!,
                    (double?)row[2] ?? double.NaN, (double?)row[3] ?? double.NaN));
        }
        catch (Exception e) when (e is NullReferenceException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException($"the state of the run cannot be used: {e.Message}", e);
        }
    }

    /// <summary>
    /// Trains until all epochs are done, a callback ends the training, or it is cancelled, which happens between two steps.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled; <see cref="State"/> is where it can continue.</exception>
    /// <exception cref="DivergedException">The loss, or an output for a validation sample, is no longer a number.</exception>
    /// <exception cref="ArgumentException">A sample's length differs from the network's input, or its class is none of the
    /// network's.</exception>
    public void Fit(ISampleSource training, ISampleSource? validation, IReadOnlyList<TrainingCallback> callbacks,
        CancellationToken cancellation = default)
    {
        while (epoch <= options.Epochs)
        {
            var watch = Stopwatch.StartNew();
            Predictions? scores;
            try
            {
                TrainEpoch(training, callbacks, watch, cancellation);
                if (samples == 0) throw new InvalidOperationException("training: not one sample is usable");
                scores = validation is null ? null : Validate(validation, cancellation);
            }
            catch (OperationCanceledException)
            {
                secondsBefore += watch.Elapsed.TotalSeconds;
                throw;
            }
            var result = new EpochResult(epoch, watch.Elapsed.TotalSeconds + secondsBefore, lossSum / samples, correctSum / samples,
                scores?.Loss ?? double.NaN, scores?.Accuracy ?? double.NaN)
            {
                InputWaitSeconds = inputWait,
            };
            history.Add(result);
            epoch++;
            (position, samples, lossSum, correctSum, secondsBefore, inputWait) = (0, 0, 0, 0, 0, 0);
            var goOn = true;
            foreach (var callback in callbacks) goOn &= callback.EpochDone(result);
            if (!goOn) return;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => correct.Dispose();

    private void TrainEpoch(ISampleSource training, IReadOnlyList<TrainingCallback> callbacks, Stopwatch watch,
        CancellationToken cancellation)
    {
        var samplesBefore = samples;
        using var batches = new DeviceBatches(
            network, training, EpochOrder.Shuffled(training.Count, options.Seed, epoch), options, position, epoch);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var next = batches.Next();
            inputWait = batches.Waited.TotalSeconds;
            if (next is not { } batch) return;
            FollowSchedule(training.Count);
            var (loss, right) = Step(batches, batch);
            if (!double.IsFinite(loss))
                throw new DivergedException($"the loss became {loss} in epoch {epoch} after {samples} images: try a smaller learning rate");
            lossSum += loss * batch.Count;
            correctSum += right;
            samples += batch.Count;
            position = batch.NextPosition;
            var progress = new StepProgress(epoch, samples, training.Count, lossSum / samples, correctSum / samples,
                (samples - samplesBefore) / watch.Elapsed.TotalSeconds);
            foreach (var callback in callbacks) callback.StepDone(progress);
        }
    }

    // If the last step of an epoch ruined the weights, the training loss does not show it; the outputs afterwards do.
    private Predictions Validate(ISampleSource validation, CancellationToken cancellation)
    {
        using var span = device.Trace?.Phase("validate");
        try
        {
            return Predictor.Run(network, validation, options, cancellation);
        }
        catch (DivergedException e)
        {
            throw new DivergedException($"after epoch {epoch}, {e.Message}: try a smaller learning rate");
        }
    }

    /// <summary>
    /// One step: everything is launched without waiting; only the loss and the number of correct predictions are read back.
    /// </summary>
    private (double Loss, double Correct) Step(DeviceBatches batches, HostBatch batch)
    {
        Classification.RequireLabels(batch, network.OutputShape.Length);
        var trace = device.Trace;
        using var span = trace?.Phase("step");
        using var work = device.Pool.BeginWork(Work, batch.Count);
        using var targets = Targets(batch);
        using var weights = Weights(batch);
        using var input = batches.Input(batch);
        using var tape = new Tape(device);
        Tensor loss;
        using (trace?.Phase("forward"))
        {
            var logits = network.Forward(tape, input, new Pass(true, options.Seed, optimizer.Steps, options.Algorithm));
            loss = logits.Shape[1] == 1
                ? LossOperation.BinaryCrossEntropy(tape, logits, targets, weights)
                : LossOperation.SoftmaxCrossEntropy(tape, logits, targets, weights);
            CorrectAnswersOperation.Count(logits, targets, null, correct);
            loss = tape.Keep(network.AddPenalties(tape, loss));
        }
        using (trace?.Phase("backward")) tape.Backward(loss);
        using (trace?.Phase("update")) optimizer.Step(network.Parameters);
        batches.Prefetch();
        Span<float> value = stackalloc float[1];
        loss.CopyTo(value);
        var lossValue = value[0];
        correct.CopyTo(value);
        return (lossValue, value[0]);
    }

    /// <summary>A step on a single batch.</summary>
    internal (double Loss, double Correct) Step(HostBatch batch)
    {
        using var batches = new DeviceBatches(network, batch, options, epoch);
        return Step(batches, batch);
    }

    /// <summary>
    /// Sets the learning rate of the next step by the position in the run, which checkpoints contain. Unusable samples do not shift it.
    /// </summary>
    private void FollowSchedule(int samplesInEpoch)
    {
        if (options.Schedule == LearningRateSchedule.Constant) return;
        var whole = (double)options.Epochs * samplesInEpoch;
        var visited = (double)(epoch - 1) * samplesInEpoch + position;
        var factor = LearningRateFactor.Of(options.Schedule, visited / whole, options.BatchSize / whole);
        optimizer.LearningRate = (float)(learningRate * factor);
    }

    private Tensor Targets(HostBatch batch)
    {
        var targets = hostNumbers.AsSpan(0, batch.Count);
        for (var i = 0; i < targets.Length; i++) targets[i] = batch.Classes[i];
        return Tensor.FromValues(device, new Shape(batch.Count), targets);
    }

    private Tensor? Weights(HostBatch batch)
    {
        if (options.ClassWeights is null) return null;
        var weights = hostNumbers.AsSpan(0, batch.Count);
        for (var i = 0; i < weights.Length; i++) weights[i] = options.ClassWeights[batch.Classes[i]];
        return Tensor.FromValues(device, new Shape(batch.Count), weights);
    }

    private static void RequireClassWeights(float[]? weights, int classes)
    {
        if (weights is null) return;
        if (weights.Length != classes)
            throw new ArgumentException($"class weights: {weights.Length} were given, but the network tells {classes} classes apart");
        for (var c = 0; c < classes; c++)
            if (!(weights[c] >= 0 && float.IsFinite(weights[c])))
                throw new ArgumentException($"class weights: that of class {c} is {weights[c]}; it must be a finite number, at least 0");
    }

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;
}
