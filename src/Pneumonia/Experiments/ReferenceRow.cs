using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Experiments;

/// <summary>Published results of a run on its test images.</summary>
/// <param name="TestLoss">Mean loss in nats; null if not published.</param>
/// <param name="TestAccuracy">Fraction of correct predictions; null if not published.</param>
public sealed record PublishedScores(double? TestLoss, double? TestAccuracy);

/// <summary>A row of the reference table: a training, and its author's results.</summary>
/// <param name="Id">Its name on the command line, and of its run folder.</param>
/// <param name="What">What is trained, in words.</param>
/// <param name="Settings">The training, with the full number of epochs; its weights only indicate that some are needed.</param>
/// <param name="Published">The published results.</param>
/// <param name="SecondRun">Results of a second run of the same notebook; null if there is none.</param>
/// <param name="Hours">Training time on the author's computer; null if unknown.</param>
public sealed record ReferenceRow(
    string Id, string What, TrainSettings Settings, PublishedScores Published, PublishedScores? SecondRun = null, double? Hours = null)
{
    /// <summary>Differences of the author's training, or notes on its results; null if there are none.</summary>
    public string? Remark { get; init; }

    /// <summary>Whether the last convolution of the base is trained with the head.</summary>
    public bool TrainsLastConvolution { get; init; }

    /// <summary>Whether the row starts from the published weights of a base.</summary>
    public bool NeedsWeights => Settings.Model == ModelKind.Vgg19;
}
