using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Training;

/// <summary>
/// A plan predicts the memory of a training to the byte, and a planned training gives the same bits as one without a plan.
/// </summary>
public abstract class MemoryPlanTests(OpenedDevice opened) : DeviceTests(opened)
{
    // 21 samples: batches of 8, 8 and 5; 10 for validation: 8 and 2.
    private const int Samples = 21, Predicted = 10;

    private static readonly TrainingOptions options = new() { Epochs = 2, BatchSize = 8, Seed = 5 };

    public static TheoryData<string, string> Cases => new()
    {
        { "mlp", "sgd" }, { "cnn", "rmsprop" }, { "dropout", "adam" }, { "penalties", "momentum" }, { "vgg", "rmsprop" },
            { "frozen", "adam" },
        { "weighted", "rmsprop" }, { "three", "rmsprop" }, { "normalized", "adam" }, { "normalized frozen", "rmsprop" },
    };

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void APlanIsWhatTheTrainingTakes(string name, string kind)
    {
        var pool = Device.Pool;
        var results = new List<int[]>();
        foreach (var planned in new[] { false, true })
        {
            pool.Trim();
            var (allocated, used, deviations) = (pool.AllocatedBytes, pool.UsedBytes, pool.Deviations);
            using var network = Network(name);
            using var plan = MemoryPlan.For(Device, network, () => OptimizerOf(kind), OptionsOf(name), Samples, Predicted);
            Assert.Equal(allocated, pool.AllocatedBytes);
            if (planned) plan.Reserve(Device);
            network.Initialize(Device, 1);
            using (var optimizer = OptimizerOf(kind))
            using (var trainer = new Trainer(network, optimizer, OptionsOf(name)))
            {
                trainer.Fit(new PatternSamples(Samples), new PatternSamples(Predicted), []);
                if (planned)
                {
                    using var empty = Device.WithoutMemory();
                    Assert.Equal(plan.Bytes - empty.Pool.AllocatedBytes, pool.AllocatedBytes - allocated);
                }
                else
                {
                    Assert.True(pool.AllocatedBytes - allocated > plan.Bytes * 0.9, "without a plan it does not take less");
                }
            }
            Assert.Equal(deviations, pool.Deviations);
            results.Add([.. network.Parameters.SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits)]);
            network.Dispose();
            Assert.Equal(used, pool.UsedBytes);
        }
        Assert.Equal(results[0], results[1]);
    }

    [SkippableFact]
    public void StepsOfAPlannedTrainingAllocateNothing()
    {
        Device.Pool.Trim();
        using var network = Network("dropout");
        using var plan = MemoryPlan.For(Device, network, () => OptimizerOf("adam"), options, Samples, Predicted);
        plan.Reserve(Device);
        network.Initialize(Device, 1);
        using var optimizer = OptimizerOf("adam");
        using var trainer = new Trainer(network, optimizer, options);
        trainer.Step(HostBatchOf(8));
        var allocations = Device.Pool.Allocations;
        trainer.Fit(new PatternSamples(Samples), new PatternSamples(Predicted), []);
        Assert.Equal(allocations, Device.Pool.Allocations);
        // A batch of another size, because some images were unreadable, is planned when it occurs.
        var deviations = Device.Pool.Deviations;
        trainer.Step(HostBatchOf(3));
        Assert.Equal((allocations, deviations), (Device.Pool.Allocations, Device.Pool.Deviations));
    }

    // A resumed run loads the optimizer state, which moves to its planned address in the first step.
    [SkippableFact]
    public void AResumedTrainingTakesWhatThePlanSays()
    {
        var pool = Device.Pool;
        var path = Path.GetTempFileName();
        try
        {
            using (var network = Network("cnn").Initialize(Device, 1))
            using (var optimizer = OptimizerOf("adam"))
            using (var trainer = new Trainer(network, optimizer, options with { Epochs = 1 }))
            {
                trainer.Fit(new PatternSamples(Samples), null, []);
                Checkpoint.Write(path, network, [], optimizer, trainer.State);
            }
            pool.Trim();
            var (allocated, deviations) = (pool.AllocatedBytes, pool.Deviations);
            using var resumed = Network("cnn");
            using var plan = MemoryPlan.For(Device, resumed, () => OptimizerOf("adam"), options, Samples);
            plan.Reserve(Device);
            resumed.Initialize(Device, 1);
            using var again = OptimizerOf("adam");
            using var rest = new Trainer(resumed, again, options);
            var checkpoint = Checkpoint.Read(path);
            checkpoint.LoadInto(resumed);
            checkpoint.Restore(again, Device);
            rest.Restore(checkpoint.Run!, []);
            rest.Fit(new PatternSamples(Samples), null, []);
            using var empty = Device.WithoutMemory();
            Assert.Equal(plan.Bytes - empty.Pool.AllocatedBytes, pool.AllocatedBytes - allocated);
            Assert.Equal(deviations, pool.Deviations);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [SkippableFact]
    public void ABatchThatDoesNotFitIsRefusedWithTheLargestThatDoes()
    {
        using var network = Network("cnn");
        var memory = Bytes(40);
        var refusal = Refusal(Device.Description with { MemoryBytes = memory });
        Assert.StartsWith("out of device memory: a batch of 500 does not fit", refusal);
        Assert.DoesNotContain('\n', refusal);
        var largest = int.Parse(refusal[(refusal.LastIndexOf(' ') + 1)..]);
        Assert.InRange(largest, 40, 50);
        Assert.True(Bytes(largest) <= memory, $"{largest} takes {Bytes(largest)} bytes of {memory}");
        Assert.True(Bytes(largest + 1) > memory, $"{largest + 1} takes {Bytes(largest + 1)} bytes of {memory}");
        Assert.StartsWith("out of device memory: not even one sample at a time fits",
            Refusal(Device.Description with { MemoryBytes = 1000 }));
        // The first convolution's output, 100 pixels with 4 channels of 4 bytes, is the largest buffer by far.
        Assert.Contains("the largest batch that fits is 20",
            Refusal(Device.Description with { LargestAllocationBytes = 20 * 1600 + 1023 }));

        long Bytes(int batch)
        {
            using var plan = MemoryPlan.For(Device, network, () => OptimizerOf("adam"), options with { BatchSize = batch }, 1000, 0);
            return plan.Bytes;
        }

        string Refusal(DeviceDescription limits)
        {
            using var limited = Device.WithoutMemory(limits);
            return Assert.Throws<DeviceException>(
                () => MemoryPlan.For(limited, network, () => OptimizerOf("adam"), options with { BatchSize = 500 }, 1000, 0)).Message;
        }
    }

    private static HostBatch HostBatchOf(int samples)
    {
        var source = new PatternSamples(samples);
        return new BatchReader(source, EpochOrder.Sequential(samples), samples).Read()!;
    }

    private static TrainingOptions OptionsOf(string name) => name == "weighted" ? options with { ClassWeights = [1, 2] } : options;

    private static Sequential Network(string name)
    {
        var image = new Shape(12, 12, 1);
        if (name == "mlp") return ReferenceNetworks.Mlp(12, channels: 1);
        if (name.StartsWith("normalized"))
        {
            var normalized = new Sequential(image,
                new Conv2D(4, 3) { Bias = false }, new BatchNormalization { Activation = ActivationFunction.Relu }, new MaxPooling2D(),
                new Conv2D(6, 3) { Padding = Padding.Same, Bias = false }, new BatchNormalization { Activation = ActivationFunction.Relu },
                new GlobalAveragePooling2D(), new BatchNormalization(), new Dense(1));
            if (name != "normalized")
                foreach (var layer in normalized.Layers.Take(3)) layer.Trainable = false;
            return normalized;
        }
        var dropout = name == "dropout" ? 0.2f : 0;
        var (l1, l2) = name == "penalties" ? (1e-4f, 1e-3f) : (0, 0);
        var layers = new List<Layer>();
        if (name is "vgg" or "frozen")
            foreach (var filters in new[] { 4, 8 })
            {
                for (var depth = 0; depth < 2; depth++)
                    layers.Add(new Conv2D(filters, 3) { Padding = Padding.Same, Activation = ActivationFunction.Relu });
                layers.Add(new MaxPooling2D());
            }
        else
        {
            layers.Add(new Conv2D(4, 3) { Activation = ActivationFunction.Relu, L1 = l1, L2 = l2 });
            layers.Add(new MaxPooling2D());
            if (dropout > 0) layers.Add(new Dropout(dropout));
            layers.Add(new Conv2D(6, 3) { Activation = ActivationFunction.Relu, L2 = l2 });
        }
        layers.Add(new Flatten());
        layers.Add(new Dense(5) { Activation = ActivationFunction.Relu });
        if (dropout > 0) layers.Add(new Dropout(dropout));
        layers.Add(new Dense(name == "three" ? 3 : 1));
        var network = new Sequential(image, layers);
        if (name == "frozen")
            foreach (var layer in network.Layers.Take(4)) layer.Trainable = false;
        return network;
    }

    private static Optimizer OptimizerOf(string kind) => kind switch
    {
        "adam" => new Adam { LearningRate = 1e-3f },
        "momentum" => new Sgd { LearningRate = 1e-2f, Momentum = 0.9f },
        "sgd" => new Sgd { LearningRate = 1e-2f },
        _ => new RmsProp { LearningRate = 1e-3f },
    };
}

[Collection(OnOpenCl.Name)]
public sealed class MemoryPlanOnOpenCl(OpenClDevice device) : MemoryPlanTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class MemoryPlanOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : MemoryPlanTests(device);

[Collection(OnIlgpu.Name)]
public sealed class MemoryPlanOnIlgpu(IlgpuDevice device) : MemoryPlanTests(device);
