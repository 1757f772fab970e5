using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>Predicts samples with a network.</summary>
public static class Predictor
{
    /// <summary>The name under which the memory of a batch's prediction is planned.</summary>
    internal const string Work = "prediction";

    /// <summary>The predictions for all usable samples, in order. Several threads may predict with one network at the same time.</summary>
    /// <exception cref="ArgumentException">A sample's length differs from the network's input, or its class is none of the
    /// network's.</exception>
    public static Predictions Run(Sequential network, ISampleSource source, TrainingOptions options,
        CancellationToken cancellation = default)
    {
        var (indices, classes, probabilities, losses) = Ask(network, source, options, null, cancellation);
        return new Predictions(indices, classes, probabilities, losses.Sum() / Math.Max(1, losses.Length));
    }

    /// <summary>
    /// Test-time augmentation: the mean prediction over several copies of every usable sample, in order. The first copy is the sample
    /// itself. Each other copy is changed by an affine map that its number and the seed draw from the augmentation's ranges. The maps are
    /// the same for all samples, so a prediction does not depend on the other samples. The loss is that of the mean probabilities.
    /// </summary>
    /// <param name="network">The network, on its device.</param>
    /// <param name="source">The samples.</param>
    /// <param name="options">Batch size, scaling, seed, and the augmentation if there are several copies.</param>
    /// <param name="copies">Copies of each sample, at least one.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">No copies, or several without an augmentation to make them; or as for
    /// <see cref="Run"/>.</exception>
    public static Predictions RunOnCopies(
        Sequential network, ISampleSource source, TrainingOptions options, int copies, CancellationToken cancellation = default)
    {
        if (copies < 1) throw new ArgumentOutOfRangeException(nameof(copies), copies, "prediction: at least one copy");
        if (copies > 1 && options.Augmentation is null) throw new ArgumentException($"prediction: {copies} copies need an augmentation");
        var (indices, classes, probabilities, losses) = Ask(network, source, options, null, cancellation);
        var ofTrueClass = losses.Select(loss => new List<double> { loss }).ToArray();
        for (var copy = 1; copy < copies; copy++)
        {
            var changed = Ask(network, source, options, copy, cancellation);
            for (var i = 0; i < probabilities.Length; i++)
            {
                ofTrueClass[i].Add(changed.Losses[i]);
                for (var c = 0; c < probabilities[i].Length; c++) probabilities[i][c] += changed.Probabilities[i][c];
            }
        }
        foreach (var row in probabilities)
            for (var c = 0; c < row.Length; c++) row[c] /= copies;
        return new Predictions(indices, classes, probabilities, ofTrueClass.Sum(LossOfMean) / Math.Max(1, losses.Length));
    }

    /// <summary>The logits of a batch, [N, outputs].</summary>
    internal static float[] Answer(Sequential network, DeviceBatches batches, HostBatch batch, TrainingOptions options)
    {
        using var span = network.Device?.Trace?.Phase("predict");
        using var work = network.Device?.Pool.BeginWork(Work, batch.Count);
        using var input = batches.Input(batch);
        using var output = network.Predict(input, Pass.Inference with { Algorithm = options.Algorithm });
        batches.Prefetch();
        return output.ToArray();
    }

    /// <summary>The logits of a single batch.</summary>
    internal static float[] Answer(Sequential network, HostBatch batch, TrainingOptions options)
    {
        using var batches = new DeviceBatches(network, batch, options);
        return Answer(network, batches, batch, options);
    }

    // Indices, classes, probabilities and losses of the usable samples, for the samples themselves or for one copy of them.
    private static (int[] Indices, int[] Classes, double[][] Probabilities, double[] Losses) Ask(
        Sequential network, ISampleSource source, TrainingOptions options, int? copy, CancellationToken cancellation)
    {
        var outputs = network.OutputShape.Length;
        var (indices, classes, probabilities, losses) = (new List<int>(), new List<int>(), new List<double[]>(), new List<double>());
        for (var i = 0; i < source.Count; i++)
            if (source.IsUsable(i)) indices.Add(i);
        using var batches = new DeviceBatches(network, source, EpochOrder.Sequential(source.Count), options, epoch: copy) { Alike = true };
        while (batches.Next() is { } batch)
        {
            cancellation.ThrowIfCancellationRequested();
            Classification.RequireLabels(batch, outputs);
            var logits = Answer(network, batches, batch, options);
            for (var i = 0; i < batch.Count; i++)
            {
                var row = logits.AsSpan(i * outputs, outputs);
                foreach (var logit in row)
                    if (!float.IsFinite(logit))
                        throw new DivergedException(
                            $"the network's answer to sample {indices[classes.Count]} is {logit}: its weights are not numbers, or far too "
                            + "large");
                losses.Add(Classification.Loss(row, batch.Classes[i]));
                probabilities.Add(Classification.Probabilities(row));
                classes.Add(batch.Classes[i]);
            }
        }
        return ([.. indices], [.. classes], [.. probabilities], [.. losses]);
    }

    // −log of the mean of p = e^(−loss), also where every p is too small for a number.
    private static double LossOfMean(List<double> losses)
    {
        var least = losses.Min();
        return least - Math.Log(losses.Average(loss => Math.Exp(least - loss)));
    }
}
