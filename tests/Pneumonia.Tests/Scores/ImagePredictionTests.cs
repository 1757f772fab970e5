using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Tests.Scores;

public sealed class ImagePredictionTests
{
    [Theory]
    [InlineData(0.731, 0.848, "P(ILL) 73.1 % < 84.8 % → WELL")]
    [InlineData(0.848, 0.848, "P(ILL) 84.8 % ≥ 84.8 % → ILL")]
    [InlineData(0.2, 0.1, "P(ILL) 20.0 % ≥ 10.0 % → ILL")]
    [InlineData(0.5, null, "P(ILL) 50.0 % ≥ 50.0 % → ILL")]
    [InlineData(0.2, null, "P(ILL) 20.0 % < 50.0 % → WELL")]
    // Different numbers are printed differently.
    [InlineData(0.84764, 0.84797, "P(ILL) 84.76 % < 84.80 % → WELL")]
    public void OfTwoClassesThereIsOneVerdictAtTheThreshold(double probability, double? threshold, string line)
    {
        var prediction = ImagePrediction.Of(["WELL", "ILL"], [1 - probability, probability], threshold);
        Assert.Equal(line, $"{prediction}");
        Assert.EndsWith(prediction.Verdict, line);
        Assert.Equal(threshold is null ? null : probability >= threshold, prediction.AboveThreshold);
        // In the order of the names, independently of the order of the outputs.
        Assert.Equal(["ILL", "WELL"], prediction.Classes);
        Assert.Equal(probability, prediction.Probabilities[0]);
        Assert.Equal(Math.Max(probability, 1 - probability), prediction.Probability);
    }

    [Fact]
    public void OfThreeClassesTheMostProbableOneIsTheVerdict()
    {
        var prediction = ImagePrediction.Of(["B", "A", "C"], [0.087, 0.612, 0.301], 0.9);
        Assert.Equal("A 61.2 % (C 30.1 %, B 8.7 %)", $"{prediction}");
        Assert.Equal(("A", null, null, null), (prediction.Verdict, prediction.Positive, prediction.Threshold, prediction.AboveThreshold));
        Assert.Equal([0.612, 0.087, 0.301], prediction.Probabilities);
    }
}
