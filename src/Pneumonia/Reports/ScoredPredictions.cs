using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>A network's predictions for one part of some images, and their figures.</summary>
/// <param name="Name">"validation", "test", …; "all" for images without parts.</param>
/// <param name="Scores">The figures.</param>
/// <param name="Predictions">The predictions that curves are drawn from; null where only the figures are known.</param>
public sealed record ScoredPart(string Name, ScoreBlock Scores, PartPredictions? Predictions)
{
    /// <summary>What the images are called in a sentence: "test images", or just "images".</summary>
    public string Images =>
        Name switch { "all" => "images", "train" => "training images", "val" => "validation images", _ => $"{Name} images" };
}

/// <summary>What a report shows of a network's predictions, whether a training or an evaluation made them.</summary>
/// <param name="Classes">Names of the classes; of two, the positive one comes second.</param>
/// <param name="Threshold">The network's own threshold; null where it has none.</param>
/// <param name="Parts">The parts that have images; the last is the one that is reported.</param>
/// <param name="Wrong">The most confident wrong predictions of that part, worst first.</param>
public sealed record ScoredPredictions(IReadOnlyList<string> Classes, double? Threshold, IReadOnlyList<ScoredPart> Parts,
    IReadOnlyList<WrongPrediction> Wrong)
{
    /// <summary>
    /// The part that headlines and pictures are about: test images, or validation images where there are none; null without any.
    /// </summary>
    public ScoredPart? Reported => Parts.LastOrDefault();

    /// <summary>Whether there are two classes, of which one is positive.</summary>
    public bool IsTwoClass => Classes.Count == 2;
}

/// <summary>An image whose class the network got wrong.</summary>
/// <param name="Name">Relative path, or the name of a phantom.</param>
/// <param name="Actual">Its class.</param>
/// <param name="Prediction">What the network predicted.</param>
/// <param name="Pixels">Width and height.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Image">[Pixels, Pixels, Channels].</param>
public sealed record WrongPrediction(string Name, string Actual, ImagePrediction Prediction, int Pixels, int Channels, byte[] Image)
{
    /// <summary>Where the prediction came from, drawn over the image; null where the network has no layer that gives a picture.</summary>
    public PredictionMap? Map { get; init; }
}

/// <summary>A picture of where a prediction came from.</summary>
/// <param name="Caption">How it was made, or why there is no picture.</param>
/// <param name="Png">The image under the map, as PNG; null where the map is zero everywhere and would show nothing.</param>
public sealed record PredictionMap(string Caption, byte[]? Png);
