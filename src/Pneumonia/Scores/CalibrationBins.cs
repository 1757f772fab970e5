namespace Convolve.Pneumonia.Scores;

/// <summary>The images whose probability lies in [Low, High), or up to and with 1 in the last bin.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Count">How many images.</param>
/// <param name="Observed">How many of them are of the predicted class.</param>
/// <param name="ProbabilitySum">The sum of their probabilities.</param>
public readonly record struct CalibrationBin(double Low, double High, int Count, int Observed, double ProbabilitySum)
{
    /// <summary>Their mean predicted probability; not a number without images.</summary>
    public double MeanProbability => ProbabilitySum / Count;

    /// <summary>The observed frequency: the fraction of them that is of the predicted class; not a number without images.</summary>
    public double Frequency => (double)Observed / Count;
}

/// <summary>Predicted probabilities in ten equal bins beside the observed frequencies: whether a network is calibrated.</summary>
public static class CalibrationBins
{
    private const int Bins = 10;

    /// <summary>All ten bins, empty ones included.</summary>
    public static IReadOnlyList<CalibrationBin> Of(IReadOnlyList<double> probability, IReadOnlyList<bool> observed)
    {
        var (sums, hits, counts) = (new double[Bins], new int[Bins], new int[Bins]);
        for (var i = 0; i < probability.Count; i++)
        {
            var bin = Math.Min((int)(probability[i] * Bins), Bins - 1);
            sums[bin] += probability[i];
            counts[bin]++;
            if (observed[i]) hits[bin]++;
        }
        return [.. Enumerable.Range(0, Bins)
            .Select(bin => new CalibrationBin((double)bin / Bins, (bin + 1.0) / Bins, counts[bin], hits[bin], sums[bin]))];
    }

    /// <summary>
    /// Expected calibration error: the mean over images of |mean probability − observed frequency| of their bin (Naeini et al. 2015).
    /// </summary>
    public static double Error(IReadOnlyList<double> probability, IReadOnlyList<bool> observed) =>
        Of(probability, observed).Sum(bin => Math.Abs(bin.ProbabilitySum - bin.Observed)) / probability.Count;
}
