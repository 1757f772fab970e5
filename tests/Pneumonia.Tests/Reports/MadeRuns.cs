using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Tests.Reports;

/// <summary>Runs that nobody trained, for tests of what is written of one.</summary>
internal static class MadeRuns
{
    public static Metrics Metrics(bool synthetic = true)
    {
        bool[] positive = [.. Enumerable.Range(0, 60).Select(i => i % 2 == 0)];
        double[] probability = [.. Enumerable.Range(0, 60).Select(i => (i % 2 == 0 ? 0.55 : 0.25) + i % 7 * 0.05)];
        ScoreBlock block = ScoreBlock.OfTwo(positive, probability, 0.4, 0.6);
        EpochMetrics[] epochs = [.. Enumerable.Range(1, 8).Select(e => new EpochMetrics(e, 1.5, 0.7 / e, 1 - 0.4 / e, e == 3 ? double.NaN : 0.75 / e, 1 - 0.45 / e))];
        return new Metrics("cnn", 3453121, 3453121, "made-up <device>", 1, synthetic, new SplitCounts("synthetic", 480, 60, 60),
            epochs, 8, 123.4, 0.6, block, block);
    }

    public static RunSummary Summary(Metrics metrics) => new(metrics, ["NORMAL", "PNEUMONIA"], "chest_xray", ["a note & more"],
        ["train/NORMAL/<x>.png: is empty (0 bytes); left out"], [("epochs", "8"), ("optimizer", "rmsprop")],
        RocCurve.Points([true, false, true], [0.9, 0.4, 0.3]), RocCurve.Points([true, false, true], [0.9, 0.4, 0.5]),
        [new WrongAnswer("test/NORMAL/1.png", "NORMAL", "PNEUMONIA", 0.97, 4, 1, new byte[16])], TimeSpan.FromSeconds(75));
}
