namespace Convolve.Engine.Operations.Optimizer;

/// <summary>
/// The update rules in double precision: weights and state change in place, given the gradients, penalties included. All arrays have the
/// same length.
/// </summary>
public static class UpdateReference
{
    /// <summary>v = ρv + (1−ρ)g²; w −= η·g / (√v + ε).</summary>
    public static void RmsProp(
        double[] weights, double[] gradients, double[] meanSquare, double learningRate, double rho, double epsilon)
    {
        for (var i = 0; i < weights.Length; i++)
        {
            meanSquare[i] = rho * meanSquare[i] + (1 - rho) * gradients[i] * gradients[i];
            weights[i] -= learningRate * gradients[i] / (Math.Sqrt(meanSquare[i]) + epsilon);
        }
    }

    /// <summary>m = μm + g; w −= η·m.</summary>
    public static void Momentum(double[] weights, double[] gradients, double[] velocity, double learningRate, double momentum)
    {
        for (var i = 0; i < weights.Length; i++)
        {
            velocity[i] = momentum * velocity[i] + gradients[i];
            weights[i] -= learningRate * velocity[i];
        }
    }

    /// <summary>w −= η·g.</summary>
    public static void Descent(double[] weights, double[] gradients, double learningRate)
    {
        for (var i = 0; i < weights.Length; i++) weights[i] -= learningRate * gradients[i];
    }

    /// <summary>
    /// m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; w −= η·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε), at step t counted from 1 (Kingma and Ba, 2014).
    /// </summary>
    public static void Adam(double[] weights, double[] gradients, double[] mean, double[] meanSquare,
        double learningRate, double beta1, double beta2, double epsilon, long step)
    {
        for (var i = 0; i < weights.Length; i++)
        {
            mean[i] = beta1 * mean[i] + (1 - beta1) * gradients[i];
            meanSquare[i] = beta2 * meanSquare[i] + (1 - beta2) * gradients[i] * gradients[i];
            var (m, v) = (mean[i] / (1 - Math.Pow(beta1, step)), meanSquare[i] / (1 - Math.Pow(beta2, step)));
            weights[i] -= learningRate * m / (Math.Sqrt(v) + epsilon);
        }
    }
}
