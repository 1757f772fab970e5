using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Layers.Training;

/// <summary>One step of a sweep.</summary>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="Loss">The loss of its batch, before the step.</param>
/// <param name="Smoothed">Exponential moving average of the losses so far (0.9 of the past), with bias correction.</param>
public readonly record struct SweptRate(double LearningRate, double Loss, double Smoothed);

/// <summary>
/// Searches for a learning rate (Smith, 2015): the rate grows by the same factor from step to step until the loss explodes. A good rate is
/// the one at which the loss falls fastest. The weights are ruined: initialize the network again afterwards.
/// </summary>
public sealed class LearningRateSweep : TrainingCallback
{
    /// <summary>The first rate.</summary>
    public const double Lowest = 1e-6;

    /// <summary>The last one, if the loss has not exploded before.</summary>
    public const double Highest = 1;

    private const double Past = 0.9;

    /// <summary>The slope of the smoothed loss is taken over this many steps to either side.</summary>
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

    /// <summary>Runs the sweep.</summary>
    /// <param name="network">An initialized network.</param>
    /// <param name="optimizer">A new optimizer; its own learning rate is ignored.</param>
    /// <param name="options">Batch size, seed and so on; epochs and schedule are ignored.</param>
    /// <param name="training">The samples, repeated as often as needed.</param>
    /// <param name="steps">Learning rates to try, at least 10.</param>
    /// <param name="cancellation">Ends the sweep.</param>
    /// <returns>One entry for each step taken.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<SweptRate> Run(
        Sequential network, Optimizer optimizer, TrainingOptions options, ISampleSource training, int steps,
        CancellationToken cancellation = default)
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
            // A loss that is no longer a number ends the curve like an exploding one.
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // All rates were tried.
        }
        return sweep.rates;
    }

    /// <summary>
    /// The learning rate at which the smoothed loss falls fastest before its minimum; null if the curve is too short or never falls.
    /// </summary>
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
