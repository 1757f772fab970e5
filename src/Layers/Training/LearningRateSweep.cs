using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Layers.Training;

/// <summary>One step of a sweep.</summary>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="Loss">The loss of its batch, before the step.</param>
/// <param name="Smoothed">The running mean of the losses so far, nine tenths of it the past, without bias towards its start.</param>
public readonly record struct SweptRate(double LearningRate, double Loss, double Smoothed);

/// <summary>
/// Looks for a learning rate (Smith, 2015): the rate grows from step to step, by the same factor each, until the loss explodes. Where the loss
/// falls fastest, the rate is neither wasted nor dangerous. It spoils the weights: initialize the network again afterwards.
/// </summary>
public sealed class LearningRateSweep : TrainingCallback
{
    /// <summary>The first rate.</summary>
    public const double Lowest = 1e-6;

    /// <summary>The last one, if the loss has not exploded before.</summary>
    public const double Highest = 1;

    private const double Past = 0.9;

    /// <summary>The smoothed loss is compared over so many steps to either side.</summary>
    private const int Reach = 4;

    private readonly Optimizer optimizer;
    private readonly CancellationTokenSource end;
    private readonly int steps;
    private readonly List<SweptRate> rates = [];
    private double lossSumBefore, smoothedSum, lowestSmoothed = double.PositiveInfinity;
    private int samplesBefore, epoch = 1;

    private LearningRateSweep(Optimizer optimizer, int steps, CancellationTokenSource end)
    {
        this.optimizer = optimizer;
        this.steps = steps;
        this.end = end;
        optimizer.LearningRate = (float)RateOf(0);
    }

    /// <summary>Sweeps through the rates.</summary>
    /// <param name="network">An initialized network.</param>
    /// <param name="optimizer">A fresh optimizer, whose own rate does not matter.</param>
    /// <param name="options">Batch size, seed and so on; epochs and schedule do not matter.</param>
    /// <param name="training">The samples, visited as often as the steps need.</param>
    /// <param name="steps">Rates to try, at least 10.</param>
    /// <param name="cancellation">Ends the sweep.</param>
    /// <returns>One entry a step, as far as the sweep came.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<SweptRate> Run(
        Sequential network, Optimizer optimizer, TrainingOptions options, ISampleSource training, int steps, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 10);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var sweep = new LearningRateSweep(optimizer, steps, end);
        // Even an epoch of a single sample is a step.
        using var trainer = new Trainer(network, optimizer, options with { Epochs = steps, Schedule = LearningRateSchedule.Constant });
        try
        {
            trainer.Fit(training, null, [sweep], end.Token);
        }
        catch (DivergedException)
        {
            // A rate at which the loss is no longer a number ends the curve like one at which it explodes.
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The sweep came to its end.
        }
        return sweep.rates;
    }

    /// <summary>The rate at which the smoothed loss falls fastest, on its way to its lowest value; null for a curve that is too short or never falls.</summary>
    public static double? Suggestion(IReadOnlyList<SweptRate> rates)
    {
        var lowest = 0;
        for (var i = 1; i < rates.Count; i++)
            if (rates[i].Smoothed < rates[lowest].Smoothed) lowest = i;
        (double Fall, double? Rate) best = (0, null);
        for (var i = Reach; i <= lowest && i + Reach < rates.Count; i++)
            if (rates[i - Reach].Smoothed - rates[i + Reach].Smoothed is var fall && fall > best.Fall) best = (fall, rates[i].LearningRate);
        return best.Rate;
    }

    /// <inheritdoc/>
    public override void StepDone(StepProgress progress)
    {
        if (progress.Epoch != epoch) (epoch, lossSumBefore, samplesBefore) = (progress.Epoch, 0, 0);
        var lossSum = progress.Loss * progress.Samples;
        var loss = (lossSum - lossSumBefore) / (progress.Samples - samplesBefore);
        (lossSumBefore, samplesBefore) = (lossSum, progress.Samples);
        smoothedSum = Past * smoothedSum + (1 - Past) * loss;
        var smoothed = smoothedSum / (1 - Math.Pow(Past, rates.Count + 1));
        rates.Add(new SweptRate(RateOf(rates.Count), loss, smoothed));
        lowestSmoothed = Math.Min(lowestSmoothed, smoothed);
        if (rates.Count == steps || smoothed > 4 * lowestSmoothed) end.Cancel();
        else optimizer.LearningRate = (float)RateOf(rates.Count);
    }

    private double RateOf(int step) => Lowest * Math.Pow(Highest / Lowest, (double)step / (steps - 1));
}
