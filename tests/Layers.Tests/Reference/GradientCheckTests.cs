using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;
using Convolve.Layers.Reference;
using Convolve.Layers.Tests.Training;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Reference;

public abstract class GradientCheckTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const int Pixels = 12;

    private static readonly TrainingOptions training = new() { BatchSize = 3 };

    /// <summary>Every kind of layer, a stride, both paddings and an odd number of channels.</summary>
    private static Sequential EveryKind(int outputs) => new(new Shape(Pixels, Pixels, 1),
        new Conv2D(6, 3) { Activation = ActivationFunction.Relu, Padding = Padding.Same },
        new MaxPooling2D(3) { Stride = 2 },
        new Conv2D(5, 3) { Stride = 2, Bias = false, L1 = 0.1f, L2 = 0.1f },
        new BatchNormalization { Activation = ActivationFunction.Relu },
        new Conv2D(4, 2) { Padding = Padding.Same },
        new Activation(ActivationFunction.Sigmoid),
        new Dropout(0.25f),
        new Conv2D(7, 1),
        new GlobalAveragePooling2D(),
        new Activation(ActivationFunction.Softmax),
        new Dense(9) { Activation = ActivationFunction.Relu },
        new Activation(ActivationFunction.Relu),
        new Dense(outputs));

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(3)]
    public void TheDefinitionsInDoubleGiveWhatTheDeviceGives(int outputs)
    {
        using var network = Moved(EveryKind(outputs));
        var pixels = Values(Pixels * Pixels * 3);
        using var batch = Upload(new Shape(3, Pixels, Pixels, 1), pixels);
        foreach (var pass in new[] { new Pass(true, 5, 7), Pass.Inference })
        {
            var reference = new ReferenceNetwork(network, Array.ConvertAll(pixels, v => (double)v), [0, 1, outputs - 1], pass);
            using var tape = new Tape(Device, recording: false);
            new Tolerance(1e-5, 1e-4).Check($"{outputs} outputs, {pass}", reference.Logits, network.Forward(tape, batch, pass).ToArray());
        }
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(3)]
    public void RightGradientsPass(int outputs)
    {
        using var network = Moved(EveryKind(outputs));
        var checks = Check(network, elements: 8);
        Assert.Equal(network.Parameters.Where(p => p.Trainable).Select(p => p.Name), checks.Select(c => c.Name));
        Assert.All(checks, check => Assert.True(check.Verdict == GradientVerdict.Right, $"{check}"));
        Assert.All(checks, check => Assert.Equal(Math.Min(8, check.Shape.Length), check.Compared));
    }

    [SkippableFact]
    public void RightGradientsOfTheCompactNetworkPass()
    {
        using var network = Moved(CompactNetwork.Build(16));
        Assert.All(Check(network, elements: 2, pixels: 16), check => Assert.True(check.Verdict == GradientVerdict.Right, $"{check}"));
    }

    /// <summary>Layers before the faulty layer get twice their gradient; layers after it are correct.</summary>
    [SkippableFact]
    public void AWrongGradientIsFoundInEveryParameterThatItReaches()
    {
        using var network = Moved(new Sequential(new Shape(Pixels, Pixels, 1),
            new Conv2D(4, 3) { Activation = ActivationFunction.Relu }, new TwiceBackwards(), new MaxPooling2D(), new Flatten(),
            new Dense(1)));
        Assert.Equal([GradientVerdict.Wrong, GradientVerdict.Wrong, GradientVerdict.Right, GradientVerdict.Right],
            Check(network).Select(c => c.Verdict));
        // Correct or off by half, never borderline.
        Assert.All(Check(network), check => Assert.True(check.Error is < 1e-4 or > 0.4, $"{check}"));
    }

    /// <summary>One element of a hundred has a wrong gradient; all can be compared on request.</summary>
    [SkippableFact]
    public void AWrongElementIsFoundAmongMany()
    {
        using var network = Moved(new Sequential(new Shape(Pixels, Pixels, 1), new Flatten(), new Dense(4), new ShiftWithOneFault(),
            new Dense(1)));
        var check = Check(network, elements: 1000).Single(c => c.Verdict == GradientVerdict.Wrong);
        Assert.Equal(("shift_1/shift", 2, 4), (check.Name, check.Worst, check.Compared));
    }

    /// <summary>
    /// For black images, outputs equal the bias, which is 0: exactly at ReLU's kink. Differences mean nothing there and are not reported.
    /// </summary>
    [SkippableFact]
    public void KinksGiveNoFalseAlarm()
    {
        using var network = new Sequential(new Shape(Pixels, Pixels, 1),
            new Conv2D(4, 3) { Activation = ActivationFunction.Relu }, new MaxPooling2D(), new Flatten(), new Dense(1))
            .Initialize(Device, 1);
        var checks = GradientCheck.Run(network, new Black(), [0, 1], training, new GradientCheckOptions());
        Assert.All(checks, check => Assert.NotEqual(GradientVerdict.Wrong, check.Verdict));
        var bias = checks.Single(check => check.Name == "conv2d_1/bias");
        Assert.Equal((GradientVerdict.Unchecked, 0, 4, -1), (bias.Verdict, bias.Compared, bias.Skipped, bias.Worst));
    }

    [SkippableFact]
    public void ACheckLeavesWeightsAndGradientsAsTheyWere()
    {
        using var network = Moved(EveryKind(1));
        network.Layers[0].Trainable = false;
        var before = network.Parameters.Where(p => !p.IsStatistic).Select(p => p.Value.ToArray()).ToArray();
        var names = Check(network).Select(check => check.Name).ToArray();
        Assert.DoesNotContain(network.Layers[0].Parameters[0].Name, names);
        foreach (var (parameter, values) in network.Parameters.Where(p => !p.IsStatistic).Zip(before))
        {
            Assert.Equal(values, parameter.Value.ToArray());
            Assert.Null(parameter.Value.Gradient);
        }
    }

    [SkippableFact]
    public void ALayerWithoutADefinitionSaysSo()
    {
        using var network = new Sequential(new Shape(Pixels, Pixels, 1), new Undefined(), new Flatten(), new Dense(1))
            .Initialize(Device, 1);
        Assert.Contains("layer undefined_1", Assert.Throws<NotSupportedException>(() => Check(network)).Message);
    }

    [Fact]
    public void PatternsDifferWhereABranchDoes()
    {
        var (some, same, other, longer) = (default(BranchPattern), default(BranchPattern), default(BranchPattern), default(BranchPattern));
        foreach (var branch in new[] { 0, 1, 1, 0 })
        {
            some.Take(branch);
            same.Take(branch);
            other.Take(1 - branch);
            longer.Take(branch);
        }
        longer.Take(0);
        Assert.True(some == same && some != other && some != longer);
    }

    private IReadOnlyList<CheckedGradient> Check(Sequential network, int elements = 6, int pixels = Pixels) =>
        GradientCheck.Run(network, new PatternSamples(8, pixels), [1, 2, 5], training, new GradientCheckOptions(elements, 3));

    /// <summary>An initialized network with nonzero parameters.</summary>
    private Sequential Moved(Sequential network)
    {
        network.Initialize(Device, 1);
        foreach (var parameter in network.Parameters)
        {
            var noise = Values(parameter.Shape.Length);
            parameter.Value.CopyFrom(parameter.Value.ToArray().Zip(noise, (value, n) => value + 0.1f * n).ToArray());
        }
        return network;
    }

    private static float[] Values(int count) => RandomCases.Values(3, 4, count);

    private sealed class Black : ISampleSource
    {
        public int Count => 2;

        public int SampleLength => Pixels * Pixels;

        public bool IsUsable(int index) => true;

        public int ClassOf(int index) => index;

        public void CopyPixels(int index, Span<byte> target) => target.Clear();
    }

    /// <summary>The identity with twice the correct gradient.</summary>
    private sealed class TwiceBackwards : Layer
    {
        public override string Kind => "twice";

        public override Tensor Forward(Tape tape, Tensor batch, Pass pass)
        {
            var output = tape.Own(batch.Copy());
            if (tape.Records(batch))
                tape.Record("twice", output, [], upstream =>
                {
                    upstream.Accumulate(upstream);
                    tape.AddGradient(batch, upstream.Copy());
                });
            return output;
        }

        public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) => new(batch);

        protected override Shape OutputFor(Shape inputShape) => inputShape;
    }

    /// <summary>x + b for rows [N,4]; the gradient of b's third element is a tenth too large.</summary>
    private sealed class ShiftWithOneFault : Layer
    {
        public override string Kind => "shift";

        public override Tensor Forward(Tape tape, Tensor batch, Pass pass)
        {
            var shift = Parameters[0].Value;
            var (values, shifts) = (batch.ToArray(), shift.ToArray());
            var output = tape.Own(Tensor.FromValues(batch.Device, batch.Shape,
                values.Select((v, i) => v + shifts[i % shifts.Length]).ToArray()));
            tape.Record("shift", output, [], upstream =>
            {
                var gradient = new float[shifts.Length];
                foreach (var (u, i) in upstream.ToArray().Select((u, i) => (u, i))) gradient[i % shifts.Length] += u;
                gradient[2] *= 1.1f;
                tape.AddGradient(shift, Tensor.FromValues(batch.Device, shift.Shape, gradient));
                tape.AddGradient(batch, upstream.Copy());
            });
            return output;
        }

        public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
            new([.. batch.Select((v, i) => v + parameters[0][i % parameters[0].Length])]);

        protected override Shape OutputFor(Shape inputShape) => inputShape;

        protected override IReadOnlyList<Parameter> CreateParameters() =>
            [new Parameter($"{Name}/shift", InputShape, Initializer.Zeros, InputShape.Length, InputShape.Length)];
    }

    private sealed class Undefined : Layer
    {
        public override string Kind => "undefined";

        public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => batch;

        protected override Shape OutputFor(Shape inputShape) => inputShape;
    }
}

[Collection(OnOpenCl.Name)]
public sealed class GradientCheckOnOpenCl(OpenClDevice opened) : GradientCheckTests(opened);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class GradientCheckOnOpenClInGpuShape(OpenClDeviceInGpuShape opened) : GradientCheckTests(opened);

[Collection(OnIlgpu.Name)]
public sealed class GradientCheckOnIlgpu(IlgpuDevice opened) : GradientCheckTests(opened);
