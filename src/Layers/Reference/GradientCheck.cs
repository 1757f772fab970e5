using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;
using Convolve.Layers.Training;

namespace Convolve.Layers.Reference;

/// <summary>The result of a parameter's check.</summary>
public enum GradientVerdict
{
    /// <summary>Every element that was compared agrees.</summary>
    Right,

    /// <summary>An element does not.</summary>
    Wrong,

    /// <summary>No element could be compared: every step from each of them crossed a kink.</summary>
    Unchecked,
}

/// <summary>The check of one parameter.</summary>
/// <param name="Name">The parameter's.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Compared">Elements compared.</param>
/// <param name="Skipped">Elements skipped because every step from them crossed a kink.</param>
/// <param name="Worst">The element with the largest error; −1 where none was compared.</param>
/// <param name="Analytic">The gradient of the device's backward pass there.</param>
/// <param name="Numeric">The central difference there.</param>
/// <param name="Error">Their difference, see <see cref="GradientCheck"/>.</param>
/// <param name="Verdict">The result.</param>
public sealed record CheckedGradient(
    string Name, Shape Shape, int Compared, int Skipped, int Worst, double Analytic, double Numeric, double Error, GradientVerdict Verdict);

/// <summary>How gradients are checked.</summary>
/// <param name="Elements">Elements of each parameter to compare: half of them with the largest gradients, the others drawn at
/// random.</param>
/// <param name="Seed">Fixes the draw, and the masks of dropout.</param>
public sealed record GradientCheckOptions(int Elements = 6, uint Seed = 1);

/// <summary>
/// Compares the gradients of a device's backward pass with central differences, (L(w + h) − L(w − h)) / 2h. Differences of a float32 loss
/// would be lost in its rounding error, so L is computed in double precision by <see cref="ReferenceNetwork"/>: the same weights, but plain
/// loops that share no code with the kernels.
/// </summary>
/// <remarks>
/// <para>It is a training pass: batch normalization uses the batch, and dropout the same mask for both sides. Penalties are not part of the
/// loss here, nor of the backward pass: the optimizer's update adds λ₁·sign(w) + 2λ₂·w.</para>
/// <para>The error of an element is |analytic − numeric| / max(|analytic|, |numeric|, a twentieth of the parameter's largest gradient,
/// 10⁻⁵ of the network's largest): float32 sums are off in proportion to their terms, not to a sum in which they cancel.</para>
/// <para>If a step crosses a kink (<see cref="BranchPattern"/>), the difference is meaningless: smaller steps are tried, then another
/// element.</para>
/// </remarks>
public static class GradientCheck
{
    /// <summary>Errors up to this are rounding errors; a wrong formula is off by hundreds of times more.</summary>
    public const double Tolerance = 1e-3;

    private const double ShareOfParameter = 0.05, ShareOfNetwork = 1e-5;

    // So small that few steps cross a kink, while the rounding error of L, about 10⁻¹⁵, is still small compared with h times the gradients.
    private static readonly double[] steps = [1e-6, 1e-7, 1e-8];

    // Elements tried for each that is wanted, before a parameter counts as unchecked.
    private const int Attempts = 4;

    /// <summary>Checks all trainable parameters; their order is the network's.</summary>
    /// <param name="network">The network, on a device; one training pass updates its running statistics, weights do not change.</param>
    /// <param name="samples">The samples of the loss.</param>
    /// <param name="indices">The indices of the batch, all usable.</param>
    /// <param name="training">Scaling of pixels and the algorithm of convolutions.</param>
    /// <param name="options">Number of elements, and seed.</param>
    /// <param name="report">Called with every parameter as soon as it is checked.</param>
    /// <param name="cancellation">Ends the check between two elements.</param>
    /// <exception cref="NotSupportedException">A layer has no reference implementation.</exception>
    public static IReadOnlyList<CheckedGradient> Run(
        Sequential network, ISampleSource samples, int[] indices, TrainingOptions training, GradientCheckOptions options,
        Action<CheckedGradient>? report = null, CancellationToken cancellation = default)
    {
        var batch = new HostBatch(indices.Length, samples.SampleLength);
        batch.Fill(samples, indices, 0);
        if (batch.Count != indices.Length)
            throw new ArgumentException($"gradient check: of {indices.Length} samples {batch.Count} are usable");
        Classification.RequireLabels(batch, network.OutputShape.Length);
        using var batches = new DeviceBatches(network, batch, training);
        using var input = batches.Input(batch);
        var pass = new Pass(true, options.Seed, 0, training.Algorithm);
        // Before the device's pass, which moves running statistics.
        var reference = new ReferenceNetwork(network, Array.ConvertAll(input.ToArray(), value => (double)value), batch.Classes.ToArray(),
            pass);
        var gradients = Analytic(network, input, batch.Classes, pass);
        var floor = ShareOfNetwork * gradients.Values.SelectMany(values => values).Select(Magnitude).DefaultIfEmpty().Max();
        var results = new List<CheckedGradient>();
        for (var layer = 0; layer < network.Layers.Count; layer++)
            for (var p = 0; p < network.Layers[layer].Parameters.Count; p++)
            {
                var parameter = network.Layers[layer].Parameters[p];
                if (!parameter.Trainable) continue;
                var check = Check(reference, layer, p, parameter, gradients[parameter], floor, options, cancellation);
                results.Add(check);
                report?.Invoke(check);
            }
        return results;
    }

    /// <summary>The device's gradients.</summary>
    private static Dictionary<Parameter, float[]> Analytic(Sequential network, Tensor input, ReadOnlySpan<int> classes, Pass pass)
    {
        Span<float> targetValues = new float[classes.Length];
        for (var i = 0; i < classes.Length; i++) targetValues[i] = classes[i];
        using var targets = Tensor.FromValues(input.Device, new Shape(classes.Length), targetValues);
        using var tape = new Tape(input.Device);
        var logits = network.Forward(tape, input, pass);
        tape.Backward(logits.Shape[1] == 1 ? LossOperation.BinaryCrossEntropy(tape, logits, targets)
            : LossOperation.SoftmaxCrossEntropy(tape, logits, targets));
        var gradients = new Dictionary<Parameter, float[]>();
        foreach (var parameter in network.Parameters.Where(p => p.Trainable))
        {
            // There is none if the loss does not depend on the parameter.
            gradients[parameter] = parameter.Value.Gradient?.ToArray() ?? new float[parameter.Shape.Length];
            parameter.Value.ClearGradient();
        }
        return gradients;
    }

    private static CheckedGradient Check(
        ReferenceNetwork reference, int layer, int place, Parameter parameter, float[] gradient, double floor, GradientCheckOptions options,
        CancellationToken cancellation)
    {
        var scale = Math.Max(floor, ShareOfParameter * gradient.Select(Magnitude).Max());
        var wanted = Math.Min(options.Elements, gradient.Length);
        var worst = new CheckedGradient(parameter.Name, parameter.Shape, 0, 0, -1, 0, 0, 0, GradientVerdict.Unchecked);
        foreach (var element in Candidates(gradient, wanted, options.Seed, parameter.Name).Take(wanted * Attempts))
        {
            if (worst.Compared == wanted) break;
            cancellation.ThrowIfCancellationRequested();
            double analytic = gradient[element];
            if (Numeric(reference, layer, place, element) is not { } numeric)
            {
                worst = worst with { Skipped = worst.Skipped + 1 };
                continue;
            }
            var error = Math.Abs(analytic - numeric) / Math.Max(scale, Math.Max(Math.Abs(analytic), Math.Abs(numeric)));
            worst = worst with { Compared = worst.Compared + 1 };
            // NaN is the worst error; 0 / 0, if a gradient of 0 is expected and found, is no error.
            if (double.IsNaN(error)) error = analytic == numeric ? 0 : double.PositiveInfinity;
            if (worst.Worst < 0 || error > worst.Error)
                worst = worst with { Worst = element, Analytic = analytic, Numeric = numeric, Error = error };
        }
        return worst.Compared == 0 ? worst
            : worst with { Verdict = worst.Error <= Tolerance ? GradientVerdict.Right : GradientVerdict.Wrong };
    }

    /// <summary>The central difference with the largest step that crosses no kink; null if all do.</summary>
    private static double? Numeric(ReferenceNetwork reference, int layer, int place, int element)
    {
        foreach (var step in steps)
            if (reference.LossWith(layer, place, element, step) is { } above
                && reference.LossWith(layer, place, element, -step) is { } below)
                return (above - below) / (2 * step);
        return null;
    }

    /// <summary>Every element once: first those with the largest gradients, half as many as wanted, then all others at random.</summary>
    private static IEnumerable<int> Candidates(float[] gradient, int wanted, uint seed, string name)
    {
        var largest = Enumerable.Range(0, gradient.Length).OrderByDescending(i => Magnitude(gradient[i])).Take((wanted + 1) / 2).ToArray();
        var drawn = new RandomStream((int)seed, name).Permutation(gradient.Length);
        return largest.Concat(drawn.Except(largest));
    }

    private static double Magnitude(float value) => float.IsNaN(value) ? double.PositiveInfinity : Math.Abs((double)value);
}
