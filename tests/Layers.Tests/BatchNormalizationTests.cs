using Convolve.Engine.Autograd;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Tests.Training;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests;

public abstract class BatchNormalizationTests(OpenedDevice opened) : DeviceTests(opened), IDisposable
{
    private static readonly TrainingOptions options = new() { Epochs = 3, BatchSize = 8, Seed = 5 };

    private readonly string folder = Directory.CreateTempSubdirectory("convolve-normalization-").FullName;

    public void Dispose()
    {
        Directory.Delete(folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [SkippableFact]
    public void OnlyTrainingMovesTheRunningStatisticsAndNoOptimizerDoes()
    {
        using var network = Network();
        var statistics = network.Parameters.Where(p => p.IsStatistic).ToArray();
        Assert.Equal(["norm1/running_mean", "norm1/running_variance", "norm2/running_mean", "norm2/running_variance"],
            statistics.Select(p => p.Name));
        Assert.Equal(network.ParameterCount - statistics.Sum(p => p.Shape.Length), network.TrainableCount);
        Predictor.Run(network, new PatternSamples(9), options);
        Assert.All(statistics, p => Assert.Equal(p.Name.EndsWith("mean", StringComparison.Ordinal) ? 0 : 1, p.Value.ToArray()[0]));
        using (var optimizer = new Adam())
        using (var trainer = new Trainer(network, optimizer, options with { Epochs = 1 }))
            trainer.Fit(new PatternSamples(9), null, []);
        Assert.All(statistics, p => Assert.NotEqual(p.Name.EndsWith("mean", StringComparison.Ordinal) ? 0 : 1, p.Value.ToArray()[0]));
        // Unfreezing a layer does not make its statistics trainable.
        network.Layers[1].Trainable = true;
        Assert.False(statistics[0].Trainable);
    }

    [SkippableFact]
    public void AFrozenLayerNormalizesByItsRunningStatisticsAndKeepsThem()
    {
        using var network = Network();
        network.Layers[1].Trainable = false;
        var before = network.Layers[1].Parameters.Select(p => p.Value.ToArray()).ToArray();
        using var optimizer = new Adam();
        using var trainer = new Trainer(network, optimizer, options);
        trainer.Fit(new PatternSamples(20), null, []);
        Assert.Equal(before, network.Layers[1].Parameters.Select(p => p.Value.ToArray()));
    }

    [SkippableTheory]
    [InlineData(ConvolutionAlgorithm.Auto)]
    [InlineData(ConvolutionAlgorithm.Naive)]
    public void FoldedIntoTheConvolutionItAnswersTheSame(ConvolutionAlgorithm algorithm)
    {
        using var network = Trained();
        using var batch = Upload(new Shape(5, 12, 12, 1), RandomCases.Values(3, 1, 5 * 144));
        var pass = Pass.Inference with { Algorithm = algorithm };
        using var folded = network.Predict(batch, pass);
        Assert.Contains(Device.Kernels.Launched, kernel => KernelForm.Written(kernel) == typeof(FoldKernel));
        // A recording tape does not fold layers: their activations can be inspected and differentiated.
        using var tape = new Tape(Device);
        var apart = network.Forward(tape, batch, pass);
        Tolerance.OfLargest(2e-5, RandomCases.InDouble(apart.ToArray())).Check("folded prediction", apart.ToArray(), folded.ToArray());
        // The next prediction uses the trained values: folded weights are not cached.
        network.Layers[1].Parameters[1].Value.Fill(0.5f);
        using var after = network.Predict(batch, pass);
        Assert.NotEqual(folded.ToArray(), after.ToArray());
    }

    [SkippableFact]
    public void WithoutBiasOrWithIt()
    {
        using var with = Network(bias: true);
        using var without = Network(bias: false);
        Assert.Equal(["conv1/kernel", "conv1/bias"], with.Layers[0].Parameters.Select(p => p.Name));
        Assert.Equal(["conv1/kernel"], without.Layers[0].Parameters.Select(p => p.Name));
        using var batch = Upload(new Shape(5, 12, 12, 1), RandomCases.Values(3, 1, 5 * 144));
        foreach (var (parameter, same) in without.Parameters.Select(p => (p, with.Parameters.Single(q => q.Name == p.Name))))
            same.Value.CopyFrom(parameter.Value);
        with.Layers[0].Parameters[1].Value.Fill(3);
        foreach (var network in new[] { with, without })
        {
            using var tape = new Tape(Device);
            var sums = network.Forward(tape, batch, new Pass(true));
            using var upstream = Upload(sums.Shape, RandomCases.Values(4, 2, sums.Shape.Length));
            tape.Backward(sums, upstream);
        }
        // Batch normalization removes any bias, so its gradient is only rounding error.
        Assert.All(with.Layers[0].Parameters[1].Value.Gradient!.ToArray(), v => Assert.InRange(v, -1e-4f, 1e-4f));
        var expected = without.Layers[0].Parameters[0].Value.Gradient!.ToArray();
        Tolerance.OfLargest(1e-4, RandomCases.InDouble(expected))
            .Check("kernel gradient", expected, with.Layers[0].Parameters[0].Value.Gradient!.ToArray());
    }

    [SkippableFact]
    public void ACheckpointHoldsTheStatisticsBitForBit()
    {
        using var network = Trained();
        var path = Path.Combine(folder, "whole.safetensors");
        Checkpoint.Write(path, network, []);
        using var again = Checkpoint.Read(path).Build(Device);
        Assert.Equal(NetworkDescription.ToJson(network).ToJsonString(), NetworkDescription.ToJson(again).ToJsonString());
        Assert.Equal(network.Parameters.SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits),
            again.Parameters.SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits));
        using var batch = Upload(new Shape(3, 12, 12, 1), RandomCases.Values(3, 1, 3 * 144));
        using var expected = network.Predict(batch);
        using var actual = again.Predict(batch);
        Assert.Equal(expected.ToArray(), actual.ToArray());
    }

    [SkippableFact]
    public void AResumedRunEndsWithTheSameBytes()
    {
        var (whole, stopped) = (Path.Combine(folder, "whole.safetensors"), Path.Combine(folder, "stopped.safetensors"));
        using (var network = Network())
        using (var optimizer = new Adam())
        using (var trainer = new Trainer(network, optimizer, options))
        {
            trainer.Fit(new PatternSamples(37), new PatternSamples(10), []);
            Checkpoint.Write(whole, network, [], optimizer, trainer.State);
        }
        using (var network = Network())
        using (var optimizer = new Adam())
        using (var trainer = new Trainer(network, optimizer, options))
        {
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(
                () => trainer.Fit(new PatternSamples(37), new PatternSamples(10), [new StopAfter(7, stop)], stop.Token));
            Checkpoint.Write(stopped, network, [], optimizer, trainer.State);
        }
        using (var network = Network(seed: 99))
        using (var optimizer = new Adam())
        using (var trainer = new Trainer(network, optimizer, options))
        {
            var checkpoint = Checkpoint.Read(stopped);
            checkpoint.LoadInto(network);
            checkpoint.Restore(optimizer, Device);
            trainer.Restore(checkpoint.Run!, []);
            trainer.Fit(new PatternSamples(37), new PatternSamples(10), []);
            Checkpoint.Write(stopped, network, [], optimizer, trainer.State);
        }
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(stopped));
    }

    [SkippableFact]
    public void ItLearnsAndPredictsByWhatItLearned()
    {
        using var network = Network();
        using var optimizer = new Adam { LearningRate = 3e-3f };
        using var trainer = new Trainer(network, optimizer, options with { Epochs = 12 });
        trainer.Fit(new PatternSamples(60), new PatternSamples(40), []);
        Assert.True(trainer.History[^1].ValidationAccuracy > 0.9, $"validation accuracy {trainer.History[^1].ValidationAccuracy}");
    }

    [Theory]
    [InlineData(-0.1f, 1e-3f, "layer batch_normalization_1: momentum -0.1 of the running statistics must be from 0 to 1")]
    [InlineData(0.9f, 0f, "layer batch_normalization_1: epsilon 0 of batch normalization must be above 0")]
    public void SettingsThatCannotBeAreNamed(float momentum, float epsilon, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(
            () => new Sequential(new Shape(4), new BatchNormalization { Momentum = momentum, Epsilon = epsilon })).Message);

    private Sequential Trained()
    {
        var network = Network();
        using var optimizer = new Adam();
        using var trainer = new Trainer(network, optimizer, options);
        trainer.Fit(new PatternSamples(37), null, []);
        return network;
    }

    private Sequential Network(uint seed = 1, bool bias = false) => new Sequential(new Shape(12, 12, 1),
    [
        new Conv2D(5, 3) { Name = "conv1", Bias = bias },
        new BatchNormalization { Name = "norm1", Activation = ActivationFunction.Relu },
        new MaxPooling2D { Name = "pool1" },
        new Conv2D(16, 3) { Name = "conv2", Bias = bias, Padding = Padding.Same },
        new BatchNormalization { Name = "norm2", Activation = ActivationFunction.Relu },
        new Flatten { Name = "flatten" },
        new Dense(1) { Name = "logits" },
    ]).Initialize(Device, seed);

    private sealed class StopAfter(int steps, CancellationTokenSource stop) : TrainingCallback
    {
        private int done;

        public override void StepDone(StepProgress progress)
        {
            if (++done == steps) stop.Cancel();
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class BatchNormalizationOnOpenCl(OpenClDevice device) : BatchNormalizationTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class BatchNormalizationOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : BatchNormalizationTests(device);

[Collection(OnIlgpu.Name)]
public sealed class BatchNormalizationOnIlgpu(IlgpuDevice device) : BatchNormalizationTests(device);
