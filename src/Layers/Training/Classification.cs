namespace Convolve.Layers.Training;

/// <summary>From logits to probabilities, losses and predicted classes. One logit stands for two classes.</summary>
public static class Classification
{
    /// <summary>The number of classes for a number of logits.</summary>
    public static int Classes(int logits) => logits == 1 ? 2 : logits;

    /// <summary>Checks that every sample's class is one of those that the logits stand for.</summary>
    /// <exception cref="ArgumentException">A sample's class is not; the message names the sample by its index in the source.</exception>
    internal static void RequireLabels(HostBatch batch, int logits)
    {
        var classes = Classes(logits);
        for (var i = 0; i < batch.Count; i++)
            if ((uint)batch.Classes[i] >= (uint)classes)
                throw new ArgumentException(
                    $"labels: sample {batch.Indices[i]} is of class {batch.Classes[i]}, but the network tells {classes} classes apart, 0 "
                    + $"to {classes - 1}");
    }

    /// <summary>The probability of every class.</summary>
    public static double[] Probabilities(ReadOnlySpan<float> logits)
    {
        if (logits.Length == 1)
        {
            // Computed separately: 1 − p would be 0 for every logit above 37, and such images would be indistinguishable.
            double z = logits[0];
            return [1 / (1 + Math.Exp(z)), 1 / (1 + Math.Exp(-z))];
        }
        var probabilities = new double[logits.Length];
        double largest = logits[0];
        foreach (var logit in logits) largest = Math.Max(largest, logit);
        double sum = 0;
        for (var i = 0; i < logits.Length; i++) sum += probabilities[i] = Math.Exp(logits[i] - largest);
        for (var i = 0; i < logits.Length; i++) probabilities[i] /= sum;
        return probabilities;
    }

    /// <summary>
    /// The predicted class: of two classes the second, positive one from ½ on; of more classes the most probable, the first if several are.
    /// </summary>
    public static int PredictedClass(IReadOnlyList<double> probabilities)
    {
        if (probabilities.Count == 2) return probabilities[1] >= 0.5 ? 1 : 0;
        var best = 0;
        for (var c = 1; c < probabilities.Count; c++)
            if (probabilities[c] > probabilities[best]) best = c;
        return best;
    }

    /// <summary>
    /// The odds of a class against all others, p / Σ other p. They rank images as the probability does, but also distinguish images whose
    /// probability rounds to 1.
    /// </summary>
    public static double Odds(IReadOnlyList<double> probabilities, int of)
    {
        double others = 0;
        for (var c = 0; c < probabilities.Count; c++)
            if (c != of) others += probabilities[c];
        return probabilities[of] / others;
    }

    /// <summary>The cross-entropy of the logits for the actual class, stable for any logit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public static double Loss(ReadOnlySpan<float> logits, int trueClass)
    {
        if ((uint)trueClass >= (uint)Classes(logits.Length))
            throw new ArgumentOutOfRangeException(nameof(trueClass), trueClass,
                $"loss: of {Classes(logits.Length)} classes there is none of that number");
        if (logits.Length == 1)
        {
            double z = trueClass == 1 ? logits[0] : -logits[0];
            return Math.Max(-z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z)));
        }
        double largest = logits[0], sum = 0;
        foreach (var logit in logits) largest = Math.Max(largest, logit);
        foreach (var logit in logits) sum += Math.Exp(logit - largest);
        return Math.Log(sum) + largest - logits[trueClass];
    }
}

/// <summary>The predictions of a network for the samples of a source.</summary>
/// <param name="Indices">Indices of the usable samples, in order.</param>
/// <param name="TrueClasses">Their classes.</param>
/// <param name="Probabilities">The probability of every class, for each sample.</param>
/// <param name="Loss">The mean cross-entropy, penalties not included.</param>
public sealed record Predictions(int[] Indices, int[] TrueClasses, double[][] Probabilities, double Loss)
{
    /// <summary>Correct predictions as a fraction of all.</summary>
    public double Accuracy => TrueClasses.Length == 0
        ? 0
        : TrueClasses.Where((c, i) => Classification.PredictedClass(Probabilities[i]) == c).Count() / (double)TrueClasses.Length;
}
