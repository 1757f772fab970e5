using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Tests.Training;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Networks;

/// <summary>One network used by many threads, and one training on machines with other numbers of cores.</summary>
public abstract class SharedNetworkTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const int Threads = 8, Rounds = 5, Side = 12;

    private static readonly TrainingOptions options = new() { BatchSize = 5, Seed = 4 };

    private Sequential Network() => new Sequential(new Shape(Side, Side, 1),
    [
        new Conv2D(6, 3) { Activation = ActivationFunction.Relu },
        new MaxPooling2D(),
        new Conv2D(16, 3),
        new BatchNormalization { Activation = ActivationFunction.Relu },
        new Dropout(0.2f),
        new Flatten(),
        new Dense(20) { Activation = ActivationFunction.Relu },
        new Dense(3),
    ]).Initialize(Device, 3);

    [SkippableFact]
    public void EightThreadsPredictAsOneDoes()
    {
        using var network = Network();
        // Batch sizes differ, so that threads rent buffers of different sizes.
        var batches = Enumerable.Range(0, Threads).Select(t =>
            Upload(new Shape(t + 1, Side, Side, 1), RandomCases.Values(t, 1, (t + 1) * Side * Side))).ToArray();
        using var shared = Upload(new Shape(2, Side, Side, 1), RandomCases.Values(9, 1, 2 * Side * Side));
        float[][] expected = [.. batches.Select(Predict)];
        var ofShared = Predict(shared);
        var used = Device.Pool.UsedBytes;
        OnThreads(t =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                Tolerance.Exact.Check($"thread {t}, round {round}", expected[t], Predict(batches[t]));
                Tolerance.Exact.Check($"thread {t}, round {round}, the batch of all", ofShared, Predict(shared));
            }
        });
        Assert.Equal(used, Device.Pool.UsedBytes);
        foreach (var batch in batches) batch.Dispose();

        float[] Predict(Tensor batch)
        {
            using var output = network.Predict(batch);
            return output.ToArray();
        }
    }

    [SkippableFact]
    public void ManyThreadsAskAboutSamplesAtATimeAlsoWithPlannedMemory()
    {
        using var network = Network();
        var samples = new PatternSamples(13, Side);
        var expected = Predictor.Run(network, samples, options);
        using var plan = MemoryPlan.For(Device, network, () => new RmsProp(), options, 13, 13);
        plan.Reserve(Device);
        OnThreads(_ =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                var actual = Predictor.Run(network, new PatternSamples(13, Side), options);
                Assert.Equal(expected.Probabilities, actual.Probabilities);
                Assert.Equal(expected.Loss, actual.Loss);
            }
        });
        Assert.Equal(0, Device.Pool.Deviations);
    }

    [SkippableFact]
    public void GradientsOfInputsOnManyThreadsAreThoseOnOne()
    {
        using var network = Network();
        using var batch = Upload(new Shape(2, Side, Side, 1), RandomCases.Values(9, 1, 2 * Side * Side));
        using var upstream = Upload(new Shape(2, 3), [1, 0, 0, 0, 1, -1]);
        var expected = Gradient();
        OnThreads(_ =>
        {
            for (var round = 0; round < Rounds; round++) Tolerance.Exact.Check("gradient", expected, Gradient());
        });
        Assert.All(network.Parameters, p => Assert.Null(p.Value.Gradient));
        Assert.All(network.Parameters.Where(p => p.Trainable), p => Assert.True(p.Value.RequiresGradient));

        float[] Gradient()
        {
            using var gradient = network.InputGradient(batch, upstream);
            return gradient.ToArray();
        }
    }

    /// <summary>Sums are split by their shapes: up to four cores, the bytes of a training do not depend on the number of cores.</summary>
    [SkippableFact]
    public void TheSameTrainingGivesTheSameBitsOnOneToFourCores()
    {
        Skip.If(Device.Shape != Engine.Devices.KernelShape.Cpu, "a GPU's multiprocessors are part of what it is");
        var own = Device.Workers;
        try
        {
            float[][]? expected = null;
            foreach (var cores in new[] { 2, 1, 3, 4 })
            {
                Device.Workers = cores;
                var actual = Trained();
                expected ??= actual;
                for (var i = 0; i < expected.Length; i++) Tolerance.Exact.Check($"parameter {i} on {cores} cores", expected[i], actual[i]);
            }
        }
        finally
        {
            Device.Workers = own;
        }
    }

    private float[][] Trained()
    {
        // Images large enough that every operation splits its sums, for each algorithm that training uses on a CPU.
        using var network = new Sequential(new Shape(40, 40, 1),
        [
            new Conv2D(6, 3) { Activation = ActivationFunction.Relu },
            new Conv2D(20, 3) { Activation = ActivationFunction.Relu },
            new MaxPooling2D(),
            new Conv2D(24, 3),
            new BatchNormalization { Activation = ActivationFunction.Relu },
            new Conv2D(8, 5) { Stride = 2, Activation = ActivationFunction.Relu },
            new Flatten(),
            new Dense(20) { Activation = ActivationFunction.Relu },
            new Dense(1),
        ]).Initialize(Device, 3);
        using var optimizer = new RmsProp();
        using var trainer = new Trainer(network, optimizer, options with { BatchSize = 8 });
        trainer.Fit(new PatternSamples(16, 40), null, []);
        return [.. network.Parameters.Select(p => p.Value.ToArray())];
    }

    private static void OnThreads(Action<int> work)
    {
        using var start = new Barrier(Threads);
        Task.WaitAll([.. Enumerable.Range(0, Threads).Select(t => Task.Factory.StartNew(() =>
        {
            start.SignalAndWait();
            work(t);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))]);
    }
}

[Collection(OnOpenCl.Name)]
public sealed class SharedNetworkOnOpenCl(OpenClDevice opened) : SharedNetworkTests(opened);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class SharedNetworkOnOpenClInGpuShape(OpenClDeviceInGpuShape opened) : SharedNetworkTests(opened);

[Collection(OnIlgpu.Name)]
public sealed class SharedNetworkOnIlgpu(IlgpuDevice opened) : SharedNetworkTests(opened);
