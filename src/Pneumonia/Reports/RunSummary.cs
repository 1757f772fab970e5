using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>An image that the model got wrong.</summary>
/// <param name="Name">Relative path, or the name of a phantom.</param>
/// <param name="Actual">Its class.</param>
/// <param name="Answered">The most probable class.</param>
/// <param name="Probability">Of that class.</param>
/// <param name="Pixels">Width and height.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Image">[Pixels, Pixels, Channels].</param>
public sealed record WrongAnswer(string Name, string Actual, string Answered, double Probability, int Pixels, int Channels, byte[] Image)
{
    /// <summary>PNG of the image under a Grad-CAM map of the answered class; null where the network has no layer that gives one.</summary>
    public byte[]? Explanation { get; init; }
}

/// <summary>One layer of the network, for one image.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Output">Shape of what it gives.</param>
/// <param name="Parameters">How many it has.</param>
/// <param name="Trainable">How many of them were trained.</param>
/// <param name="Flops">Multiplications and additions forward.</param>
public sealed record ReportedLayer(string Name, string Kind, string Output, long Parameters, long Trainable, double Flops);

/// <summary>Everything that a report shows of a run.</summary>
/// <param name="Metrics">The figures, as in <c>metrics.json</c>.</param>
/// <param name="Classes">Names of the classes, in the order of the confusion matrix: of two, the positive one comes second.</param>
/// <param name="Data">The name of the data folder; ignored for generated images.</param>
/// <param name="Notes">Remarks on the split and the defaults, one line each.</param>
/// <param name="Warnings">What went wrong on the way, such as unreadable images.</param>
/// <param name="Settings">Every setting in the order to show, name and value.</param>
/// <param name="Val">Answers of the best epoch to the validation images; null without any.</param>
/// <param name="Test">Answers of the best epoch to the test images; null without any.</param>
/// <param name="WrongAnswers">The most confident wrong answers, worst first; may be empty.</param>
/// <param name="Duration">Wall time of the whole run.</param>
public sealed record RunSummary(
    Metrics Metrics, IReadOnlyList<string> Classes, string Data, IReadOnlyList<string> Notes, IReadOnlyList<string> Warnings,
    IReadOnlyList<(string Name, string Value)> Settings, PartAnswers? Val, PartAnswers? Test,
    IReadOnlyList<WrongAnswer> WrongAnswers, TimeSpan Duration)
{
    /// <summary>The arguments that repeat the run.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>What augmentation did, in words, and as a PNG sheet of examples; null without.</summary>
    public (string Words, byte[] Sheet)? Augmentation { get; init; }

    /// <summary>The network from its first layer to its last.</summary>
    public IReadOnlyList<ReportedLayer> Layers { get; init; } = [];

    /// <summary>The file that the weights started from; null for random ones.</summary>
    public string? Weights { get; init; }

    /// <summary>Images of each part that a limit kept; null where all were used.</summary>
    public int? Limit { get; init; }
}
