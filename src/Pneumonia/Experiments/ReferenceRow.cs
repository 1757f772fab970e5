using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Experiments;

/// <summary>What was published of a run on its test images.</summary>
/// <param name="TestLoss">Mean loss in nats; null where none was given.</param>
/// <param name="TestAccuracy">Share of right answers; null where none was given.</param>
public sealed record PublishedScores(double? TestLoss, double? TestAccuracy);

/// <summary>A row of the reference table: a training, and what its author got.</summary>
/// <param name="Id">Its name on the command line, and of its run folder.</param>
/// <param name="What">What is trained, in words.</param>
/// <param name="Settings">The training; its epochs are those of the full length, its weights only say that some are needed.</param>
/// <param name="Published">The published figures.</param>
/// <param name="SecondRun">Those of a second run of the same notebook; null where there is none.</param>
/// <param name="Hours">How long the author's computer took; null where that is not known.</param>
public sealed record ReferenceRow(
    string Id, string What, TrainSettings Settings, PublishedScores Published, PublishedScores? SecondRun = null, double? Hours = null)
{
    /// <summary>How the author's training differed, or how its figures are to be read; null where there is nothing to say.</summary>
    public string? Remark { get; init; }

    /// <summary>Whether the last convolution of the base is trained with the head.</summary>
    public bool TrainsLastConvolution { get; init; }

    /// <summary>Whether the row starts from the published weights of a base.</summary>
    public bool NeedsWeights => Settings.Model == ModelKind.Vgg19;
}
