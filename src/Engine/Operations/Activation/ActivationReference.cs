namespace Convolve.Engine.Operations.Activation;

/// <summary>The definitions of the activations and their derivatives, in double precision.</summary>
public static class ActivationReference
{
    /// <summary>max(0, x).</summary>
    public static double Relu(double x) => Math.Max(0, x);

    /// <summary>1 if x is positive, else 0.</summary>
    public static double ReluSlope(double x) => x > 0 ? 1 : 0;

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>σ(x)(1 − σ(x)).</summary>
    public static double SigmoidSlope(double x) => Sigmoid(x) * (1 - Sigmoid(x));

    /// <summary>eˣⁱ / Σ eˣʲ for each row of [rows, columns].</summary>
    public static double[] Softmax(double[] input, int columns)
    {
        var output = new double[input.Length];
        for (var row = 0; row < input.Length; row += columns)
        {
            var largest = input.AsSpan(row, columns).ToArray().Max();
            double sum = 0;
            for (var i = row; i < row + columns; i++) sum += output[i] = Math.Exp(input[i] - largest);
            for (var i = row; i < row + columns; i++) output[i] /= sum;
        }
        return output;
    }

    /// <summary>∂L/∂xᵢ = yᵢ (∂L/∂yᵢ − Σⱼ yⱼ ∂L/∂yⱼ) for each row.</summary>
    public static double[] SoftmaxGradient(double[] upstream, double[] output, int columns)
    {
        var gradient = new double[output.Length];
        for (var row = 0; row < output.Length; row += columns)
        {
            double dot = 0;
            for (var i = row; i < row + columns; i++) dot += output[i] * upstream[i];
            for (var i = row; i < row + columns; i++) gradient[i] = output[i] * (upstream[i] - dot);
        }
        return gradient;
    }
}
