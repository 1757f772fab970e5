namespace Convolve.Layers.Training;

/// <summary>The learning rate as a function of the step.</summary>
public enum LearningRateSchedule
{
    /// <summary>The same in every step.</summary>
    Constant,

    /// <summary>A tenth after half of the training, a hundredth after three quarters (He et al., 2015).</summary>
    Step,

    /// <summary>
    /// Linear warm-up from 0 over the first twentieth of the training, then down to 0 along half a cosine wave (Loshchilov and Hutter,
    /// 2016).
    /// </summary>
    Cosine,
}

/// <summary>The schedules as functions of the position in a training.</summary>
public static class LearningRateFactor
{
    /// <summary>The fraction of a training in which <see cref="LearningRateSchedule.Cosine"/> warms up.</summary>
    public const double WarmUp = 0.05;

    /// <summary>The factor on the learning rate.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="progress">The fraction of the whole training's samples seen before the step, from 0 to 1.</param>
    /// <param name="stepLength">The fraction of the whole training's samples in the step, so that the first step of a warm-up has a rate
    /// above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The position is outside the training.</exception>
    public static double Of(LearningRateSchedule schedule, double progress, double stepLength)
    {
        if (!(progress is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(progress), progress, "learning rate: progress goes from 0 to 1");
        return schedule switch
        {
            LearningRateSchedule.Step => progress < 0.5 ? 1 : progress < 0.75 ? 0.1 : 0.01,
            LearningRateSchedule.Cosine when progress < WarmUp => Math.Min(1, (progress + stepLength) / WarmUp),
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * (progress - WarmUp) / (1 - WarmUp))),
            _ => 1,
        };
    }
}
