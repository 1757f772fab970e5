using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>Asks a network about samples.</summary>
public static class Predictor
{
    /// <summary>The name of a batch's prediction among the works whose memory is planned.</summary>
    internal const string Work = "prediction";

    /// <summary>The answers to all usable samples, in order.</summary>
    public static Predictions Run(Sequential network, ISampleSource source, TrainingOptions options, CancellationToken cancellation = default)
    {
        var outputs = network.OutputShape.Length;
        var (indices, classes, probabilities) = (new List<int>(), new List<int>(), new List<double[]>());
        for (var i = 0; i < source.Count; i++)
            if (source.IsUsable(i)) indices.Add(i);
        using var batches = new DeviceBatches(network, source, EpochOrder.Sequential(source.Count), options);
        double loss = 0;
        while (batches.Next() is { } batch)
        {
            cancellation.ThrowIfCancellationRequested();
            var logits = Answer(network, batches, batch, options);
            for (var i = 0; i < batch.Count; i++)
            {
                var row = logits.AsSpan(i * outputs, outputs);
                loss += Classification.Loss(row, batch.Classes[i]);
                probabilities.Add(Classification.Probabilities(row));
                classes.Add(batch.Classes[i]);
            }
        }
        return new Predictions([.. indices], [.. classes], [.. probabilities], loss / Math.Max(1, classes.Count));
    }

    /// <summary>The logits of a batch, [N, outputs].</summary>
    internal static float[] Answer(Sequential network, DeviceBatches batches, HostBatch batch, TrainingOptions options)
    {
        using var work = network.Device?.Pool.Follow(Work, batch.Count);
        using var input = batches.Input(batch);
        using var output = network.Predict(input, Pass.Inference with { Algorithm = options.Algorithm });
        batches.Prefetch();
        return output.ToArray();
    }

    /// <summary>The logits of a batch that stands alone.</summary>
    internal static float[] Answer(Sequential network, HostBatch batch, TrainingOptions options)
    {
        using var batches = new DeviceBatches(network, batch, options);
        return Answer(network, batches, batch, options);
    }
}
