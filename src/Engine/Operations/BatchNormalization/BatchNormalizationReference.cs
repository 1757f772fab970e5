namespace Convolve.Engine.Operations.BatchNormalization;

/// <summary>
/// The definition of batch normalization (Ioffe and Szegedy, 2015), in double precision: y = γ·x̂ + β with x̂ = (x − μ) / √(σ² + ε),
/// channel by channel, and max(0, y) with ReLU.
/// </summary>
public static class BatchNormalizationReference
{
    /// <summary>Mean and biased variance of each channel of x [rows, channels].</summary>
    public static (double[] Mean, double[] Variance) Moments(BatchNormalizationGeometry g, double[] input)
    {
        var (mean, variance) = (new double[g.Channels], new double[g.Channels]);
        for (var i = 0; i < input.Length; i++) mean[i % g.Channels] += input[i] / g.Rows;
        for (var i = 0; i < input.Length; i++) variance[i % g.Channels] += Math.Pow(input[i] - mean[i % g.Channels], 2) / g.Rows;
        return (mean, variance);
    }

    /// <summary>y [rows, channels], for given means and variances.</summary>
    public static double[] Forward(
        BatchNormalizationGeometry g, double[] input, double[] scale, double[] shift, double[] mean, double[] variance,
        double epsilon, bool relu)
    {
        var output = new double[input.Length];
        for (var i = 0; i < input.Length; i++)
        {
            var c = i % g.Channels;
            var y = scale[c] * (input[i] - mean[c]) / Math.Sqrt(variance[c] + epsilon) + shift[c];
            output[i] = relu ? Math.Max(0, y) : y;
        }
        return output;
    }

    /// <summary>The gradients with respect to x, γ and β if mean and variance are those of the batch, and so depend on x.</summary>
    public static (double[] Input, double[] Scale, double[] Shift) Gradients(
        BatchNormalizationGeometry g, double[] upstream, double[] input, double[] scale, double[] shift, double epsilon, bool relu)
    {
        var (mean, variance) = Moments(g, input);
        var (gradInput, gradScale, gradShift) = GradientsOfGiven(g, upstream, input, scale, shift, mean, variance, epsilon, relu);
        for (var i = 0; i < input.Length; i++)
        {
            var c = i % g.Channels;
            var deviation = Math.Sqrt(variance[c] + epsilon);
            var normal = (input[i] - mean[c]) / deviation;
            gradInput[i] -= scale[c] / deviation * (gradShift[c] + normal * gradScale[c]) / g.Rows;
        }
        return (gradInput, gradScale, gradShift);
    }

    /// <summary>The gradients with respect to x, γ and β if mean and variance are constants.</summary>
    public static (double[] Input, double[] Scale, double[] Shift) GradientsOfGiven(
        BatchNormalizationGeometry g, double[] upstream, double[] input, double[] scale, double[] shift, double[] mean, double[] variance,
        double epsilon,
        bool relu)
    {
        var (gradInput, gradScale, gradShift) = (new double[input.Length], new double[g.Channels], new double[g.Channels]);
        for (var i = 0; i < input.Length; i++)
        {
            var c = i % g.Channels;
            var deviation = Math.Sqrt(variance[c] + epsilon);
            var normal = (input[i] - mean[c]) / deviation;
            var u = relu && scale[c] * normal + shift[c] <= 0 ? 0 : upstream[i];
            gradShift[c] += u;
            gradScale[c] += u * normal;
            gradInput[i] = u * scale[c] / deviation;
        }
        return (gradInput, gradScale, gradShift);
    }
}
