using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class PositiveClassTests
{
    [Theory]
    [InlineData("NORMAL", "PNEUMONIA", "PNEUMONIA")]
    [InlineData("Normal", "pneumonia", "pneumonia")]
    [InlineData("COVID", "NORMAL", "COVID")]
    [InlineData("COVID", "PNEUMONIA", "PNEUMONIA")]
    [InlineData("NO PNEUMONIA", "PNEUMONIA", "PNEUMONIA")]
    [InlineData("no_pneumonia", "pneumonia_all", "pneumonia_all")]
    [InlineData("Control", "TB", "TB")]
    [InlineData("Effusion", "No Finding", "Effusion")]
    [InlineData("Effusion", "NoFinding", "Effusion")]
    [InlineData("covid", "noncovid", "covid")]
    [InlineData("CT_COVID", "CT_NonCOVID", "CT_COVID")]
    [InlineData("abnormal", "normal", "abnormal")]
    [InlineData("Abnormal", "not_abnormal", "Abnormal")]
    [InlineData("healthy", "not healthy", "not healthy")]
    [InlineData("0_sick", "1_healthy", "0_sick")]
    [InlineData("benign", "malignant", "malignant")]
    [InlineData("covid-negative", "covid-positive", "covid-positive")]
    [InlineData("fracture", "without fracture", "fracture")]
    [InlineData("Befund", "kein Befund", "Befund")]
    [InlineData("肺炎", "正常", "肺炎")]
    [InlineData("Unauffällig", "Auffällig", "Auffällig")]
    [InlineData("Unauffa\u0308llig", "Auffa\u0308llig", "Auffa\u0308llig")]
    public void TheClassWhoseNameDoesNotMeanHealthyIsPositive(string first, string second, string positive)
    {
        foreach (var classes in new[] { new[] { first, second }, [second, first] })
        {
            var chosen = PositiveClass.Of(classes)!;
            Assert.Equal((positive, false), (chosen.Name, chosen.IsGuess));
            Assert.Equal(positive, PositiveClass.Second(classes)[1]);
        }
    }

    [Theory]
    [InlineData("A", "B", "B")]
    [InlineData("bacterial", "viral", "viral")]
    [InlineData("0", "1", "1")]
    [InlineData("benign", "normal", "normal")]
    public void WhereTheNamesDecideNothingTheLastOneIsTakenAndThatIsSaid(string first, string second, string positive)
    {
        var chosen = PositiveClass.Of([second, first])!;
        Assert.Equal((positive, true), (chosen.Name, chosen.IsGuess));
        Assert.Contains("a guess", chosen.ToString());
        Assert.Contains("--positive CLASS", chosen.ToString());
    }

    [Fact]
    public void TheUserChoosesInAnyCase()
    {
        Assert.Equal("Normal", PositiveClass.Of(["Normal", "PNEUMONIA"], "NORMAL")!.Name);
        Assert.Equal(["PNEUMONIA", "Normal"], PositiveClass.Second(["Normal", "PNEUMONIA"], "normal"));
        // Of two that differ only in case, the exact one.
        Assert.Equal("a", PositiveClass.Of(["A", "a"], "a")!.Name);
        Assert.Contains("the classes are Normal, PNEUMONIA",
            Assert.Throws<UserError>(() => PositiveClass.Of(["Normal", "PNEUMONIA"], "TB")).Message);
        Assert.Contains("is for two classes", Assert.Throws<UserError>(() => PositiveClass.Of(["A", "B", "C"], "A")).Message);
    }

    [Fact]
    public void OfThreeClassesNoneIsPositiveAndTheirOrderStays()
    {
        Assert.Null(PositiveClass.Of(["BACTERIAL", "NORMAL", "VIRAL"]));
        Assert.Equal(["BACTERIAL", "NORMAL", "VIRAL"], PositiveClass.Second(["BACTERIAL", "NORMAL", "VIRAL"]));
    }

    [Theory]
    [InlineData("NORMAL", "Normal", true)]
    [InlineData("Lungenentz\u00fcndung", "LUNGENENTZU\u0308NDUNG", true)]
    [InlineData("\u1112\u1161\u11ab", "\ud55c", true)]
    [InlineData("Normal", "Normal ", false)]
    [InlineData("\ud800", "\ud800", true)]
    public void NamesAreTheSameWhateverTheirCaseAndNormalization(string a, string b, bool same)
    {
        Assert.Equal(same, ClassName.AreSame(a, b));
        if (same) Assert.Equal(ClassName.Comparer.GetHashCode(a), ClassName.Comparer.GetHashCode(b));
    }
}
