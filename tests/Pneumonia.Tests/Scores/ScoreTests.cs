using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Engine.Randomness;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Convolve.Pneumonia.Tests.Scores;

public sealed class ScoreTests
{
    // Few distinct probabilities, so that ties are common.
    private static (bool[] Positive, double[] Probability) Sample(byte[] bytes) =>
        ([.. bytes.Select(b => (b & 1) != 0)], [.. bytes.Select(b => (b >> 1) % 11 / 10.0)]);

    [Property]
    public bool Area_is_the_share_of_pairs_won_with_ties_one_half(byte[] bytes)
    {
        (var positive, var probability) = Sample(bytes);
        double won = 0, pairs = 0;
        for (var p = 0; p < bytes.Length; p++)
        {
            for (var n = 0; n < bytes.Length; n++)
            {
                if (!positive[p] || positive[n]) continue;
                pairs++;
                won += probability[p] > probability[n] ? 1 : probability[p] == probability[n] ? 0.5 : 0;
            }
        }
        var area = RocCurve.Area(positive, probability);
        return pairs == 0 ? area is null : Math.Abs(area!.Value - won / pairs) < 1e-12;
    }

    /// <summary>Required for the bootstrap: an image drawn k times counts as k images.</summary>
    [Property]
    public bool An_area_with_counts_is_that_of_the_list_with_repetitions(byte[] bytes, byte[] draws)
    {
        (var positive, var probability) = Sample(bytes);
        int[] counts = [.. bytes.Select((_, i) => i < draws.Length ? draws[i] % 4 : 1)];
        int[] drawn = [.. Enumerable.Range(0, bytes.Length).SelectMany(i => Enumerable.Repeat(i, counts[i]))];
        return RocCurve.Area(positive, probability, RocCurve.Ascending(probability), counts)
            == RocCurve.Area([.. drawn.Select(i => positive[i])], [.. drawn.Select(i => probability[i])]);
    }

    /// <summary>Beyond a logit of 37 the probability rounds to 1; the ranking of images is still known.</summary>
    [Theory]
    [InlineData(40, 45)]
    [InlineData(-45, -40)]
    [InlineData(300, 300.001)]
    public void SaturatedProbabilitiesAreStillRanked(double negative, double positive)
    {
        var predictions = new Predictions([0, 1], [0, 1],
            [Classification.Probabilities([(float)negative]), Classification.Probabilities([(float)positive])], 0.5);
        var block = Scoring.Score(predictions, null, 1)!;
        Assert.Equal((1.0, 1.0), (block.Auc, block.AveragePrecision));
        double[][] three = [Classification.Probabilities([0, (float)negative, -5]), Classification.Probabilities([0, (float)positive, -5])];
        Assert.True(Classification.Odds(three[1], 1) > Classification.Odds(three[0], 1));
    }

    [Fact]
    public void WhatIsNoNumberCannotBeRanked()
    {
        Assert.Throws<ArgumentException>(() => RocCurve.Area([true, false], [double.NaN, 0.5]));
        Assert.Throws<ArgumentException>(() => RocCurve.YoudenThreshold([true, false], [0.5, double.NaN]));
        Assert.Throws<ArgumentException>(() => PrecisionRecallCurve.Points([true, false], [0.5, double.NaN]));
    }

    /// <summary>A probability of one half counts as positive everywhere.</summary>
    [Fact]
    public void OneHalfIsPositiveEverywhere()
    {
        var half = Classification.Probabilities([0]);
        Assert.Equal([0.5, 0.5], half);
        Assert.Equal(1, Classification.PredictedClass(half));
        Assert.Equal(1, new Predictions([0], [1], [half], 0.7).Accuracy);
        Assert.Equal(1, ScoreBlock.OfTwo([true], [half[1]], 0.7).Accuracy);
        Assert.Equal([true], new PartPredictions([1], [half]).Right);
    }

    [Property]
    public bool Area_is_the_integral_of_the_curve(byte[] bytes)
    {
        (var positive, var probability) = Sample(bytes);
        var points = RocCurve.Points(positive, probability);
        var integral = points.Zip(points.Skip(1), (a, b) =>
            (b.FalsePositiveRate - a.FalsePositiveRate) * (a.TruePositiveRate + b.TruePositiveRate) / 2).Sum();
        return RocCurve.Area(positive, probability) is { } area ? Math.Abs(area - integral) < 1e-12 : points.Count == 0;
    }

    [Property]
    public bool Average_precision_is_the_mean_precision_at_the_positives(byte[] bytes)
    {
        (var positive, var probability) = Sample(bytes);
        int[] positives = [.. Enumerable.Range(0, bytes.Length).Where(i => positive[i])];
        var area = PrecisionRecallCurve.AveragePrecision(positive, probability);
        if (positives.Length == 0) return area is null;
        var mean = positives.Average(i => ScoreBlock.Count(positive, probability, probability[i]).Precision(1));
        return Math.Abs(area!.Value - mean) < 1e-12;
    }

    [Property]
    public bool Points_of_precision_and_recall_are_those_of_their_threshold(byte[] bytes)
    {
        (var positive, var probability) = Sample(bytes);
        var points = PrecisionRecallCurve.Points(positive, probability);
        return points.All(point =>
        {
            var counts = ScoreBlock.Count(positive, probability, point.Threshold);
            return Math.Abs(counts.Sensitivity(1)!.Value - point.Recall) < 1e-12 && Math.Abs(counts.Precision(1) - point.Precision) < 1e-12;
        }) && (points.Count == 0 ? !positive.Any(p => p) : points[^1].Recall == 1 && points.Count == probability.Distinct().Count());
    }

    [Fact]
    public void BinsHoldEveryImageOnceAndOneBelongsToTheLast()
    {
        var bins = CalibrationBins.Of([0, 0.05, 0.1, 0.95, 1], [false, true, true, true, false]);
        Assert.Equal([2, 1, 0, 0, 0, 0, 0, 0, 0, 2], bins.Select(bin => bin.Count));
        Assert.Equal([1, 1, 0, 0, 0, 0, 0, 0, 0, 1], bins.Select(bin => bin.Observed));
        Assert.Equal(0.5, bins[0].Frequency, 12);
        Assert.Equal(0.975, bins[9].MeanProbability, 12);
    }

    [Fact]
    public void BlocksWrittenWithoutAveragePrecisionAreRead()
    {
        var json = JsonSerializer.SerializeToNode(ScoreBlock.OfTwo([true, false], [0.9, 0.2], 0.25), JsonFormat.Options)!.AsObject();
        Assert.Equal(1, (double)json["averagePrecision"]!);
        json.Remove("averagePrecision");
        Assert.Null(json.Deserialize<ScoreBlock>(JsonFormat.Options)!.AveragePrecision);
    }

    /// <summary>Metrics of resampled image lists, computed one by one.</summary>
    [Property(MaxTest = 15)]
    public void IntervalsAreThoseOfDrawnImages(NonEmptyArray<byte> bytes)
    {
        (var positive, var probability) = Sample(bytes.Get);
        var n = positive.Length;
        const double Threshold = 0.3;
        var block = ScoreBlock.OfTwo(positive, probability, 0.1, Threshold, seed: 7);
        Confusion[] Drawn(double threshold) =>
        [
            .. Enumerable.Range(0, 1000).Select(r =>
            {
                var random = new RandomStream(7, (ulong)r);
                int[] images = [.. Enumerable.Range(0, n).Select(i => random.Below((ulong)i, n))];
                return ScoreBlock.Count([.. images.Select(i => positive[i])], [.. images.Select(i => probability[i])], threshold);
            }),
        ];
        Confusion[] half = Drawn(0.5), own = Drawn(Threshold);
        Same(half, counts => counts.Accuracy, block.Accuracy, block.Accuracy95);
        Same(half, counts => counts.Sensitivity(1), block.Sensitivity, block.Sensitivity95);
        Same(half, counts => counts.Specificity(1), block.Specificity, block.Specificity95);
        Same(own, counts => counts.Accuracy, block.AtThreshold!.Accuracy, block.AtThreshold.Accuracy95);
        Same(own, counts => counts.Sensitivity(1), block.AtThreshold.Sensitivity, block.AtThreshold.Sensitivity95);
        Same(own, counts => counts.Specificity(1), block.AtThreshold.Specificity, block.AtThreshold.Specificity95);

        static void Same(Confusion[] drawn, Func<Confusion, double?> figure, double? estimate, double[]? interval)
        {
            if (estimate is not { } centre)
            {
                Assert.Null(interval);
                return;
            }
            double[] values = [.. drawn.Select(figure).OfType<double>().DefaultIfEmpty(centre).Order()];
            double Quantile(double share) => values[(int)(share * (values.Length - 1))];
            double Next(double share) => values[Math.Min((int)(share * (values.Length - 1)) + 1, values.Length - 1)];
            // Between the two order statistics around the quantile, or the estimate itself if no resample reaches it.
            Assert.InRange(interval![0], Math.Min(centre, Quantile(0.025)) - 1e-12, Math.Min(centre, Next(0.025)) + 1e-12);
            Assert.InRange(interval[1], Math.Max(centre, Quantile(0.975)) - 1e-12, Math.Max(centre, Next(0.975)) + 1e-12);
        }
    }

    [Fact]
    public void OneClassForNearlyEverythingIsNoticed()
    {
        Assert.Equal(0, Confusion.OfTwo(1, 0, 20, 19).NearlyAlways());
        Assert.Equal(1, Confusion.OfTwo(20, 19, 1, 0).NearlyAlways());
        Assert.Null(Confusion.OfTwo(12, 2, 18, 8).NearlyAlways());
        // If there is only one class to predict, no prediction is incorrect.
        Assert.Null(Confusion.OfTwo(0, 0, 20, 0).NearlyAlways());
        Assert.Equal(2, new Confusion([[0, 0, 9], [0, 1, 9], [0, 0, 5]]).NearlyAlways());
        var block = ScoreBlock.OfTwo([true, true, false, false], [0.4, 0.45, 0.1, 0.2], 0.5, 0.3);
        Assert.Equal("At ½ the network predicts WELL for 4 of 4 test images: its accuracy there says little more than that 2 of them are "
            + "WELL. The figures at its own threshold, 0.300, say more.",
            Assert.Single(ScoreRemarks.Of(block, ["WELL", "ILL"], "test images")));
    }

    [Property]
    public bool No_threshold_beats_the_chosen_one(byte[] bytes)
    {
        (var positive, var probability) = Sample(bytes);
        double Youden(double threshold)
        {
            var counts = ScoreBlock.Count(positive, probability, threshold);
            return counts.Sensitivity(1)!.Value + counts.Specificity(1)!.Value - 1;
        }
        var chosen = RocCurve.YoudenThreshold(positive, probability);
        if (RocCurve.Area(positive, probability) is null) return chosen == 0.5;
        var best = Enumerable.Range(0, 101).Max(i => Youden(i / 100.0));
        return Youden(chosen) > best - 1e-12 && (chosen == 0.5 || Youden(0.5) < best - 1e-12);
    }

    [Theory]
    [InlineData(new[] { false, false, true, true }, new[] { 0.1, 0.4, 0.8, 0.9 }, 0.5)]
    [InlineData(new[] { false, false, true, true }, new[] { 0.6, 0.7, 0.8, 0.9 }, 0.75)]
    [InlineData(new[] { false, true }, new[] { 0.2, 0.3 }, 0.25)]
    [InlineData(new[] { true, true }, new[] { 0.2, 0.3 }, 0.5)]
    public void TheThresholdRule(bool[] positive, double[] probability, double threshold) =>
        Assert.Equal(threshold, RocCurve.YoudenThreshold(positive, probability), 12);

    [Property(MaxTest = 30)]
    public bool Intervals_hold_their_estimates(NonEmptyArray<byte> bytes, int seed)
    {
        (var positive, var probability) = Sample(bytes.Get);
        var block = ScoreBlock.OfTwo(positive, probability, 0.3, 0.4, seed);
        bool Holds(double[]? interval, double? value) => interval is null ? value is null : interval[0] <= value && value <= interval[1];
        return Holds(block.Auc95, block.Auc) && Holds(block.Accuracy95, block.Accuracy) && block.Confusion.Total == positive.Length;
    }

    [Fact]
    public void IntervalsHaveTheWidthTheoryExpects()
    {
        // 400 predictions, 80 % correct: a standard error of √(.8·.2/400) = .02, so ±.039.
        bool[] positive = [.. Enumerable.Range(0, 400).Select(i => i % 2 == 0)];
        double[] probability = [.. Enumerable.Range(0, 400).Select(i => (i % 2 == 0) == (i % 5 != 0) ? 0.9 : 0.1)];
        var block = ScoreBlock.OfTwo(positive, probability, 0.3);
        Assert.Equal(0.8, block.Accuracy, 12);
        Assert.InRange(block.Accuracy95[0], 0.75, 0.77);
        Assert.InRange(block.Accuracy95[1], 0.83, 0.85);
        Assert.Equal(block.Accuracy95, ScoreBlock.OfTwo(positive, probability, 0.3).Accuracy95);
    }

    [Fact]
    public void TwoClassesByHand()
    {
        bool[] positive = [true, true, true, false, false];
        double[] probability = [0.95, 0.65, 0.35, 0.55, 0.05];
        var block = ScoreBlock.OfTwo(positive, probability, 0.5, threshold: 0.6);
        Assert.Equal((2, 1, 1, 1), (block.Confusion[1, 1], block.Confusion[0, 1], block.Confusion[0, 0], block.Confusion[1, 0]));
        Assert.Equal(0.6, block.Accuracy, 12);
        Assert.Equal(2 / 3.0, block.Sensitivity!.Value, 12);
        Assert.Equal(0.5, block.Specificity!.Value, 12);
        Assert.Equal(2 / 3.0, block.Precision!.Value, 12);
        Assert.Equal(2 / 3.0, block.F1!.Value, 12);
        Assert.Equal(5 / 6.0, block.Auc!.Value, 12);
        // Each image has its own bin: (.05 + .35 + .65 + .55 + .05) / 5.
        Assert.Equal(1.65 / 5, block.Ece, 12);
        Assert.Equal(new ThresholdScores(0.6, 0.8, 2 / 3.0, 1),
            block.AtThreshold! with { Accuracy95 = null, Sensitivity95 = null, Specificity95 = null });
    }

    [Fact]
    public void ThreeClassesByHand()
    {
        double[][] probabilities = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]];
        var block = ScoreBlock.OfMany([0, 1, 2, 2], probabilities, 0.5);
        Assert.Equal(0.75, block.Accuracy, 12);
        Assert.Equal((1 + 1 + 0.5) / 3, block.Sensitivity!.Value, 12);
        Assert.Equal((2 / 3.0 + 1 + 1) / 3, block.Specificity!.Value, 12);
        Assert.Equal((0.5 + 1 + 1) / 3, block.Precision!.Value, 12);
        Assert.Equal(1, block.Auc!.Value, 12);
        Assert.Null(block.AtThreshold);
        var json = JsonNode.Parse(JsonSerializer.Serialize(block, JsonFormat.Options))!;
        Assert.Equal("[[1,0,0],[0,1,0],[1,0,1]]", json["confusion"]!.ToJsonString());
    }

    [Fact]
    public void OneClassLeavesFiguresUndefinedAndNonsenseIsRefused()
    {
        var block = ScoreBlock.OfTwo([false, false], [0.2, 0.7], 0.5, 0.5);
        Assert.Null(block.Auc);
        Assert.Null(block.Auc95);
        Assert.Null(block.Sensitivity);
        Assert.Equal(0.5, block.Specificity);
        Assert.Throws<ArgumentException>(() => ScoreBlock.OfTwo([true], [double.NaN], 0));
        Assert.Throws<ArgumentException>(() => ScoreBlock.OfTwo([true], [1.5], 0));
        Assert.Throws<ArgumentException>(() => ScoreBlock.OfTwo([], [], 0));
    }

    [Fact]
    public void TheJsonHasTheDocumentedShapeAndReadsBack()
    {
        var block = ScoreBlock.OfTwo([true, false, true], [0.9, 0.2, 0.4], 0.25, 0.3);
        var text = JsonSerializer.Serialize(block, JsonFormat.Options);
        var json = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(
            ["n", "loss", "accuracy", "auc", "sensitivity", "specificity", "precision", "f1", "ece", "confusion", "atThreshold", "auc95",
                "accuracy95", "averagePrecision", "sensitivity95", "specificity95"],
            json.Select(member => member.Key));
        Assert.Equal(["tp", "fp", "tn", "fn"], json["confusion"]!.AsObject().Select(member => member.Key));
        Assert.Equal(["threshold", "accuracy", "sensitivity", "specificity", "accuracy95", "sensitivity95", "specificity95"],
            json["atThreshold"]!.AsObject().Select(member => member.Key));
        Assert.Equal(2, json["auc95"]!.AsArray().Count);
        var back = JsonSerializer.Deserialize<ScoreBlock>(text, JsonFormat.Options)!;
        Assert.Equal(text, JsonSerializer.Serialize(back, JsonFormat.Options));
    }
}
