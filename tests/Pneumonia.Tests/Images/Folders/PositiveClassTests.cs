using Convolve.Pneumonia.Images;

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
    public void The_class_whose_name_does_not_mean_healthy_is_positive(string first, string second, string positive)
    {
        foreach (string[] classes in new[] { new[] { first, second }, [second, first] })
        {
            PositiveClass chosen = PositiveClass.Of(classes)!;
            Assert.Equal((positive, false), (chosen.Name, chosen.IsGuess));
            Assert.Equal(positive, PositiveClass.Second(classes)[1]);
        }
    }

    [Theory]
    [InlineData("A", "B", "B")]
    [InlineData("bacterial", "viral", "viral")]
    [InlineData("0", "1", "1")]
    [InlineData("benign", "normal", "normal")]
    public void Where_the_names_decide_nothing_the_last_one_is_taken_and_that_is_said(string first, string second, string positive)
    {
        PositiveClass chosen = PositiveClass.Of([second, first])!;
        Assert.Equal((positive, true), (chosen.Name, chosen.IsGuess));
        Assert.Contains("a guess", chosen.ToString());
        Assert.Contains("--positive CLASS", chosen.ToString());
    }

    [Fact]
    public void The_user_chooses_in_any_case()
    {
        Assert.Equal("Normal", PositiveClass.Of(["Normal", "PNEUMONIA"], "NORMAL")!.Name);
        Assert.Equal(["PNEUMONIA", "Normal"], PositiveClass.Second(["Normal", "PNEUMONIA"], "normal"));
        // Of two that differ only in case, the exact one.
        Assert.Equal("a", PositiveClass.Of(["A", "a"], "a")!.Name);
        Assert.Contains("the classes are Normal, PNEUMONIA", Assert.Throws<UserError>(() => PositiveClass.Of(["Normal", "PNEUMONIA"], "TB")).Message);
        Assert.Contains("is for two classes", Assert.Throws<UserError>(() => PositiveClass.Of(["A", "B", "C"], "A")).Message);
    }

    [Fact]
    public void Of_three_classes_none_is_positive_and_their_order_stays()
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
    public void Names_are_the_same_whatever_their_case_and_normalization(string a, string b, bool same)
    {
        Assert.Equal(same, ClassName.AreSame(a, b));
        if (same) Assert.Equal(ClassName.Comparer.GetHashCode(a), ClassName.Comparer.GetHashCode(b));
    }
}
