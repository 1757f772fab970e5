namespace Convolve.Layers.Training;

/// <summary>What logits mean: probabilities, losses, answers. One logit stands for two classes.</summary>
public static class Classification
{
    /// <summary>The number of classes that so many logits tell apart.</summary>
    public static int Classes(int logits) => logits == 1 ? 2 : logits;

    /// <summary>The probability of every class.</summary>
    public static double[] Probabilities(ReadOnlySpan<float> logits)
    {
        if (logits.Length == 1)
        {
            var positive = 1 / (1 + Math.Exp(-(double)logits[0]));
            return [1 - positive, positive];
        }
        var probabilities = new double[logits.Length];
        double largest = logits[0];
        foreach (var logit in logits) largest = Math.Max(largest, logit);
        double sum = 0;
        for (var i = 0; i < logits.Length; i++) sum += probabilities[i] = Math.Exp(logits[i] - largest);
        for (var i = 0; i < logits.Length; i++) probabilities[i] /= sum;
        return probabilities;
    }

    /// <summary>The cross-entropy of the logits against the true class, stable for any logit.</summary>
    public static double Loss(ReadOnlySpan<float> logits, int trueClass)
    {
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

/// <summary>The answers of a network to the samples of a source.</summary>
/// <param name="Indices">Which samples: the usable ones, in order.</param>
/// <param name="TrueClasses">Their classes.</param>
/// <param name="Probabilities">The probability of every class, for each sample.</param>
/// <param name="Loss">The mean cross-entropy, penalties not included.</param>
public sealed record Predictions(int[] Indices, int[] TrueClasses, double[][] Probabilities, double Loss)
{
    /// <summary>The share of samples whose most probable class is the true one.</summary>
    public double Accuracy => TrueClasses.Length == 0
        ? 0
        : TrueClasses.Where((c, i) => Array.IndexOf(Probabilities[i], Probabilities[i].Max()) == c).Count() / (double)TrueClasses.Length;
}
