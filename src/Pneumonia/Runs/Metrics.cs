using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Runs;

/// <summary>How many images each part has, and how they were divided.</summary>
/// <param name="Kind">"folders", "patient", "random" or "reference"; "synthetic" for generated images.</param>
public sealed record SplitCounts(string Kind, int Train, int Val, int Test);

/// <summary>One pass over the training images.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Seconds">Wall time, validation included.</param>
/// <param name="TrainLoss">Mean over the epoch's images, as training saw them.</param>
/// <param name="TrainAccuracy">The same.</param>
/// <param name="ValLoss">After the epoch.</param>
/// <param name="ValAccuracy">After the epoch, at threshold ½ or by the most probable class.</param>
public sealed record EpochMetrics(int Epoch, double Seconds, double TrainLoss, double TrainAccuracy, double ValLoss, double ValAccuracy);

/// <summary>The content of <c>metrics.json</c>: what a run found out, as scripts read it.</summary>
/// <param name="Model">"mlp", "cnn", …</param>
/// <param name="Parameters">Number of parameters.</param>
/// <param name="Trainable">How many of them were trained.</param>
/// <param name="Device">Name of the device.</param>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Synthetic">Whether the images were generated.</param>
/// <param name="Split">The parts.</param>
/// <param name="Epochs">One entry an epoch, in order.</param>
/// <param name="BestEpoch">The epoch with the lowest validation loss, from 1; 0 before the first has ended.</param>
/// <param name="ImagesPerSecond">Training images a second, over all epochs.</param>
/// <param name="Threshold">Probability at and above which an image is called positive, chosen on validation images; null with three
/// classes.</param>
/// <param name="Val">Scores of the best epoch on validation images; null where there are none.</param>
/// <param name="Test">Scores of the best epoch on test images; null where there are none.</param>
public sealed record Metrics(
    string Model, long Parameters, long Trainable, string Device, int Seed, bool Synthetic, SplitCounts Split,
    IReadOnlyList<EpochMetrics> Epochs, int BestEpoch, double ImagesPerSecond, double? Threshold, ScoreBlock? Val, ScoreBlock? Test)
{
    /// <summary>The positive one of two classes; null with more, and in files of versions that did not say it.</summary>
    public string? Positive { get; init; }

    /// <summary>How many images told their patient, and by what; null for generated images, and for runs of earlier versions.</summary>
    public PatientCount? Patients { get; init; }

    /// <summary>Images that were not used, by kind.</summary>
    public IReadOnlyList<LeftOut> LeftOut { get; init; } = [];

    /// <summary>How many images were left out of validation and test because their pixels are in an earlier part.</summary>
    public int CopiesAcrossParts { get; init; }
}
