using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>One layer of the network, for one image.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Output">Shape of what it gives.</param>
/// <param name="Parameters">How many it has.</param>
/// <param name="Trainable">How many of them were trained.</param>
/// <param name="Flops">Multiplications and additions forward.</param>
/// <param name="Timing">How long it takes; null where it was not measured.</param>
public sealed record ReportedLayer(string Name, string Kind, string Output, long Parameters, long Trainable, double Flops,
    LayerTiming? Timing = null);

/// <summary>How long a layer takes for a batch, and what share that is of what the device can do at best.</summary>
/// <param name="ForwardMilliseconds">Forward.</param>
/// <param name="ForwardShare">The least time that its roofline allows, by that time; may pass 1.</param>
/// <param name="BackwardMilliseconds">Backward; 0 where there is nothing to do.</param>
/// <param name="BackwardShare">The same share.</param>
public readonly record struct LayerTiming(double ForwardMilliseconds, double ForwardShare, double BackwardMilliseconds,
    double BackwardShare);

/// <summary>What layers were measured with.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Gigaflops">float32 operations a second that the device can do, in units of 10⁹.</param>
/// <param name="GigabytesPerSecond">Bytes a second that it can move, in units of 10⁹.</param>
public sealed record LayerMeasure(int Batch, double Gigaflops, double GigabytesPerSecond);

/// <summary>Everything that a report shows of a run.</summary>
/// <param name="Metrics">The figures, as in <c>metrics.json</c>.</param>
/// <param name="Classes">Names of the classes, in the order of the confusion matrix: of two, the positive one comes second.</param>
/// <param name="Data">The name of the data folder; ignored for generated images.</param>
/// <param name="Notes">Remarks on the split and the defaults, one line each.</param>
/// <param name="Warnings">What went wrong, such as unreadable images.</param>
/// <param name="Settings">Every setting in the order to show, name and value.</param>
/// <param name="Val">Predictions of the best epoch for the validation images; null without any.</param>
/// <param name="Test">Predictions of the best epoch for the test images; null without any.</param>
/// <param name="Wrong">The most confident wrong predictions, worst first; may be empty.</param>
/// <param name="Duration">Wall time of the whole run, over all its sittings.</param>
public sealed record RunSummary(
    Metrics Metrics, IReadOnlyList<string> Classes, string Data, IReadOnlyList<string> Notes, IReadOnlyList<string> Warnings,
    IReadOnlyList<(string Name, string Value)> Settings, PartPredictions? Val, PartPredictions? Test,
    IReadOnlyList<WrongPrediction> Wrong, TimeSpan Duration)
{
    /// <summary>Its predictions for validation and test images.</summary>
    public ScoredPredictions Scored => new(Classes, Metrics.Threshold,
        [.. new[] { ("validation", Metrics.Val, Val), ("test", Metrics.Test, Test) }.Where(part => part.Item2 is not null)
            .Select(part => new ScoredPart(part.Item1, part.Item2!, part.Item3))], Wrong);

    /// <summary>Which of two classes is positive, and why; null with more.</summary>
    public PositiveClass? Positive { get; init; }

    /// <summary>The arguments that repeat the run; null where no command line does.</summary>
    public string? CommandLine { get; init; }

    /// <summary>What augmentation did, in words, and as a PNG sheet of examples; null without.</summary>
    public (string Words, byte[] Sheet)? Augmentation { get; init; }

    /// <summary>The network from its first layer to its last.</summary>
    public IReadOnlyList<ReportedLayer> Layers { get; init; } = [];

    /// <summary>What they were measured with; null where they were not.</summary>
    public LayerMeasure? Measure { get; init; }

    /// <summary>The file that the weights started from; null for random ones.</summary>
    public string? Weights { get; init; }

    /// <summary>Images of each part that a limit kept; null where all were used.</summary>
    public int? Limit { get; init; }
}
