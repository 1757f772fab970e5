using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Tests.Reports;

namespace Convolve.Pneumonia.Tests.Pages;

/// <summary>Names in a user's folders that would be markup without escaping.</summary>
public sealed class HostileNamesTests
{
    private const string Name = "<b>&\"'";

    private static readonly string[] classes = ["<i>&\"'", Name];

    private static readonly string[] threeClasses = [.. classes, "<s>&\"'"];

    private static RunSummary Training() => MadeRuns.Summary(MadeRuns.Metrics(synthetic: false) with { Model = Name, Device = Name }) with
    {
        Classes = classes,
        Data = Name,
        Notes = [Name],
        Warnings = [Name],
        Settings = [(Name, Name)],
        CommandLine = Name,
        Augmentation = (Name, [1]),
        Weights = Name,
        Layers = [new ReportedLayer(Name, Name, Name, 1, 1, 1)],
        Positive = new PositiveClass(Name, Name, false),
        Wrong = [new WrongPrediction(Name, classes[0], ImagePrediction.Of(classes, [0.1, 0.9], null), 2, 1, new byte[4])
        {
            Map = new PredictionMap(Name, [1]),
        }],
    };

    private static ScoredPredictions ThreeClasses()
    {
        PartPredictions answers = new([0, 1, 2], [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]);
        var scores = ScoreBlock.OfMany(answers.Actual, answers.Probabilities, 0.5);
        return new ScoredPredictions(threeClasses, null, [new ScoredPart(Name, scores, answers)], []);
    }

    private static string Explanation()
    {
        var map = new HeatMap(1, 1, [1]);
        var image = new ExplainedImage(Name, Name, [1], 1, [1], [], [0.1, 0.9], 1, map, map, map);
        Figure[] figures = [new Figure(Name, Name, [1])];
        return new ExplanationPage(Name, classes, [image, image], [figures, figures], figures, new JsonObject { ["name"] = Name }).ToHtml();
    }

    private static string Evaluation(ScoredPredictions scored, PositiveClass? positive) =>
        EvaluationReport.ToHtml(new EvaluationSummary(Name, Name, Name, Name, positive, [Name], [Name], scored));

    [Theory]
    [InlineData("training")]
    [InlineData("evaluation")]
    [InlineData("evaluation of three classes")]
    [InlineData("explanation")]
    public void EveryNameIsEscapedWhereverItStands(string page)
    {
        var html = page switch
        {
            "training" => TrainingReport.ToHtml(Training()),
            "evaluation" => Evaluation(Training().Scored, new PositiveClass(Name, Name, false)),
            "explanation" => Explanation(),
            _ => Evaluation(ThreeClasses(), null),
        };
        foreach (var name in threeClasses) Assert.DoesNotContain(name, html);
        Assert.Contains(WebUtility.HtmlEncode(Name), html);
        var content = Regex.Replace(html, "<(script|style).*?</\\1>", "", RegexOptions.Singleline);
        Assert.DoesNotContain("&", Regex.Replace(content, "&(amp|lt|gt|quot|#[0-9]+);", ""));
        var charts = Regex.Matches(html, "<svg.*?</svg>", RegexOptions.Singleline);
        Assert.Equal(page == "explanation", charts.Count == 0);
        foreach (Match chart in charts) XElement.Parse(chart.Value);
        if (page != "training") return;
        Assert.Contains(charts.SelectMany(chart => XElement.Parse(chart.Value).Descendants("text")),
            text => text.Value == $"predicted probability of {Name}");
    }
}
