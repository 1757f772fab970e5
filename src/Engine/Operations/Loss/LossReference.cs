namespace Convolve.Engine.Operations.Loss;

/// <summary>The definitions of the losses and their gradients, in double precision.</summary>
public static class LossReference
{
    /// <summary>Mean over the batch of wᵢ·(max(z,0) − z·t + ln(1 + e^−|z|)).</summary>
    public static double BinaryCrossEntropy(double[] logits, double[] targets, double[]? weights = null) =>
        logits.Select((z, i) => (weights?[i] ?? 1) * (Math.Max(z, 0) - z * targets[i] + Log1P(Math.Exp(-Math.Abs(z)))))
            .Sum() / logits.Length;

    /// <summary>wᵢ·(σ(z) − t) / N.</summary>
    public static double[] BinaryCrossEntropyGradient(double[] logits, double[] targets, double[]? weights = null) =>
        [.. logits.Select((z, i) => (weights?[i] ?? 1) * (1 / (1 + Math.Exp(-z)) - targets[i]) / logits.Length)];

    /// <summary>Mean over the batch of wᵢ·(ln Σ e^z − z_target), for logits [N, classes].</summary>
    public static double SoftmaxCrossEntropy(double[] logits, int[] targets, int classes, double[]? weights = null)
    {
        double sum = 0;
        for (var i = 0; i < targets.Length; i++)
        {
            var row = logits.AsSpan(i * classes, classes).ToArray();
            var largest = row.Max();
            sum += (weights?[i] ?? 1) * (Math.Log(row.Sum(z => Math.Exp(z - largest))) + largest - row[targets[i]]);
        }
        return sum / targets.Length;
    }

    /// <summary>wᵢ·(softmax(z) − one-hot) / N.</summary>
    public static double[] SoftmaxCrossEntropyGradient(double[] logits, int[] targets, int classes, double[]? weights = null)
    {
        var gradient = Activation.ActivationReference.Softmax(logits, classes);
        for (var i = 0; i < gradient.Length; i++)
            gradient[i] = (weights?[i / classes] ?? 1) * (gradient[i] - (targets[i / classes] == i % classes ? 1 : 0)) / targets.Length;
        return gradient;
    }

    /// <summary>ln(1+x) without losing small x.</summary>
    private static double Log1P(double x) => x < 1e-5 ? x * (1 - x * (0.5 - x / 3)) : Math.Log(1 + x);
}
