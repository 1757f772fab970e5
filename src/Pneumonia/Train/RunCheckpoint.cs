using System.Text.Json.Nodes;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>The checkpoints of a run: the best epoch, and the last state, from which it is resumed.</summary>
/// <param name="run">Its folder.</param>
/// <param name="network">The network, base and head.</param>
/// <param name="metadata">Metadata of the files.</param>
internal sealed class RunCheckpoint(string run, Sequential network, ModelMetadata metadata)
{
    /// <summary>Restores the state in which the run stopped.</summary>
    /// <returns>The seconds that the run has taken so far.</returns>
    /// <exception cref="UserError">The run does not fit the data, or its files are damaged.</exception>
    public double Resume(Optimizer optimizer, Trainer trainer, BestWeights best)
    {
        string bestPath = RunFolder.BestPath(run), lastPath = RunFolder.LastPath(run);
        try
        {
            var last = Checkpoint.Read(lastPath);
            RequireSameClasses(ModelMetadata.Read(last, lastPath, network.OutputShape.Length).Classes);
            last.LoadInto(network);
            last.Restore(optimizer, network.Device!);
            var time = RunTime.Read(run);
            trainer.Restore(last.Run ?? throw new FormatException($"{lastPath}: holds no place in a run"), HistoryFile.ReadSeconds(run),
                time.UnfinishedEpoch);
            // After an epoch there is a best one; without its weights the run could not end as if never stopped.
            best.Resume(trainer.History, trainer.History.Count == 0 ? null : () => Checkpoint.Read(bestPath).LoadInto(network));
            // A finished run, or one of an earlier version, has only the times of its epochs.
            return Math.Max(time.Seconds, trainer.History.Sum(epoch => epoch.Seconds) + trainer.SecondsInEpoch);
        }
        catch (FormatException e)
        {
            throw UserError.From(e);
        }
    }

    /// <summary>Writes the last state, the history and the time so far.</summary>
    /// <exception cref="UserError">A file cannot be written; existing files stay intact.</exception>
    public void WriteLast(Optimizer optimizer, Trainer trainer, RunTime time)
    {
        Write(RunFolder.LastPath(run), metadata, optimizer, trainer.State);
        HistoryFile.Write(run, EpochsOf(trainer));
        time.Write(run);
    }

    /// <summary>Writes the network as the best epoch's.</summary>
    /// <param name="threshold">The threshold chosen on validation images; null before the training has ended.</param>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public void WriteBest(double? threshold) => Write(RunFolder.BestPath(run), metadata with { Threshold = threshold });

    /// <summary>The epochs of a training, for <c>metrics.json</c> and <c>history.csv</c>.</summary>
    public static EpochMetrics[] EpochsOf(Trainer trainer) =>
    [
        .. trainer.History.Select(epoch => new EpochMetrics(epoch.Epoch, epoch.Seconds, epoch.TrainLoss, epoch.TrainAccuracy,
            epoch.ValidationLoss, epoch.ValidationAccuracy)),
    ];

    // A run of a version with another positive class would be resumed with swapped labels.
    private void RequireSameClasses(IReadOnlyList<string>? trained)
    {
        var classes = metadata.Classes!;
        if (trained is null || trained.SequenceEqual(classes)) return;
        var swapped = trained.Order(StringComparer.Ordinal).SequenceEqual(classes.Order(StringComparer.Ordinal));
        throw new UserError($"--resume: the run in {run} was started with the classes {string.Join(", ", trained)}, the data has "
            + $"{string.Join(", ", classes)}"
            + (swapped ? $"; add --positive {trained[^1]}" : "; give the same data"));
    }

    private void Write(string path, ModelMetadata written, Optimizer? optimizer = null, JsonObject? state = null)
    {
        try { Checkpoint.Write(path, network, written.ToJson(), optimizer, state); }
        catch (WeightFileException e)
        {
            throw UserError.From(e, advice: "make room there, or choose another place");
        }
    }
}
