using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Tests.Networks;

/// <summary>A prediction split into stages, and differentiated with respect to its input.</summary>
public abstract class PredictionStageTests(OpenedDevice opened) : DeviceTests(opened)
{
    private static readonly Shape image = new(12, 9, 2);

    [SkippableFact]
    public void StagesAreWhatPredictionComputes()
    {
        using var network = Network();
        Assert.Equal(["first", "pool", "norm", "dropout_1", "flatten_1", "even", "logits"], network.Stages().Select(s => s.Name));
        Assert.Equal(["conv2d", "max_pool2d", "conv2d", "dropout", "flatten", "batch_normalization", "dense"],
            network.Stages().Select(s => s.Layer.Kind));
        Assert.Equal([true, false, true, false, false, false, false], network.Stages().Select(s => s.Relu));
        Assert.Equal([1, 2, 4, 5, 6, 7, 8], network.Stages().Select(s => s.End));
        using var batch = Batch();
        var used = Device.Pool.UsedBytes;
        var outputs = network.Trace(batch);
        Assert.Equal(used, Device.Pool.UsedBytes);
        using var predicted = network.Predict(batch);
        Tolerance.Exact.Check("last stage", predicted.ToArray(), outputs[^1]);
        foreach (var (stage, output) in network.Stages().Zip(outputs)) Assert.Equal(3 * stage.OutputShape.Length, output.Length);
    }

    [SkippableFact]
    public void WeightsMakeTheOutputs()
    {
        using var network = Network();
        using var batch = Batch();
        var (input, stages, outputs) = (batch.ToArray(), network.Stages(), network.Trace(batch));
        for (var s = 0; s < stages.Count; s++)
        {
            var before = RandomCases.InDouble(s == 0 ? input : outputs[s - 1]);
            if (stages[s].Weights() is not { } weights)
            {
                Assert.True(stages[s].Layer is not (Conv2D or Dense or BatchNormalization));
                continue;
            }
            var (kernel, bias) = (RandomCases.InDouble(weights.Kernel), RandomCases.InDouble(weights.Bias));
            var sums = stages[s].Layer switch
            {
                Conv2D c => ConvolutionReference.Forward(c.Geometry with { Batch = 3 }, before, kernel, bias),
                BatchNormalization => [.. before.Select((x, i) => x * kernel[i % kernel.Length] + bias[i % bias.Length])],
                _ => Enumerable.Range(0, 3 * bias.Length).Select(i => bias[i % bias.Length]
                    + Enumerable.Range(0, kernel.Length / bias.Length).Sum(k =>
                    before[i / bias.Length * (kernel.Length / bias.Length) + k] * kernel[k * bias.Length + i % bias.Length])).ToArray(),
            };
            new Tolerance(2e-5, 2e-5).Check(stages[s].Name, [.. sums.Select(v => stages[s].Relu ? Math.Max(0, v) : v)], outputs[s]);
        }
    }

    [SkippableFact]
    public void InputGradientsAreThoseOfARecordedPassAndParametersGetNone()
    {
        using var network = Network();
        using var upstream = Upload(new Shape(3, 2), RandomCases.Values(8, 1, 6));
        using var batch = Batch();
        using var leaf = Leaf(batch.Shape, batch.ToArray());
        using (var tape = new Tape(Device)) tape.Backward(network.Forward(tape, leaf, Pass.Inference), upstream);
        foreach (var parameter in network.Parameters) parameter.Value.ClearGradient();
        var used = Device.Pool.UsedBytes;
        using (var gradient = network.InputGradient(batch, upstream))
            Tolerance.Exact.Check("input gradient", leaf.Gradient!.ToArray(), gradient.ToArray());
        Assert.Equal(used, Device.Pool.UsedBytes);
        Assert.All(network.Parameters, p => Assert.Null(p.Value.Gradient));
        Assert.All(network.Parameters, p => Assert.Equal(p.Trainable, p.Value.RequiresGradient));
    }

    private Tensor Batch() => Upload(new Shape([3, .. image.Sizes]), RandomCases.Values(7, 1, 3 * image.Length));

    private Sequential Network()
    {
        var network = new Sequential(image,
            new Conv2D(5, 3) { Name = "first", Activation = ActivationFunction.Relu }, new MaxPooling2D { Name = "pool" },
            new Conv2D(4, 3) { Name = "second", Padding = Padding.Same, Bias = false },
            new BatchNormalization { Name = "norm", Activation = ActivationFunction.Relu },
            new Dropout(0.3f), new Flatten(), new BatchNormalization { Name = "even" }, new Dense(2) { Name = "logits" })
            .Initialize(Device, 5);
        var stream = 0;
        foreach (var parameter in network.Parameters.Where(p => p.Shape.Rank == 1))
            parameter.Value.CopyFrom([.. RandomCases.Values(9, stream++, parameter.Shape.Length).Select(v => 0.6f + v / 2)]);
        return network;
    }
}

[Collection(OnOpenCl.Name)]
public sealed class PredictionStagesOnOpenCl(OpenClDevice device) : PredictionStageTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class PredictionStagesOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : PredictionStageTests(device);

[Collection(OnIlgpu.Name)]
public sealed class PredictionStagesOnIlgpu(IlgpuDevice device) : PredictionStageTests(device);
