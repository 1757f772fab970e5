using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Reference;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Training;

/// <summary>Samples with unknown classes, of the wrong length, or with invalid weights.</summary>
[Collection(OnOpenCl.Name)]
public sealed class LabelTests(OpenClDevice opened) : DeviceTests(opened)
{
    private static readonly TrainingOptions options = new() { BatchSize = 4, Scaling = null };

    private Sequential Network(int outputs) => new Sequential(new Shape(2), new Dense(outputs)).Initialize(Device, 1);

    public static TheoryData<int, int, string> Mistakes => new()
    {
        { 3, 7, "sample 5 is of class 7, but the network tells 3 classes apart, 0 to 2" },
        { 3, 3, "sample 5 is of class 3," },
        { 3, int.MaxValue, "sample 5 is of class 2147483647," },
        { 3, -1, "sample 5 is of class -1," },
        { 1, 2, "sample 5 is of class 2, but the network tells 2 classes apart, 0 to 1" },
        { 1, int.MinValue, "sample 5 is of class -2147483648," },
    };

    [SkippableTheory]
    [MemberData(nameof(Mistakes))]
    public void AClassThatTheNetworkDoesNotKnowIsRefusedWhereverSamplesComeIn(int outputs, int label, string message)
    {
        using var network = Network(outputs);
        using var optimizer = new RmsProp();
        using var trainer = new Trainer(network, optimizer, options);
        var (good, bad) = (new Rows(0), new Rows(label));
        var before = network.Parameters.First().Value.ToArray();
        Refused(() => trainer.Fit(bad, null, []));
        Refused(() => Predictor.Run(network, bad, options));
        Refused(() => GradientCheck.Run(network, bad, [4, 5], options, new GradientCheckOptions()));
        Refused(() => LearningRateSweep.Run(network, new Sgd(), options with { BatchSize = 6 }, bad, 10));
        using var validated = new Trainer(network, new Sgd { LearningRate = 0 }, options);
        Refused(() => validated.Fit(good, bad, []));
        // Training and prediction continue to work.
        Predictor.Run(network, good, options);
        trainer.Fit(good, good, []);
        Assert.All(network.Parameters.First().Value.ToArray(), value => Assert.True(float.IsFinite(value)));
        Assert.Equal(before.Length, 2 * outputs);

        void Refused(Action use) => Assert.Contains(message, Assert.Throws<ArgumentException>(use).Message);
    }

    [SkippableFact]
    public void ClassWeightsMustBeOneForEachClassAndNumbers()
    {
        using var network = Network(3);
        using var optimizer = new RmsProp();
        Refused("2 were given, but the network tells 3 classes apart", [1, 1]);
        Refused("4 were given", [1, 1, 1, 1]);
        Refused("that of class 1 is NaN", [1, float.NaN, 1]);
        Refused("that of class 2 is -1", [1, 1, -1]);
        Refused("that of class 0 is", [float.PositiveInfinity, 1, 1]);
        using var two = Network(1);
        new Trainer(two, optimizer, options with { ClassWeights = [1, 2] }).Dispose();
        Assert.Contains("batch of 0", Assert.Throws<ArgumentException>(() =>
            new Trainer(network, optimizer, options with { BatchSize = 0 })).Message);

        void Refused(string message, float[] weights) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() =>
            new Trainer(network, optimizer, options with { ClassWeights = weights })).Message);
    }

    [SkippableFact]
    public void RowsOfAnotherLengthSayWhatToDo()
    {
        using var network = Network(1);
        using var optimizer = new RmsProp();
        var floats = new ArraySamples([[1f, 2f], [3f, 4f]], [0, 1]);
        var bytes = new ArraySamples([[1, 2], [3, 4]], [0, 1]);
        var long_ = new ArraySamples([[1f, 2f, 3f]], [0]);
        var used = Device.Pool.UsedBytes;
        using var scaled = new Trainer(network, optimizer, new TrainingOptions());
        using var unscaled = new Trainer(network, optimizer, options);
        Assert.Equal("samples: each has 8 bytes, but the network takes [2], 2 bytes that are scaled: 2 bytes; rows of float32 values need "
            + "TrainingOptions.Scaling = null",
            Assert.Throws<ArgumentException>(() => scaled.Fit(floats, null, [])).Message);
        Assert.Equal("samples: each has 2 bytes, but the network takes [2], 2 values of float32: 8 bytes; images in bytes need "
            + "TrainingOptions.Scaling",
            Assert.Throws<ArgumentException>(() => unscaled.Fit(bytes, null, [])).Message);
        Assert.Equal("samples: each has 12 bytes, but the network takes [2], 2 values of float32: 8 bytes",
            Assert.Throws<ArgumentException>(() => unscaled.Fit(long_, null, [])).Message);
        Assert.Contains("Scaling = null", Assert.Throws<ArgumentException>(() =>
            Predictor.Run(network, floats, new TrainingOptions())).Message);
        scaled.Dispose();
        unscaled.Dispose();
        Assert.Equal(used, Device.Pool.UsedBytes);
    }

    /// <summary>Twelve rows; the sixth has the given class.</summary>
    private sealed class Rows(int label) : ISampleSource
    {
        public int Count => 12;

        public int SampleLength => 8;

        public bool IsUsable(int index) => true;

        public int ClassOf(int index) => index == 5 ? label : index % 2;

        public void CopyPixels(int index, Span<byte> target)
        {
            BitConverter.TryWriteBytes(target, index % 2 - 0.5f);
            BitConverter.TryWriteBytes(target[4..], 0.25f * index);
        }
    }
}
