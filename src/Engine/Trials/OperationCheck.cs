using Convolve.Engine.Autograd;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Trials;

/// <summary>The error of an array.</summary>
/// <param name="What">Which array, e.g. <c>gradient of input 0</c>.</param>
/// <param name="Error">The largest difference, relative to the largest expected value; NaN if a value is NaN.</param>
/// <param name="Index">The index of that difference.</param>
/// <param name="Expected">The expected value there.</param>
/// <param name="Actual">The actual value there.</param>
public sealed record Agreement(string What, double Error, int Index, double Expected, double Actual)
{
    /// <summary>One line of text.</summary>
    public override string ToString() =>
        FormattableString.Invariant(
            $"{What}: largest error {Error:0.0e+0} of the largest value, at {Index}: {Actual:0.000000} for {Expected:0.000000}");
}

/// <summary>
/// Compares a differentiable operation with its definition in double precision: its output, and its gradients with central differences of
/// the definition, (f(x + h) − f(x − h)) / 2h.
/// </summary>
/// <remarks>
/// The upstream gradient is random: ones would hide an error that is the same everywhere, or that cancels in a sum. Every gradient is
/// computed twice, first overwritten and then accumulated, since an operation must support both.
/// </remarks>
public static class OperationCheck
{
    // Near the minimum of the differences' own error in double precision, h² · f‴ / 6 + 1e-16 / h: 1e-10.
    private const double Step = 1e-5;

    /// <summary>Runs both on the inputs. The definition runs twice for every element of every input.</summary>
    /// <param name="operation">Runs the operation on a tape.</param>
    /// <param name="definition">The same function in plain loops.</param>
    /// <param name="inputs">Small tensors of one device, each of which gets a gradient; away from kinks such as that of ReLU at 0.</param>
    /// <returns>The output's agreement, then two for each input.</returns>
    /// <exception cref="ArgumentException">There is no input, or operation and definition return different numbers of values.</exception>
    public static IReadOnlyList<Agreement> Run(
        Func<Tape, IReadOnlyList<Tensor>, Tensor> operation, Func<IReadOnlyList<double[]>, double[]> definition,
        params IReadOnlyList<Tensor> inputs)
    {
        if (inputs.Count == 0) throw new ArgumentException("operation check: give at least one input");
        double[][] values = [.. inputs.Select(input => Array.ConvertAll(input.ToArray(), v => (double)v))];
        var expected = definition(values);
        var upstream = RandomUpstream(expected.Length);
        var agreements = new List<Agreement>();
        foreach (var input in inputs)
        {
            input.RequiresGradient = true;
            input.ClearGradient();
        }
        float[][] first = [];
        for (var pass = 1; pass <= 2; pass++)
        {
            using var tape = new Tape(inputs[0].Device);
            var output = tape.Keep(operation(tape, inputs));
            if (output.Shape.Length != expected.Length)
                throw new ArgumentException(
                    $"operation check: the operation gives {output.Shape}, the definition {expected.Length} values");
            if (pass == 1) agreements.Add(Compare("output", expected, output.ToArray()));
            using var gradient = Tensor.FromValues(inputs[0].Device, output.Shape, upstream);
            tape.Backward(output, gradient);
            // An input without a gradient counts as one with a gradient of zeros.
            float[][] gradients = [.. inputs.Select(input => input.Gradient?.ToArray() ?? new float[input.Shape.Length])];
            if (pass == 1) first = gradients;
            else
                for (var i = 0; i < inputs.Count; i++)
                {
                    var numerical = Differences(definition, values, i, upstream);
                    agreements.Add(Compare($"gradient of input {i}", numerical, first[i]));
                    agreements.Add(Compare($"gradient of input {i}, added to", Array.ConvertAll(numerical, g => 2 * g), gradients[i]));
                }
        }
        foreach (var input in inputs) input.ClearGradient();
        return agreements;
    }

    private static float[] RandomUpstream(int length)
    {
        var upstream = new float[length];
        for (var i = 0; i < length; i++) upstream[i] = 2 * CounterRandom.Uniform(CounterRandom.Key(0x0C4E), (uint)i) - 1;
        return upstream;
    }

    /// <summary>∂(Σ upstream · f) / ∂x for every element of one input, by central differences.</summary>
    private static double[] Differences(Func<IReadOnlyList<double[]>, double[]> definition, double[][] values, int input, float[] upstream)
    {
        var gradient = new double[values[input].Length];
        for (var j = 0; j < gradient.Length; j++)
        {
            var x = values[input][j];
            values[input][j] = x + Step;
            var above = definition(values);
            values[input][j] = x - Step;
            var below = definition(values);
            values[input][j] = x;
            for (var i = 0; i < upstream.Length; i++) gradient[j] += upstream[i] * (above[i] - below[i]) / (2 * Step);
        }
        return gradient;
    }

    private static Agreement Compare(string what, double[] expected, float[] actual)
    {
        double worst = -1, largest = 0;
        var index = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs(actual[i] - expected[i]);
            largest = Math.Max(largest, Math.Abs(expected[i]));
            if (!(difference > worst) && !double.IsNaN(difference)) continue;
            (worst, index) = (difference, i);
            if (double.IsNaN(difference)) break;
        }
        return new Agreement(what, worst == 0 ? 0 : worst / largest, index, expected[index], actual[index]);
    }
}
