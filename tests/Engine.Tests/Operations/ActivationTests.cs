using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>Random logits [Rows, Columns] and the seed of the rest.</summary>
public sealed record LogitsCase(int Rows, int Columns, float Limit, int Seed)
{
    public Shape Shape => new(Rows, Columns);

    public float[] Values => RandomCases.Values(Seed, 1, Rows * Columns, Limit);

    public float[] Upstream => RandomCases.Values(Seed, 2, Rows * Columns);

    /// <summary>Rows around the 256 threads of a group and beyond the 8192 elements of a work-item.</summary>
    public static Gen<LogitsCase> Generator =>
        from rows in Gen.Elements(1, 2, 7, 31, 255, 256, 257, 3000)
        from columns in Gen.Elements(1, 2, 3, 4, 5, 33)
        from limit in Gen.Elements(1f, 8f, 100f)
        from seed in RandomCases.Seed
        where rows * columns < 20_000
        select new LogitsCase(rows, columns, limit, seed);
}

public abstract class ActivationTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void ReluAndItsGradient() => ForAll(LogitsCase.Generator, 20, c =>
        Check(c, "relu", ActivationOperation.Relu, ActivationReference.Relu, ActivationReference.ReluSlope, Tolerance.Exact));

    [SkippableFact]
    public void SigmoidAndItsGradient() => ForAll(LogitsCase.Generator, 20, c =>
        // The derivative y·(1−y) loses what 1−y rounds away: up to half a unit in the last place of 1.
        Check(c, "sigmoid", ActivationOperation.Sigmoid, ActivationReference.Sigmoid, ActivationReference.SigmoidSlope,
            new Tolerance(2e-7, 5e-6)));

    [SkippableFact]
    public void SoftmaxRowsSumToOneAndTheGradientFollows() => ForAll(LogitsCase.Generator, 30, c =>
    {
        using var input = Leaf(c.Shape, c.Values);
        using var upstream = Upload(c.Shape, c.Upstream);
        var expected = ActivationReference.Softmax(RandomCases.InDouble(c.Values), c.Columns);
        var gradient = ActivationReference.SoftmaxGradient(RandomCases.InDouble(c.Upstream), expected, c.Columns);
        for (var pass = 1; pass <= 2; pass++)
        {
            using var tape = new Tape(Device);
            var output = SoftmaxOperation.Apply(tape, input);
            var actual = output.ToArray();
            // The exponent x − largest, up to 2·Limit, is rounded before the exponential.
            new Tolerance(3e-7, 3e-7 * (c.Limit + 10)).Check("softmax", expected, actual);
            for (var row = 0; row < c.Rows; row++)
                Tolerance.OfSum(c.Columns).Check("sum of a softmax row", 1, actual.AsSpan(row * c.Columns, c.Columns).ToArray().Sum());
            tape.Backward(output, upstream);
            new Tolerance(1e-6 * pass, 3e-7 * (c.Limit + 10)).Check(
                $"softmax gradient, {pass} times", Array.ConvertAll(gradient, v => v * pass), input.Gradient!.ToArray());
        }
    });

    [SkippableFact]
    public void NotANumberStaysVisible()
    {
        using var tape = new Tape(Device, recording: false);
        using var input = Upload(new Shape(1, 3), [1, float.NaN, 2]);
        Assert.True(float.IsNaN(ActivationOperation.Relu(tape, input).ToArray()[1]), "relu hid a NaN");
        Assert.True(float.IsNaN(ActivationOperation.Sigmoid(tape, input).ToArray()[1]), "sigmoid hid a NaN");
        Assert.All(SoftmaxOperation.Apply(tape, input).ToArray(), y => Assert.True(float.IsNaN(y), "softmax hid a NaN"));
    }

    [SkippableFact]
    public void ExtremesDoNotOverflow()
    {
        using var tape = new Tape(Device, recording: false);
        using var input = Upload(new Shape(1, 4), [-1e30f, 1e30f, float.NegativeInfinity, 0]);
        Tolerance.Elementwise.Check("sigmoid", [0, 1, 0, 0.5], ActivationOperation.Sigmoid(tape, input).ToArray());
        Tolerance.Elementwise.Check("softmax", [0, 1, 0, 0], SoftmaxOperation.Apply(tape, input).ToArray());
    }

    private void Check(
        LogitsCase c, string name, Func<Tape, Tensor, Tensor> apply, Func<double, double> value, Func<double, double> slope,
        Tolerance tolerance)
    {
        using var input = Leaf(c.Shape, c.Values);
        using var upstream = Upload(c.Shape, c.Upstream);
        var expected = c.Values.Select((x, i) => c.Upstream[i] * slope(x)).ToArray();
        for (var pass = 1; pass <= 2; pass++)
        {
            using var tape = new Tape(Device);
            var output = apply(tape, input);
            tolerance.Check(name, Array.ConvertAll(c.Values, x => value(x)), output.ToArray());
            tape.Backward(output, upstream);
            tolerance.Check($"{name} gradient, {pass} times", Array.ConvertAll(expected, v => v * pass), input.Gradient!.ToArray());
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class ActivationOnOpenCl(OpenClDevice device) : ActivationTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class ActivationOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : ActivationTests(device);

[Collection(OnIlgpu.Name)]
public sealed class ActivationOnIlgpu(IlgpuDevice device) : ActivationTests(device);
