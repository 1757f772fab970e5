using Xunit.Sdk;

namespace Convolve.Engine.Tests;

/// <summary>The only way this suite compares arrays: |actual − expected| ≤ absolute + relative·|expected|, element by element.</summary>
/// <param name="Absolute">Allowed for any expected value.</param>
/// <param name="Relative">Allowed per unit of the expected value.</param>
public readonly record struct Tolerance(double Absolute, double Relative)
{
    /// <summary>Bit for bit, except that 0 equals −0.</summary>
    public static Tolerance Exact => new(0, 0);

    /// <summary>One float32 operation or a few.</summary>
    public static Tolerance Elementwise => new(1e-7, 2e-6);

    /// <summary>
    /// A float32 sum of terms up to <paramref name="largestTerm"/>: its rounding errors are a random walk in proportion
    /// to the terms. A missing or misplaced term changes the sum by about a term, hundreds of times more.
    /// </summary>
    public static Tolerance OfSum(int terms, double largestTerm = 1) => new(2e-7 * (terms + 8) * largestTerm, 2e-6);

    /// <summary>Within a fraction of the largest expected value.</summary>
    public static Tolerance OfLargest(double fraction, IEnumerable<double> expected) => new(fraction * expected.Max(Math.Abs), 0);

    /// <summary>Fails with operation, index and both values; also for different lengths, or if only one value is not finite.</summary>
    public void Check(string operation, double[] expected, float[] actual)
    {
        if (expected.Length != actual.Length)
            throw new XunitException($"{operation}: {actual.Length} values where {expected.Length} were expected");
        var wrong = 0;
        var worst = -1;
        var worstExcess = double.NegativeInfinity;
        for (var i = 0; i < expected.Length; i++)
        {
            if (Accepts(expected[i], actual[i])) continue;
            wrong++;
            var excess = double.IsFinite(actual[i]) ? Math.Abs(actual[i] - expected[i]) : double.PositiveInfinity;
            if (worst >= 0 && !(excess > worstExcess)) continue;
            (worst, worstExcess) = (i, excess);
        }
        if (wrong == 0) return;
        throw new XunitException(
            $"{operation}: {wrong} of {expected.Length} values are wrong, the worst at index {worst}: "
            + $"expected {expected[worst]:R}, got {actual[worst]:R} (allowed {Absolute:G3} + {Relative:G3}·|expected|)");
    }

    /// <summary>Compares two results in float32, e.g. of two algorithms.</summary>
    public void Check(string operation, float[] expected, float[] actual) => Check(operation, RandomCases.InDouble(expected), actual);

    /// <summary>Compares two single numbers.</summary>
    public void Check(string operation, double expected, float actual) => Check(operation, [expected], [actual]);

    private bool Accepts(double expected, double actual)
    {
        // NaN is never close to anything, not even to NaN; tests that expect one check for it explicitly.
        if (double.IsNaN(expected) || double.IsNaN(actual)) return false;
        if (double.IsInfinity(expected) || double.IsInfinity(actual)) return expected.Equals(actual);
        return Math.Abs(actual - expected) <= Absolute + Relative * Math.Abs(expected);
    }
}
