using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Training;

[Collection(OnOpenCl.Name)]
public sealed class TrainerTests(OpenClDevice opened) : DeviceTests(opened), IDisposable
{
    private static readonly TrainingOptions options = new() { Epochs = 3, BatchSize = 8, Seed = 5 };

    private readonly string folder = Directory.CreateTempSubdirectory("convolve-trainer-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [SkippableFact]
    public void LearnsAPattern()
    {
        using var network = Network();
        using var optimizer = new RmsProp { LearningRate = 3e-3f };
        using var trainer = new Trainer(network, optimizer, options with { Epochs = 20 });
        trainer.Fit(new PatternSamples(60), new PatternSamples(40), []);
        Assert.Equal(20, trainer.History.Count);
        Assert.True(trainer.History[^1].ValidationLoss < 0.5 * trainer.History[0].TrainLoss,
            $"validation loss {trainer.History[^1].ValidationLoss} after a first training loss of {trainer.History[0].TrainLoss}");
        Assert.True(trainer.History[^1].ValidationAccuracy > 0.9, $"validation accuracy {trainer.History[^1].ValidationAccuracy}");
    }

    [SkippableFact]
    public void TheSameSeedWritesTheSameBytes()
    {
        Assert.Equal(Bytes(TrainWhole("first", 5)), Bytes(TrainWhole("second", 5)));
        Assert.NotEqual(Bytes(TrainWhole("first", 5)), Bytes(TrainWhole("third", 6)));
    }

    [SkippableTheory]
    [InlineData(1, "rmsprop")]
    [InlineData(4, "adam")]
    [InlineData(9, "rmsprop")]
    [InlineData(12, "sgd")]
    [InlineData(7, "rmsprop", true)]
    public void AResumedRunEndsWithTheSameBytes(int stopAfter, string kind, bool augment = false)
    {
        var options = TrainerTests.options with { Augmentation = augment ? new AugmentationRanges() : null };
        var whole = TrainWhole("whole", options, kind);
        var path = Path.Combine(folder, "stopped.safetensors");
        using (var network = Network())
        using (var optimizer = OptimizerOf(kind))
        using (var trainer = new Trainer(network, optimizer, options))
        {
            using var stop = new CancellationTokenSource();
            var steps = 0;
            Assert.Throws<OperationCanceledException>(() => trainer.Fit(new PatternSamples(37), new PatternSamples(10),
                [new AfterEveryStep(() => { if (++steps == stopAfter) stop.Cancel(); })], stop.Token));
            Checkpoint.Write(path, network, [], optimizer, trainer.State);
        }
        using (var network = Network(seed: 99))
        using (var optimizer = OptimizerOf(kind))
        using (var trainer = new Trainer(network, optimizer, options))
        {
            var checkpoint = Checkpoint.Read(path);
            checkpoint.LoadInto(network);
            checkpoint.Restore(optimizer, Device);
            trainer.Restore(checkpoint.Run!, []);
            trainer.Fit(new PatternSamples(37), new PatternSamples(10), []);
            Checkpoint.Write(path, network, [], optimizer, trainer.State);
        }
        Assert.Equal(Bytes(whole), Bytes(path));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(null)]
    public void AnEpochThatWasStoppedWithinTakesTheTimeOfBothParts(int? stopAfter)
    {
        using var network = Network();
        using var optimizer = new Sgd();
        using var stopped = new Trainer(network, optimizer, options);
        using var stop = new CancellationTokenSource();
        var steps = 0;
        // An epoch is five steps of eight samples; the last case stops between two epochs.
        var isWithin = stopAfter is not null;
        TrainingCallback stopping = isWithin ? new AfterEveryStep(() => { if (++steps == stopAfter) stop.Cancel(); })
            : new AfterEveryEpoch(stop.Cancel);
        Assert.Throws<OperationCanceledException>(() => stopped.Fit(new PatternSamples(40), null, [stopping], stop.Token));
        Assert.InRange(stopped.SecondsInEpoch, double.Epsilon, 1000);
        using var resumed = new Trainer(network, optimizer, options);
        resumed.Restore(stopped.State, [1], 5000);
        Assert.Equal(isWithin ? 5000 : 0, resumed.SecondsInEpoch);
        resumed.Fit(new PatternSamples(40), null, []);
        var seconds = resumed.History[stopped.History.Count].Seconds;
        Assert.InRange(seconds, isWithin ? 5000 : 0, isWithin ? 6000 : 1000);
        Assert.All(resumed.History.Skip(stopped.History.Count + 1), epoch => Assert.InRange(epoch.Seconds, 0, 1000));
        Assert.Equal(0, resumed.SecondsInEpoch);
    }

    [SkippableFact]
    public void AugmentationIsFreshEachEpochOrTheSameOnce()
    {
        var ranges = new AugmentationRanges();
        byte[] plain = Bytes(TrainWhole("plain", options)), fresh = Bytes(TrainWhole("fresh", options with { Augmentation = ranges })),
            once = Bytes(TrainWhole("once", options with { Augmentation = ranges, AugmentOnce = true }));
        Assert.NotEqual(plain, fresh);
        Assert.NotEqual(plain, once);
        Assert.NotEqual(fresh, once);
        Assert.Equal(fresh, Bytes(TrainWhole("again", options with { Augmentation = ranges })));
    }

    [SkippableTheory]
    [InlineData(1, 3, false, false)]
    [InlineData(2, 5, false, true)]
    [InlineData(9, 4, true, false)]
    [InlineData(4, 2, true, true)]
    public void ABatchHoldsTheDrawsOfItsOwnImagesWhateverItsSize(int batchSize, int epoch, bool once, bool tones)
    {
        using var network = Network();
        var ranges = new AugmentationRanges
        {
            Brightness = 0.2,
            Sharpness = tones ? 1 : 0,
            Gamma = tones ? 0.4 : 0,
            Noise = tones ? 0.05
            : 0,
            Share = 0.8
        };
        var augmented = options with { BatchSize = batchSize, Augmentation = ranges, AugmentOnce = once };
        var samples = new PatternSamples(13, 12, 4);
        var order = EpochOrder.Shuffled(samples.Count, 1, 1);
        using var batches = new DeviceBatches(network, samples, order, augmented, 0, epoch);
        var geometry = AugmentationGeometry.Create(new Shape(1, 12, 12, 1));
        var pixels = new byte[samples.SampleLength];
        var seen = new List<int>();
        while (batches.Next() is { } batch)
        {
            using var input = batches.Input(batch);
            batches.Prefetch();
            var values = input.ToArray();
            for (var i = 0; i < batch.Count; i++)
            {
                var image = batch.Indices[i];
                seen.Add(image);
                samples.CopyPixels(image, pixels);
                var map = ranges.Draw(augmented.Seed, once ? 0 : epoch, image, 12, 12);
                var expected = AugmentationReference.Apply(geometry, pixels, [map], tones ? PixelScaling.None : augmented.Scaling!.Value);
                if (tones)
                    expected = ToneReference.Apply(geometry.Shape, [.. expected.Select(v => (float)v)],
                        [ranges.DrawTones(augmented.Seed, once ? 0 : epoch, image)], augmented.Scaling!.Value);
                new Tolerance(2e-4, 0).Check($"image {image}", expected, values[(i * pixels.Length)..((i + 1) * pixels.Length)]);
            }
        }
        Assert.Equal(order.Where(i => i != 4), seen);
    }

    [SkippableFact]
    public void OnlyTrainingImagesAreAugmented()
    {
        using var network = Network();
        var samples = new PatternSamples(30);
        var plain = Predictor.Run(network, samples, options);
        var augmented = Predictor.Run(network, samples, options with { Augmentation = new AugmentationRanges() });
        Assert.Equal(plain.Loss, augmented.Loss);
    }

    [SkippableFact]
    public void TheTimeTheDeviceWaitsForImagesIsMeasured()
    {
        using var network = Network();
        using var optimizer = new Sgd();
        using var trainer = new Trainer(network, optimizer, options with { Epochs = 1 });
        trainer.Fit(new PatternSamples(40), null, []);
        // At least the first batch is not ready in advance.
        Assert.InRange(trainer.History[0].InputWaitSeconds, double.Epsilon, trainer.History[0].Seconds);
    }

    [SkippableFact]
    public void StateOfOtherSettingsIsRefused()
    {
        using var network = Network();
        using var optimizer = new RmsProp();
        using var trainer = new Trainer(network, optimizer, options);
        using var other = new Trainer(network, optimizer, options with { BatchSize = 9 });
        var error = Assert.Throws<FormatException>(() => other.Restore(trainer.State, []));
        Assert.Contains("batch 8", error.Message);
    }

    [SkippableFact]
    public void UnusableSamplesAreNeverSeen()
    {
        using var network = Network();
        using var optimizer = new Sgd();
        using var trainer = new Trainer(network, optimizer, options with { Epochs = 1 });
        var samples = new PatternSamples(20, 12, 3, 7, 19);
        var seen = 0;
        trainer.Fit(samples, null, [new AfterEveryStep(progress => seen = progress.Samples)]);
        Assert.Equal(17, seen);
        Assert.Equal([.. Enumerable.Range(0, 20).Except([3, 7, 19])], samples.Visited.Order());
        Assert.Equal(17, Predictor.Run(network, samples, options).Indices.Length);
    }

    [SkippableFact]
    public void AnEpochAfterTheFirstAllocatesNothing()
    {
        using var network = Network();
        using var optimizer = new Adam();
        using var trainer = new Trainer(network, optimizer, options with { Epochs = 4 });
        var allocations = new List<long>();
        // 37 samples in batches of eight: the last batch is smaller.
        trainer.Fit(new PatternSamples(37), new PatternSamples(10), [new AfterEveryEpoch(() => allocations.Add(Device.Pool.Allocations))]);
        Assert.Equal(allocations[0], allocations[^1]);
    }

    [SkippableFact]
    public void WhatATrainingHeldIsGivenBack()
    {
        var used = Device.Pool.UsedBytes;
        TrainWhole("released", 3);
        Assert.Equal(used, Device.Pool.UsedBytes);
    }

    [SkippableFact]
    public void ALossThatIsNoNumberEndsTheTraining()
    {
        using var network = Network();
        using var optimizer = new Sgd { LearningRate = 1e30f };
        using var trainer = new Trainer(network, optimizer, options);
        var error = Assert.Throws<DivergedException>(() => trainer.Fit(new PatternSamples(40), null, []));
        Assert.Contains("learning rate", error.Message);
    }

    [SkippableFact]
    public void ThreeClassesTrainWithSoftmax()
    {
        using var network = new Sequential(new Shape(12, 12, 1), new Flatten(), new Dense(3)).Initialize(Device, 1);
        using var optimizer = new RmsProp { LearningRate = 1e-2f };
        using var trainer = new Trainer(network, optimizer, options with { Epochs = 5, ClassWeights = [1, 2, 1] });
        trainer.Fit(new PatternSamples(40), new PatternSamples(20), []);
        var predictions = Predictor.Run(network, new PatternSamples(20), options);
        Assert.All(predictions.Probabilities, p => Assert.Equal(1, p.Sum(), 9));
        Assert.True(predictions.Accuracy > 0.9, $"accuracy {predictions.Accuracy}");
    }

    /// <summary>
    /// For any losses, including ties: the first of the lowest is kept, with every parameter exact, and patience is counted from there.
    /// </summary>
    [SkippableFact]
    public void BestWeightsAreRestoredBitForBitAndPatienceEndsTheRun()
    {
        using var network = Network();
        for (var trial = 0; trial < 40; trial++)
        {
            var random = new Random(trial);
            var patience = random.Next(1, 5);
            double[] losses = [.. Enumerable.Range(0, 12).Select(_ => random.Next(1, 7) / 10.0)];
            var best = new BestWeights(network, patience);
            var snapshots = new List<float[][]>();
            var improved = new List<int>();
            var watched = new BestWeights(network) { Improved = () => improved.Add(snapshots.Count) };
            var ended = losses.Length;
            for (var epoch = 1; epoch <= losses.Length && ended == losses.Length; epoch++)
            {
                foreach (var parameter in network.Parameters)
                    parameter.Value.CopyFrom([.. Enumerable.Range(0, parameter.Value.Shape.Length).Select(_ =>
                        random.NextSingle() - 0.5f)]);
                snapshots.Add(Parameters(network));
                watched.EpochDone(new EpochResult(epoch, 0, 1, 0, losses[epoch - 1], 0));
                if (!best.EpochDone(new EpochResult(epoch, 0, 1, 0, losses[epoch - 1], 0))) ended = epoch;
            }
            var lowest = Array.IndexOf(losses, losses.Take(ended).Min()) + 1;
            Assert.Equal(lowest, best.Epoch);
            // The first epoch that exceeds the patience, counted from the first lowest loss before it.
            var expectedEnd = Enumerable.Range(1, losses.Length)
                .FirstOrDefault(epoch => epoch - (Array.IndexOf(losses, losses.Take(epoch).Min()) + 1) >= patience, losses.Length);
            Assert.Equal(expectedEnd, ended);
            Assert.Equal(Enumerable.Range(1, ended).Where(epoch => losses.Take(epoch - 1).All(loss => loss > losses[epoch - 1])), improved);
            best.Restore();
            Assert.Equal(snapshots[lowest - 1], Parameters(network));

            // A resumed run has the same state.
            var resumed = new BestWeights(network, patience);
            resumed.Resume([.. losses.Take(ended).Select((loss, i) => new EpochResult(i + 1, 0, 1, 0, loss, 0))], () => { });
            Assert.Equal((best.Epoch, best.Loss, best.IsExhausted(ended)), (resumed.Epoch, resumed.Loss, resumed.IsExhausted(ended)));
        }

        static float[][] Parameters(Sequential network) => [.. network.Parameters.Select(parameter => parameter.Value.ToArray())];
    }

    /// <summary>
    /// The last step of an epoch ruins the weights: the training loss is finite, but later predictions are NaN. The weights are not kept.
    /// </summary>
    [SkippableFact]
    public void AnEpochWhoseWeightsAnswerNoNumbersHasDiverged()
    {
        using var network = Network();
        using var optimizer = new Sgd { LearningRate = 1e38f };
        using var trainer = new Trainer(network, optimizer, options with { BatchSize = 37, Epochs = 3 });
        var kept = 0;
        var best = new BestWeights(network) { Improved = () => kept++ };
        var error = Assert.Throws<DivergedException>(() => trainer.Fit(new PatternSamples(37), new PatternSamples(10), [best]));
        Assert.StartsWith("after epoch 1, the network's answer to sample 0 is ", error.Message);
        Assert.Contains("try a smaller learning rate", error.Message);
        Assert.Equal(0, kept);
        Assert.Empty(trainer.History);
    }

    [SkippableFact]
    public void ACheckpointOfAnotherNetworkIsNamed()
    {
        var path = TrainWhole("cnn", 1);
        using var other = new Sequential(new Shape(12, 12, 1), new Flatten { Name = "flatten" }, new Dense(1) { Name = "logits" })
            .Initialize(Device, 1);
        var error = Assert.Throws<WeightFileException>(() => Checkpoint.Read(path).LoadInto(other));
        Assert.Contains("holds another network", error.Message);
        Assert.Contains("logits/kernel is [50,1] instead of [144,1]", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [SkippableFact]
    public void ACheckpointBuildsItsNetworkAgain()
    {
        var path = TrainWhole("built", 1);
        using var network = Checkpoint.Read(path).Build(Device);
        Assert.Equal(["conv", "pool", "dropout", "flatten", "logits"], network.Layers.Select(l => l.Name));
        var again = Path.Combine(folder, "again.safetensors");
        Checkpoint.Write(again, network, []);
        using var second = Checkpoint.Read(again).Build(Device);
        Assert.Equal(network.Parameters.SelectMany(p => p.Value.ToArray()), second.Parameters.SelectMany(p => p.Value.ToArray()));
    }

    [SkippableFact]
    public void ATruncatedCheckpointIsRefused()
    {
        var path = TrainWhole("cut", 1);
        var bytes = File.ReadAllBytes(path);
        foreach (var length in new[] { 0, 7, 8, 100, bytes.Length - 1 })
        {
            File.WriteAllBytes(path, bytes[..length]);
            var error = Assert.Throws<WeightFileException>(() => Checkpoint.Read(path));
            Assert.Contains(path, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    private string TrainWhole(string name, uint seed, string kind = "rmsprop") => TrainWhole(name, options with { Seed = seed }, kind);

    private string TrainWhole(string name, TrainingOptions options, string kind = "rmsprop")
    {
        using var network = Network();
        using var optimizer = OptimizerOf(kind);
        using var trainer = new Trainer(network, optimizer, options);
        trainer.Fit(new PatternSamples(37), new PatternSamples(10), []);
        var path = Path.Combine(folder, name + ".safetensors");
        Checkpoint.Write(path, network, [], optimizer, trainer.State);
        return path;
    }

    private Sequential Network(uint seed = 1) => new Sequential(new Shape(12, 12, 1),
    [
        new Conv2D(2, 3) { Name = "conv", Activation = ActivationFunction.Relu, L1 = 1e-5f, L2 = 1e-4f },
        new MaxPooling2D { Name = "pool" },
        new Dropout(0.1f) { Name = "dropout" },
        new Flatten { Name = "flatten" },
        new Dense(1) { Name = "logits" },
    ]).Initialize(Device, seed);

    private static Optimizer OptimizerOf(string kind) => kind switch
    {
        "adam" => new Adam { LearningRate = 1e-3f },
        "sgd" => new Sgd { LearningRate = 1e-2f, Momentum = 0.9f },
        _ => new RmsProp { LearningRate = 1e-3f },
    };

    private static byte[] Bytes(string path) => File.ReadAllBytes(path);

    private sealed class AfterEveryStep(Action<StepProgress> action) : TrainingCallback
    {
        public AfterEveryStep(Action action) : this(_ => action())
        {
        }

        public override void StepDone(StepProgress progress) => action(progress);
    }

    private sealed class AfterEveryEpoch(Action action) : TrainingCallback
    {
        public override bool EpochDone(EpochResult result)
        {
            action();
            return true;
        }
    }
}
