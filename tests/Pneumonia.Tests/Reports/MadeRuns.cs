using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Tests.Reports;

/// <summary>Fabricated runs, for tests of their output.</summary>
internal static class MadeRuns
{
    public static Metrics Metrics(bool synthetic = true)
    {
        bool[] positive = [.. Enumerable.Range(0, 60).Select(i => i % 2 == 0)];
        var block = ScoreBlock.OfTwo(positive, Probabilities(), 0.4, 0.6);
        EpochMetrics[] epochs = [.. Enumerable.Range(1, 8)
            .Select(e => new EpochMetrics(e, 1.5, 0.7 / e, 1 - 0.4 / e, e == 3 ? double.NaN : 0.75 / e, 1 - 0.45 / e))];
        return new Metrics("cnn", 3453121, 3453121, "made-up <device>", 1, synthetic, new SplitCounts("synthetic", 480, 60, 60),
            epochs, 8, 123.4, 0.6, block, block);
    }

    private static double[] Probabilities() => [.. Enumerable.Range(0, 60).Select(i => (i % 2 == 0 ? 0.55 : 0.25) + i % 7 * 0.05)];

    /// <summary>60 predictions, some of them incorrect.</summary>
    public static PartPredictions Answers() =>
        new([.. Enumerable.Range(0, 60).Select(i => 1 - i % 2)], [.. Probabilities().Select(p => new[] { 1 - p, p })]);

    public static RunSummary Summary(Metrics metrics) => new(metrics, ["NORMAL", "PNEUMONIA"], "chest_xray", ["a note & more"],
        ["train/NORMAL/<x>.png: is empty (0 bytes); left out"],
            [("epochs", "8"), ("optimizer", "rmsprop"), ("images", new string('f', 64))],
        Answers(), Answers(),
            [.. Enumerable.Range(0, 3).Select(i => new WrongPrediction($"test/NORMAL/a_rather_long_name_of_an_image_{i}.png", "NORMAL",
                ImagePrediction.Of(["NORMAL", "PNEUMONIA"], [0.03, 0.97], 0.6), 4, 1, new byte[16])
        {
            Map = i switch { 0 => new PredictionMap("Grad-CAM", PngWriter.Encode(new byte[48], 4, 4, 3)),
                1 => new PredictionMap("no map: no evidence for it", null), _ => null },
        })], TimeSpan.FromSeconds(75))
    {
        CommandLine = "train --data 'my chest x-rays' --model cnn --epochs 8",
        Augmentation = ("rotation ±40°, flip <yes>", PngWriter.Encode(new byte[800 * 50], 800, 50, 1)),
        Layers = [new ReportedLayer("conv1", "convolution 3×3", "[148,148,32]", 896, 896, 37e6, new LayerTiming(1.25, 0.6, 2.5, 1.3)),
            new ReportedLayer("dense", "dense", "[1]", 513, 513, 1024, new LayerTiming(0.01, 0.2, 0, 0))],
        Measure = new LayerMeasure(8, 200, 20),
        Limit = 480,
    };
}
