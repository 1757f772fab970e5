namespace Convolve.Pneumonia.Explanations;

/// <summary>Which channels of a layer are shown if not all are: those with the largest mean magnitude, in their original order.</summary>
public static class ChannelChoice
{
    /// <summary>The chosen channels of a layer.</summary>
    /// <param name="values">[positions, channels].</param>
    /// <param name="channels">How many there are.</param>
    /// <param name="most">How many to take; null for all.</param>
    public static int[] Of(float[] values, int channels, int? most)
    {
        if (most is not { } limit || limit >= channels) return [.. Enumerable.Range(0, channels)];
        var magnitude = new double[channels];
        for (var i = 0; i < values.Length; i++) magnitude[i % channels] += Math.Abs(values[i]);
        return [.. Enumerable.Range(0, channels).OrderByDescending(c => magnitude[c]).Take(limit).Order()];
    }
}
