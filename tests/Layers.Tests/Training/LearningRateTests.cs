using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Training;

/// <summary>Schedules and the suggestion of a sweep, as pure functions.</summary>
public sealed class LearningRateFactorTests
{
    [Theory]
    [InlineData(LearningRateSchedule.Constant, 0, 1)]
    [InlineData(LearningRateSchedule.Constant, 1, 1)]
    [InlineData(LearningRateSchedule.Step, 0.49999, 1)]
    [InlineData(LearningRateSchedule.Step, 0.5, 0.1)]
    [InlineData(LearningRateSchedule.Step, 0.74999, 0.1)]
    [InlineData(LearningRateSchedule.Step, 0.75, 0.01)]
    [InlineData(LearningRateSchedule.Cosine, 0, 0.2)]
    [InlineData(LearningRateSchedule.Cosine, 0.02, 0.6)]
    [InlineData(LearningRateSchedule.Cosine, 0.05, 1)]
    [InlineData(LearningRateSchedule.Cosine, 0.525, 0.5)]
    [InlineData(LearningRateSchedule.Cosine, 1, 0)]
    public void IsWhatTheFormulaSays(LearningRateSchedule schedule, double progress, double factor) =>
        Assert.Equal(factor, LearningRateFactor.Of(schedule, progress, stepLength: 0.01), 12);

    [Fact]
    public void CosineRisesOnceAndFallsOnce()
    {
        double[] factors = [.. Enumerable.Range(0, 1000).Select(step =>
            LearningRateFactor.Of(LearningRateSchedule.Cosine, step / 1000.0, 0.001))];
        var top = Array.IndexOf(factors, factors.Max());
        Assert.Equal(factors[..(top + 1)].Order(), factors[..(top + 1)]);
        Assert.Equal(factors[top..].OrderDescending(), factors[top..]);
        Assert.All(factors, factor => Assert.InRange(factor, 1e-9, 1));
    }

    // A training shorter than the warm-up starts at the full rate, not above it.
    [Fact]
    public void AStepLongerThanTheWarmUpIsNoFasterThanOne() => Assert.Equal(1, LearningRateFactor.Of(LearningRateSchedule.Cosine, 0, 0.5));

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void APlaceOutsideOfTheTrainingIsRefused(double progress) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateFactor.Of(LearningRateSchedule.Step, progress, 0.1));

    [Fact]
    public void TheSuggestionIsWhereTheLossFallsFastestBeforeItsLowest()
    {
        // Flat, falling from 30 to 50 and steepest at 40, flat, rising from 70 on, and at the end falling steeply again, but not as low.
        double Loss(int i) => i < 70 ? 1 - 1 / (1 + Math.Exp((40 - i) / 3.0)) : i < 90 ? (i - 70) * 0.2 : 0.5;
        SweptRate[] rates = [.. Enumerable.Range(0, 100).Select(i => new SweptRate(Math.Pow(10, -6 + i * 0.06), Loss(i), Loss(i)))];
        Assert.Equal(rates[40].LearningRate, LearningRateSweep.Suggestion(rates));
        Assert.Null(LearningRateSweep.Suggestion([.. rates.Select(rate => rate with { Smoothed = rate.LearningRate })]));
        Assert.Null(LearningRateSweep.Suggestion([]));
    }
}

[Collection(OnOpenCl.Name)]
public sealed class LearningRateTests(OpenClDevice opened) : DeviceTests(opened), IDisposable
{
    private static readonly TrainingOptions options = new() { Epochs = 4, BatchSize = 8, Seed = 5 };

    private readonly string folder = Directory.CreateTempSubdirectory("convolve-rates-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [SkippableTheory]
    [InlineData(LearningRateSchedule.Step)]
    [InlineData(LearningRateSchedule.Cosine)]
    public void EveryStepHasItsRate(LearningRateSchedule schedule)
    {
        using var network = Network();
        using var optimizer = new Sgd { LearningRate = 0.5f };
        var rates = new List<float>();
        using var trainer = new Trainer(network, optimizer, options with { Schedule = schedule });
        // 20 samples in batches of 8, 8 and 4.
        trainer.Fit(new PatternSamples(20), null, [new AfterEveryStep(() => rates.Add(optimizer.LearningRate))]);
        var expected = Enumerable.Range(0, 12).Select(step =>
            (float)(0.5f * LearningRateFactor.Of(schedule, (step / 3 * 20 + step % 3 * 8) / 80.0, 0.1)));
        Assert.Equal(expected, rates);
    }

    [SkippableTheory]
    [InlineData(LearningRateSchedule.Step, 7)]
    [InlineData(LearningRateSchedule.Cosine, 1)]
    [InlineData(LearningRateSchedule.Cosine, 13)]
    public void AResumedRunEndsWithTheSameBytes(LearningRateSchedule schedule, int stopAfter)
    {
        var scheduled = options with { Schedule = schedule };
        var (whole, stopped) = (Path.Combine(folder, "whole.safetensors"), Path.Combine(folder, "stopped.safetensors"));
        using (var network = Network())
        using (var optimizer = Decaying())
        using (var trainer = new Trainer(network, optimizer, scheduled))
        {
            trainer.Fit(new PatternSamples(37), null, []);
            Checkpoint.Write(whole, network, [], optimizer, trainer.State);
        }
        using (var network = Network())
        using (var optimizer = Decaying())
        using (var trainer = new Trainer(network, optimizer, scheduled))
        using (var stop = new CancellationTokenSource())
        {
            var steps = 0;
            Assert.Throws<OperationCanceledException>(() => trainer.Fit(new PatternSamples(37), null,
                [new AfterEveryStep(() => { if (++steps == stopAfter) stop.Cancel(); })], stop.Token));
            Checkpoint.Write(stopped, network, [], optimizer, trainer.State);
        }
        using (var network = Network())
        using (var optimizer = Decaying())
        using (var trainer = new Trainer(network, optimizer, scheduled))
        {
            var checkpoint = Checkpoint.Read(stopped);
            checkpoint.LoadInto(network);
            checkpoint.Restore(optimizer, Device);
            trainer.Restore(checkpoint.Run!, []);
            trainer.Fit(new PatternSamples(37), null, []);
            Checkpoint.Write(stopped, network, [], optimizer, trainer.State);
        }
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(stopped));
    }

    [SkippableFact]
    public void DecayPullsOnKernelsAndOnNothingElse()
    {
        var results = new List<Dictionary<string, float[]>>();
        foreach (var decay in new[] { 0f, 0.5f })
        {
            using var network = Network();
            using var optimizer = new Sgd { LearningRate = 0.1f, WeightDecay = decay };
            using var trainer = new Trainer(network, optimizer, options);
            trainer.Step(new BatchReader(new PatternSamples(8), EpochOrder.Sequential(8), 8).Read()!);
            results.Add(network.Parameters.ToDictionary(p => p.Name, p => p.Value.ToArray()));
        }
        using var initial = Network();
        foreach (var parameter in initial.Parameters)
        {
            var share = parameter.Name.EndsWith("/kernel", StringComparison.Ordinal) ? 0.1 * 0.5 : 0;
            var before = parameter.Value.ToArray();
            Tolerance.Elementwise.Check(parameter.Name, [.. results[0][parameter.Name].Select((v, i) => v - share * before[i])],
                results[1][parameter.Name]);
        }
    }

    [SkippableFact]
    public void ASweepGrowsTheRateByOneFactorAndEndsWhenTheLossExplodes()
    {
        using var network = Network();
        using var optimizer = new Sgd();
        var rates = LearningRateSweep.Run(network, optimizer, options, new PatternSamples(20), steps: 30);
        Assert.InRange(rates.Count, 10, 30);
        Assert.Equal(LearningRateSweep.Lowest, rates[0].LearningRate, 15);
        var factor = rates[1].LearningRate / rates[0].LearningRate;
        for (var i = 1; i < rates.Count; i++) Assert.Equal(factor, rates[i].LearningRate / rates[i - 1].LearningRate, 9);
        Assert.Equal(Math.Pow(LearningRateSweep.Highest / LearningRateSweep.Lowest, 1 / 29.0), factor, 9);
        // The first loss is that of the untrained network on the first batch.
        using var untouched = Network();
        using var trainer = new Trainer(untouched, optimizer, options);
        var first = new BatchReader(new PatternSamples(20), EpochOrder.Shuffled(20, options.Seed, 1), 8).Read()!;
        Assert.Equal(trainer.Step(first).Loss, rates[0].Loss, 6);
        Assert.Equal(rates[0].Loss, rates[0].Smoothed, 9);
    }

    [SkippableFact]
    public void ASweepThatIsStoppedSaysSo()
    {
        using var network = Network();
        using var optimizer = new Sgd();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            LearningRateSweep.Run(network, optimizer, options, new PatternSamples(20), 30, stop.Token));
    }

    private static Adam Decaying() => new() { LearningRate = 3e-3f, WeightDecay = 0.1f };

    private Sequential Network() => new Sequential(new Shape(12, 12, 1),
    [
        new Conv2D(3, 3) { Name = "conv", Bias = false },
        new BatchNormalization { Name = "norm", Activation = ActivationFunction.Relu },
        new GlobalAveragePooling2D { Name = "mean" },
        new Dense(4) { Name = "dense" },
        new Dense(1) { Name = "logits" },
    ]).Initialize(Device, 1);

    private sealed class AfterEveryStep(Action action) : TrainingCallback
    {
        public override void StepDone(StepProgress progress) => action();
    }
}
