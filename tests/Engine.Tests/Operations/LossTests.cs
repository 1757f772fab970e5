using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random batch of logits with targets, sometimes with weights.</summary>
public sealed record LossCase(int Rows, int Classes, float Limit, bool Weighted, int Seed)
{
    public float[] Logits => RandomCases.Values(Seed, 1, Rows * Classes, Limit);

    public int[] Labels => [.. RandomCases.Values(Seed, 2, Rows).Select(v => (int)((v + 1) / 2 * Math.Max(2, Classes)))];

    /// <summary>Targets of the binary loss: labels and, in some rows, probabilities between them.</summary>
    public float[] Probabilities => [.. Labels.Select((label, i) => i % 3 == 2 ? 0.25f + label / 2f : label)];

    /// <summary>Weights from 0 to 3.</summary>
    public float[]? Weights => Weighted ? [.. RandomCases.Values(Seed, 3, Rows, 1.5f).Select(v => v + 1.5f)] : null;

    public static Gen<LossCase> Generator(params int[] classes) =>
        from rows in Gen.Elements(1, 2, 7, 100, 257)
        from count in Gen.Elements(classes)
        from limit in Gen.Elements(1e-3f, 1f, 10f, 100f)
        from weighted in RandomCases.Coin
        from seed in RandomCases.Seed
        select new LossCase(rows, count, limit, weighted, seed);
}

public abstract class LossTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const float Upstream = -1.75f;

    [SkippableFact]
    public void BinaryCrossEntropyAndItsGradient() => ForAll(LossCase.Generator(1), 60, c =>
    {
        var (logits, targets, weights) = (RandomCases.InDouble(c.Logits), RandomCases.InDouble(c.Probabilities), InDouble(c.Weights));
        Check(c, c.Probabilities, LossOperation.BinaryCrossEntropy,
            LossReference.BinaryCrossEntropy(logits, targets, weights), LossReference.BinaryCrossEntropyGradient(logits, targets, weights));
    });

    [SkippableFact]
    public void SoftmaxCrossEntropyAndItsGradient() => ForAll(LossCase.Generator(2, 3, 7, 33), 60, c =>
    {
        var (logits, weights) = (RandomCases.InDouble(c.Logits), InDouble(c.Weights));
        Check(c, Array.ConvertAll(c.Labels, l => (float)l), LossOperation.SoftmaxCrossEntropy,
            LossReference.SoftmaxCrossEntropy(logits, c.Labels, c.Classes, weights),
            LossReference.SoftmaxCrossEntropyGradient(logits, c.Labels, c.Classes, weights));
    });

    // At these logits a naive loss overflows or loses e^-z to rounding.
    [SkippableTheory]
    [InlineData(100, 1, 3.7200759760208356e-44)]
    [InlineData(100, 0, 100)]
    [InlineData(-100, 1, 100)]
    [InlineData(-100, 0, 3.7200759760208356e-44)]
    [InlineData(12, 1, 6.144193478e-06)]
    [InlineData(0, 1, 0.6931471805599453)]
    public void BinaryCrossEntropyOfExtremeLogits(float logit, float target, double expected)
    {
        using var tape = new Tape(Device, recording: false);
        using var logits = Upload(new Shape(1, 1), [logit]);
        using var targets = Upload(new Shape(1), [target]);
        new Tolerance(1e-37, 1e-5)
            .Check("binary cross-entropy", expected, LossOperation.BinaryCrossEntropy(tape, logits, targets).ToArray()[0]);
    }

    [SkippableFact]
    public void CorrectAnswersAreCounted() => ForAll(LossCase.Generator(1, 2, 3, 7), 40, c =>
    {
        using var logits = Upload(new Shape(c.Rows, c.Classes), c.Logits);
        using var targets = Upload(new Shape(c.Rows), Array.ConvertAll(c.Labels, l => (float)l));
        float[]? mask = c.Weighted ? [.. c.Weights!.Select(w => w > 1 ? 1f : 0f)] : null;
        using var counted = mask is null ? null : Upload(new Shape(c.Rows), mask);
        using var count = Prefilled(new Shape(1));
        CorrectAnswersOperation.Count(logits, targets, counted, count);
        var expected = 0;
        for (var i = 0; i < c.Rows; i++)
        {
            var row = c.Logits.AsSpan(i * c.Classes, c.Classes).ToArray();
            var answer = c.Classes == 1 ? (row[0] >= 0 ? 1 : 0) : Array.IndexOf(row, row.Max());
            if (answer == c.Labels[i] && mask?[i] != 0) expected++;
        }
        Assert.Equal(expected, count.ToArray()[0]);
    });

    public static TheoryData<float[], string> BadLabels => new()
    {
        { [0, 7, 1], "the label of sample 1 is 7; with 3 classes it must be a whole number from 0 to 2" },
        { [0, 1, 3], "the label of sample 2 is 3;" },
        { [-1, 1, 2], "the label of sample 0 is -1;" },
        { [0, 1, 0.5f], "the label of sample 2 is 0.5;" },
        { [0, 1e8f, 2], "the label of sample 1 is" },
        { [0, -1e30f, 2], "the label of sample 1 is" },
        { [0, 2, float.NaN], "the label of sample 2 is NaN;" },
        { [float.PositiveInfinity, 2, 1], "the label of sample 0 is" },
        { [float.NegativeInfinity, 2, 1], "the label of sample 0 is" },
    };

    [SkippableTheory]
    [MemberData(nameof(BadLabels))]
    public void WhatIsNoClassIsRefusedOrIfADeviceMadeItReadsNothingAndGivesNaN(float[] labels, string message)
    {
        using var logits = Leaf(new Shape(3, 3), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        using var tape = new Tape(Device);
        using (var fromHost = Upload(new Shape(3), labels))
            Assert.Contains(message,
                Assert.Throws<ArgumentException>(() => LossOperation.SoftmaxCrossEntropy(tape, logits, fromHost)).Message);
        using var fromDevice = OfDevice(labels);
        var loss = tape.Keep(LossOperation.SoftmaxCrossEntropy(tape, logits, fromDevice));
        tape.Backward(loss);
        Assert.True(float.IsNaN(loss.ToArray()[0]));
        var gradient = logits.Gradient!.ToArray();
        for (var i = 0; i < 3; i++)
            Assert.Equal(labels[i] is not (0 or 1 or 2), Enumerable.Range(0, 3).All(k => float.IsNaN(gradient[i * 3 + k])));
        using var right = Prefilled(new Shape(1));
        CorrectAnswersOperation.Count(logits, fromDevice, null, right);
        Assert.Equal(labels.Count(label => label == 2), right.ToArray()[0]);
    }

    [SkippableTheory]
    [InlineData(1.0001f, "the target of sample 1 is 1.0001; it must lie between 0 and 1")]
    [InlineData(-0.5f, "the target of sample 1 is -0.5;")]
    [InlineData(float.NaN, "the target of sample 1 is NaN;")]
    [InlineData(float.PositiveInfinity, "the target of sample 1 is")]
    public void ATargetOutsideZeroToOneIsRefusedOrIfADeviceMadeItGivesNaN(float target, string message)
    {
        using var logits = Leaf(new Shape(3, 1), [1, 2, 3]);
        using var tape = new Tape(Device);
        using (var fromHost = Upload(new Shape(3), [0, target, 1]))
            Assert.Contains(message,
                Assert.Throws<ArgumentException>(() => LossOperation.BinaryCrossEntropy(tape, logits, fromHost)).Message);
        using var fromDevice = OfDevice([0, target, 1]);
        tape.Backward(LossOperation.BinaryCrossEntropy(tape, logits, fromDevice));
        Assert.Equal([false, true, false], logits.Gradient!.ToArray().Select(float.IsNaN));
    }

    [SkippableFact]
    public void TargetsThatChangedOnTheDeviceAreNotJudgedByWhatTheyWere()
    {
        using var logits = Upload(new Shape(2, 3), [1, 2, 3, 4, 5, 6]);
        using var tape = new Tape(Device, recording: false);
        using var targets = Upload(new Shape(2), [7, 7]);
        targets.Fill(1);
        var expected = LossReference.SoftmaxCrossEntropy([1, 2, 3, 4, 5, 6], [1, 1], 3);
        new Tolerance(1e-6, 1e-6).Check("loss", expected, LossOperation.SoftmaxCrossEntropy(tape, logits, targets).ToArray()[0]);
        using var shared = Upload(new Shape(2), [7, 7]);
        using var alias = shared.Reshape(new Shape(2));
        alias.CopyFrom([1, 1]);
        new Tolerance(1e-6, 1e-6).Check("loss", expected, LossOperation.SoftmaxCrossEntropy(tape, logits, shared).ToArray()[0]);
    }

    [SkippableFact]
    public void WeightsThatAreNotNumbersAndShapesThatDoNotFitAreRefused()
    {
        using var logits = Upload(new Shape(2, 3), [1, 2, 3, 4, 5, 6]);
        using var targets = Upload(new Shape(2), [0, 1]);
        using var weights = Upload(new Shape(2), [1, float.NaN]);
        using var three = Prefilled(new Shape(3));
        using var count = Prefilled(new Shape(1));
        using var tape = new Tape(Device, recording: false);
        Assert.Contains("the weight of sample 1 is not a finite number",
            Assert.Throws<ArgumentException>(() => LossOperation.SoftmaxCrossEntropy(tape, logits, targets, weights)).Message);
        Assert.Throws<ArgumentException>(() => CorrectAnswersOperation.Count(logits, three, null, count));
        Assert.Throws<ArgumentException>(() => CorrectAnswersOperation.Count(logits, targets, three, count));
        Assert.Throws<ArgumentException>(() => CorrectAnswersOperation.Count(logits, targets, null, targets));
        Assert.Throws<ArgumentException>(() => CorrectAnswersOperation.Count(targets, targets, null, count));
    }

    /// <summary>Values that the host treats as computed by a kernel.</summary>
    private Tensor OfDevice(float[] values)
    {
        using var source = Upload(new Shape(values.Length), values);
        var tensor = Prefilled(source.Shape);
        tensor.CopyFrom(source);
        return tensor;
    }

    private void Check(
        LossCase c, float[] targetValues, Func<Tape, Tensor, Tensor, Tensor?, Tensor> apply, double expected, double[] expectedGradient)
    {
        using var logits = Leaf(new Shape(c.Rows, c.Classes), c.Logits);
        using var targets = Upload(new Shape(c.Rows), targetValues);
        using var weights = c.Weights is { } values ? Upload(new Shape(c.Rows), values) : null;
        using var upstream = Upload(new Shape(1), [Upstream]);
        for (var pass = 1; pass <= 2; pass++)
        {
            using var tape = new Tape(Device);
            var loss = apply(tape, logits, targets, weights);
            // Each loss is at most 2·Limit times a weight of 3, rounded at that size; the mean averages the errors out.
            new Tolerance(1e-6 * (1 + c.Limit / 8), 1e-5).Check("loss", expected, loss.ToArray()[0]);
            tape.Backward(loss, upstream);
            // A probability near 1 is known to a few units in its last place, 6e-8 each, before the target is taken off; that error
            // is then scaled like the gradient itself, by a weight of up to 3, the upstream gradient and the number of passes.
            var scale = (c.Weighted ? 3 : 1) * Math.Abs(Upstream) * pass / c.Rows;
            new Tolerance(3e-7 * scale, 3e-7 * (c.Limit + 20)).Check($"gradient of the loss, {pass} times",
                Array.ConvertAll(expectedGradient, g => g * Upstream * pass), logits.Gradient!.ToArray());
        }
    }

    private static double[]? InDouble(float[]? values) => values is null ? null : RandomCases.InDouble(values);
}

[Collection(OnOpenCl.Name)]
public sealed class LossOnOpenCl(OpenClDevice device) : LossTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class LossOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : LossTests(device);

[Collection(OnIlgpu.Name)]
public sealed class LossOnIlgpu(IlgpuDevice device) : LossTests(device);
