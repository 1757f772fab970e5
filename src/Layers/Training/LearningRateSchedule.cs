namespace Convolve.Layers.Training;

/// <summary>How the learning rate changes over a training, from step to step.</summary>
public enum LearningRateSchedule
{
    /// <summary>Not at all.</summary>
    Constant,

    /// <summary>A tenth from half of the training on, a hundredth from three quarters on (He et al., 2015).</summary>
    Step,

    /// <summary>
    /// Up from nothing in a straight line over the first twentieth of the training, then down to nothing along half a cosine wave
    /// (Loshchilov and Hutter, 2016).
    /// </summary>
    Cosine,
}

/// <summary>The schedules as functions of the place in a training.</summary>
public static class LearningRateFactor
{
    /// <summary>The share of a training in which <see cref="LearningRateSchedule.Cosine"/> warms up.</summary>
    public const double WarmUp = 0.05;

    /// <summary>What the learning rate is multiplied with.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="progress">The share of the whole training's samples that were visited before the step, from 0 to 1.</param>
    /// <param name="stepLength">The share of the whole training's samples that the step visits, so that a warm-up does not waste its first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The place lies outside of the training.</exception>
    public static double Of(LearningRateSchedule schedule, double progress, double stepLength)
    {
        if (!(progress is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(progress), progress, "learning rate: progress goes from 0 to 1");
        return schedule switch
        {
            LearningRateSchedule.Step => progress < 0.5 ? 1 : progress < 0.75 ? 0.1 : 0.01,
            LearningRateSchedule.Cosine when progress < WarmUp => Math.Min(1, (progress + stepLength) / WarmUp),
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * (progress - WarmUp) / (1 - WarmUp))),
            _ => 1,
        };
    }
}
