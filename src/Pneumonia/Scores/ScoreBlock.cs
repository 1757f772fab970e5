using System.Text.Json.Serialization;
using Convolve.Engine.Randomness;
using Convolve.Layers.Training;

namespace Convolve.Pneumonia.Scores;

/// <summary>
/// Figures at another threshold than ½; intervals are 95 % bootstrap intervals, null in files written before they were figures.
/// </summary>
public sealed record ThresholdScores(double Threshold, double Accuracy, double? Sensitivity, double? Specificity)
{
    /// <summary>[low, high] of <see cref="Accuracy"/>.</summary>
    public double[]? Accuracy95 { get; init; }

    /// <summary>[low, high] of <see cref="Sensitivity"/>; null as it is.</summary>
    public double[]? Sensitivity95 { get; init; }

    /// <summary>[low, high] of <see cref="Specificity"/>; null as it is.</summary>
    public double[]? Specificity95 { get; init; }
}

/// <summary>
/// All figures of a model on one part. A figure that the images leave undefined, because a class is absent, is null. With three classes
/// or more, <see cref="Auc"/> is the mean of one class against the rest, <see cref="Sensitivity"/>, <see cref="Specificity"/>,
/// <see cref="Precision"/> and <see cref="F1"/> are means over the classes present, and <see cref="AtThreshold"/> is null.
/// </summary>
/// <param name="N">Number of images.</param>
/// <param name="Loss">Mean cross-entropy in nats, as given.</param>
/// <param name="Accuracy">Share of right answers, at threshold ½ or by the most probable class.</param>
/// <param name="Auc">Area under the ROC curve.</param>
/// <param name="Sensitivity">Share of the positives found.</param>
/// <param name="Specificity">Share of the negatives left alone.</param>
/// <param name="Precision">Share of the positive answers that are right; 0 where there are none.</param>
/// <param name="F1">Harmonic mean of precision and sensitivity.</param>
/// <param name="Ece">Expected calibration error in ten equal bins: the mean over images of |mean probability − share of positives| of
/// their bin (Naeini et al. 2015); with three classes, of the most probable class's probability and the share of right answers.</param>
/// <param name="Confusion">Counts behind the plain figures.</param>
/// <param name="AtThreshold">Figures at the threshold chosen on validation data; null where none was given.</param>
/// <param name="Auc95">95 % bootstrap interval of <see cref="Auc"/>: [low, high].</param>
/// <param name="Accuracy95">95 % bootstrap interval of <see cref="Accuracy"/>.</param>
public sealed record ScoreBlock(
    int N, double Loss, double Accuracy, double? Auc, double? Sensitivity, double? Specificity, double? Precision, double? F1, double Ece,
    Confusion Confusion, ThresholdScores? AtThreshold, double[]? Auc95, double[] Accuracy95)
{
    /// <summary>
    /// Area under the precision–recall curve, as a sum of steps; with three classes or more the mean of one class against the rest. A
    /// figure of its own, so that blocks written before it was one can still be read.
    /// </summary>
    public double? AveragePrecision { get; init; }

    /// <summary>
    /// 95 % bootstrap interval of <see cref="Sensitivity"/>: [low, high]. Null as it is, and in files written before it was a figure.
    /// </summary>
    public double[]? Sensitivity95 { get; init; }

    /// <summary>95 % bootstrap interval of <see cref="Specificity"/>, null likewise.</summary>
    public double[]? Specificity95 { get; init; }

    /// <summary>The plain figures as those of the threshold ½.</summary>
    [JsonIgnore]
    public ThresholdScores AtHalf => new(0.5, Accuracy, Sensitivity, Specificity)
    {
        Accuracy95 = Accuracy95,
        Sensitivity95 = Sensitivity95,
        Specificity95 = Specificity95
    };

    /// <summary>Scores a two-class model.</summary>
    /// <param name="positive">Whether each image is of the positive class.</param>
    /// <param name="probability">The model's probability of the positive class, in [0, 1].</param>
    /// <param name="loss">Mean loss of the part.</param>
    /// <param name="threshold">Threshold chosen on validation data, or null.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <param name="odds">What images are ranked by, see <see cref="Classification.Odds"/>; the probability if omitted.</param>
    /// <exception cref="ArgumentException">No images, different lengths, or a probability outside [0, 1] or not a number.</exception>
    public static ScoreBlock OfTwo(
        IReadOnlyList<bool> positive, IReadOnlyList<double> probability, double loss, double? threshold = null, int seed = 1,
        IReadOnlyList<double>? odds = null)
    {
        odds ??= probability;
        Check(positive.Count, probability.Count, probability);
        var plain = Count(positive, probability, 0.5);
        Bootstrap bootstrap = new(positive.Count, seed);
        var order = RocCurve.Ascending(odds);
        var auc = RocCurve.Area(positive, odds);
        var half = At(0.5);
        return new ScoreBlock(positive.Count, loss, plain.Accuracy, auc, plain.Sensitivity(1), plain.Specificity(1),
            plain.Sensitivity(1) is null ? null : plain.Precision(1), plain.F1(1),
            CalibrationBins.Error(probability, positive), plain,
            threshold is { } chosen ? At(chosen) : null,
            bootstrap.Interval(auc, counts => RocCurve.Area(positive, odds, order, counts)), half.Accuracy95!)
        {
            AveragePrecision = auc is null ? null : PrecisionRecallCurve.AveragePrecision(positive, odds),
            Sensitivity95 = half.Sensitivity95,
            Specificity95 = half.Specificity95,
        };

        ThresholdScores At(double operatingPoint)
        {
            var counts = Count(positive, probability, operatingPoint);
            bool[] right = [.. positive.Select((isPositive, i) => isPositive == probability[i] >= operatingPoint)];
            bool[] ofPositives = [.. positive], ofNegatives = [.. positive.Select(isPositive => !isPositive)];
            return new ThresholdScores(operatingPoint, counts.Accuracy, counts.Sensitivity(1), counts.Specificity(1))
            {
                Accuracy95 = bootstrap.Interval(counts.Accuracy, draws => Bootstrap.Share(right, draws)),
                Sensitivity95 = bootstrap.Interval(counts.Sensitivity(1), draws => Bootstrap.Share(right, draws, ofPositives)),
                Specificity95 = bootstrap.Interval(counts.Specificity(1), draws => Bootstrap.Share(right, draws, ofNegatives)),
            };
        }
    }

    /// <summary>Scores a model of three classes or more; also takes two, the second being the positive one, without a threshold.</summary>
    /// <param name="actual">Index of each image's class.</param>
    /// <param name="probabilities">Probabilities of all classes for each image.</param>
    /// <param name="loss">Mean loss of the part.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <exception cref="ArgumentException">No images, different lengths, a class out of range, or a probability outside [0, 1].</exception>
    public static ScoreBlock OfMany(IReadOnlyList<int> actual, IReadOnlyList<double[]> probabilities, double loss, int seed = 1)
    {
        Check(actual.Count, probabilities.Count, probabilities.SelectMany(row => row));
        var classes = probabilities[0].Length;
        if (actual.Any(c => c < 0 || c >= classes) || probabilities.Any(row => row.Length != classes))
            throw new ArgumentException($"scores: every image needs {classes} probabilities and a class from 0 to {classes - 1}");
        var counts = new int[classes][];
        for (var c = 0; c < classes; c++) counts[c] = new int[classes];
        var right = new bool[actual.Count];
        var answers = new int[actual.Count];
        var confidence = new double[actual.Count];
        for (var i = 0; i < actual.Count; i++)
        {
            var answer = Classification.PredictedClass(probabilities[i]);
            counts[actual[i]][answer]++;
            answers[i] = answer;
            right[i] = answer == actual[i];
            confidence[i] = probabilities[i][answer];
        }
        var confusion = new Confusion(counts);
        int[] present = [.. Enumerable.Range(0, classes).Where(c => counts[c].Sum() > 0)];
        double? Mean(Func<int, double?> figure) => present.Select(figure).Average();
        // A mean over fewer classes would not be comparable.
        double? MeanOfAll(Func<int, double?> figure) => present.All(c => figure(c) is not null) ? Mean(figure) : null;
        Confusion Drawn(int[] times)
        {
            int[][] drawn = [.. counts.Select(row => new int[classes])];
            for (var i = 0; i < times.Length; i++) drawn[actual[i]][answers[i]] += times[i];
            return new Confusion(drawn);
        }

        bool[][] isClass = [.. Enumerable.Range(0, classes).Select(c => actual.Select(of => of == c).ToArray())];
        double[][] column =
            [.. Enumerable.Range(0, classes).Select(c => probabilities.Select(row => Classification.Odds(row, c)).ToArray())];
        int[][] order = [.. column.Select(RocCurve.Ascending)];
        // One against the rest, for every class.
        double? MeanArea(int[] times)
        {
            double sum = 0;
            for (var c = 0; c < classes; c++)
            {
                if (RocCurve.Area(isClass[c], column[c], order[c], times) is not { } area) return null;
                sum += area;
            }
            return sum / classes;
        }
        int[] once = [.. Enumerable.Repeat(1, actual.Count)];
        var auc = MeanArea(once);
        var bootstrap = new Bootstrap(actual.Count, seed);
        return new ScoreBlock(actual.Count, loss, confusion.Accuracy, auc, Mean(confusion.Sensitivity), Mean(confusion.Specificity),
            Mean(c => confusion.Precision(c)), Mean(confusion.F1), CalibrationBins.Error(confidence, right), confusion, null,
            bootstrap.Interval(auc, MeanArea), bootstrap.Interval(confusion.Accuracy, times => Bootstrap.Share(right, times))!)
        {
            Sensitivity95 = bootstrap.Interval(Mean(confusion.Sensitivity), times => MeanOfAll(Drawn(times).Sensitivity)),
            Specificity95 = bootstrap.Interval(Mean(confusion.Specificity), times => MeanOfAll(Drawn(times).Specificity)),
            AveragePrecision = auc is null ? null
                : Enumerable.Range(0, classes).Average(c => PrecisionRecallCurve.AveragePrecision(isClass[c], column[c])),
        };
    }

    /// <summary>Right and wrong answers of a two-class model that calls everything at or above the threshold positive.</summary>
    public static Confusion Count(IReadOnlyList<bool> positive, IReadOnlyList<double> probability, double threshold)
    {
        int truePositives = 0, falsePositives = 0, trueNegatives = 0, falseNegatives = 0;
        for (var i = 0; i < positive.Count; i++)
        {
            var answer = probability[i] >= threshold;
            if (positive[i] && answer) truePositives++;
            else if (positive[i]) falseNegatives++;
            else if (answer) falsePositives++;
            else trueNegatives++;
        }
        return Confusion.OfTwo(truePositives, falsePositives, trueNegatives, falseNegatives);
    }

    private static void Check(int images, int answers, IEnumerable<double> probabilities)
    {
        if (images == 0) throw new ArgumentException("scores: no images");
        if (images != answers) throw new ArgumentException($"scores: {images} images, but probabilities for {answers}");
        foreach (var p in probabilities)
            if (!(p >= 0 && p <= 1)) throw new ArgumentException($"scores: a probability is {p}, expected 0 to 1");
    }
}
