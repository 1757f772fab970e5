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
public sealed record WrongAnswer(string Name, string Actual, string Answered, double Probability, int Pixels, int Channels, byte[] Image);

/// <summary>Everything that a report shows of a run.</summary>
/// <param name="Metrics">The figures, as in <c>metrics.json</c>.</param>
/// <param name="Classes">Names of the classes, in the order of the confusion matrix: of two, the positive one comes second.</param>
/// <param name="Data">The name of the data folder; ignored for generated images.</param>
/// <param name="Notes">Remarks on the split and the defaults, one line each.</param>
/// <param name="Warnings">What went wrong on the way, such as unreadable images.</param>
/// <param name="Settings">Every setting in the order to show, name and value.</param>
/// <param name="ValRoc">ROC curve of the validation images; empty with three classes.</param>
/// <param name="TestRoc">ROC curve of the test images; empty with three classes or without test images.</param>
/// <param name="WrongAnswers">The most confident wrong answers, worst first; may be empty.</param>
/// <param name="Duration">Wall time of the whole run.</param>
public sealed record RunSummary(
    Metrics Metrics, IReadOnlyList<string> Classes, string Data, IReadOnlyList<string> Notes, IReadOnlyList<string> Warnings,
    IReadOnlyList<(string Name, string Value)> Settings, IReadOnlyList<RocPoint> ValRoc, IReadOnlyList<RocPoint> TestRoc,
    IReadOnlyList<WrongAnswer> WrongAnswers, TimeSpan Duration);
