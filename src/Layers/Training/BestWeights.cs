using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>
/// Keeps the weights of the epoch with the lowest validation loss (training loss if there is no validation), reports improvements, and with
/// a patience ends a training that no longer improves.
/// </summary>
/// <param name="network">The network.</param>
/// <param name="patience">Epochs without improvement after which training ends; null for never.</param>
public sealed class BestWeights(Sequential network, int? patience = null) : TrainingCallback
{
    private float[][]? weights;

    /// <summary>The best epoch so far, counted from 1; 0 before the first.</summary>
    public int Epoch { get; private set; }

    /// <summary>Its loss.</summary>
    public double Loss { get; private set; } = double.PositiveInfinity;

    /// <summary>Whether the patience is exceeded.</summary>
    /// <param name="epochs">Finished epochs.</param>
    public bool IsExhausted(int epochs) => patience is not null && Epoch > 0 && epochs - Epoch >= patience;

    /// <summary>Called when an epoch is the best so far, while its weights are in the network.</summary>
    public Action? Improved { get; init; }

    /// <inheritdoc/>
    public override bool EpochDone(EpochResult result)
    {
        var loss = double.IsNaN(result.ValidationLoss) ? result.TrainLoss : result.ValidationLoss;
        if (loss < Loss)
        {
            (Loss, Epoch) = (loss, result.Epoch);
            weights = [.. network.Parameters.Select(p => p.Value.ToArray())];
            Improved?.Invoke();
        }
        return !IsExhausted(result.Epoch);
    }

    /// <summary>Restores the best weights exactly.</summary>
    public void Restore()
    {
        if (weights is null) return;
        foreach (var (parameter, values) in network.Parameters.Zip(weights)) parameter.Value.CopyFrom(values);
    }

    /// <summary>Continues a stored run. The history tells which epoch was best; <paramref name="best"/> loads its weights.</summary>
    /// <param name="history">The finished epochs.</param>
    /// <param name="best">Loads the best weights into the network, whose current weights are restored afterwards; null if there are
    /// none.</param>
    public void Resume(IReadOnlyList<EpochResult> history, Action? best)
    {
        foreach (var result in history)
        {
            var loss = double.IsNaN(result.ValidationLoss) ? result.TrainLoss : result.ValidationLoss;
            if (loss < Loss) (Loss, Epoch) = (loss, result.Epoch);
        }
        if (best is null) return;
        float[][] current = [.. network.Parameters.Select(p => p.Value.ToArray())];
        best();
        weights = [.. network.Parameters.Select(p => p.Value.ToArray())];
        foreach (var (parameter, values) in network.Parameters.Zip(current)) parameter.Value.CopyFrom(values);
    }
}
