using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Reports;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MetricsHaveTheDocumentedShapeAndReadBack()
    {
        MetricsFile.Write(folder.Path, MadeRuns.Metrics());
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder.Path, "metrics.json")))!.AsObject();
        Assert.Equal(["model", "parameters", "trainable", "device", "seed", "synthetic", "split", "epochs", "bestEpoch", "imagesPerSecond",
            "threshold", "val", "test", "positive",
                "patients", "leftOut", "copiesAcrossParts"],
            json.Select(member => member.Key));
        Assert.Equal(["kind", "train", "val", "test"], json["split"]!.AsObject().Select(member => member.Key));
        Assert.Equal(["epoch", "seconds", "trainLoss", "trainAccuracy", "valLoss", "valAccuracy"],
            json["epochs"]![0]!.AsObject().Select(member => member.Key));
        var back = MetricsFile.Read(folder.Path);
        Assert.Equal(MadeRuns.Metrics().Test!.Auc95, back.Test!.Auc95);
        Assert.Equal(MadeRuns.Metrics().Epochs, back.Epochs);
        var counted = MadeRuns.Metrics() with
        {
            Patients = new PatientCount("personN", 5, 6, 3, 1),
            LeftOut = [new LeftOut(LeftOutKind.Format, 3, "NORMAL/a.tif")],
            CopiesAcrossParts = 2
        };
        MetricsFile.Write(folder.Path, counted);
        Assert.Equal((counted.Patients, counted.LeftOut[0], 2), MetricsFile.Read(folder.Path) is var read
            ? (read.Patients, read.LeftOut[0], read.CopiesAcrossParts) : default);
        // Runs of earlier versions do not have it.
        json.Remove("patients");
        json.Remove("leftOut");
        json.Remove("copiesAcrossParts");
        folder.Add("metrics.json", json.ToJsonString());
        Assert.Equal((null, 0, 0), MetricsFile.Read(folder.Path) is var old
            ? (old.Patients, old.LeftOut.Count, old.CopiesAcrossParts) : default);
        Assert.Equal(["metrics.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void MissingAndDamagedFilesAreNamed()
    {
        Assert.Contains("metrics.json: no such file", Assert.Throws<UserError>(() => MetricsFile.Read(folder.Path)).Message);
        foreach (var text in new[] { "", "{", "null", "[]", "{\"val\":{\"confusion\":[[1]]}}" })
        {
            folder.Add("metrics.json", text);
            Assert.Contains("metrics.json", Assert.Throws<UserError>(() => MetricsFile.Read(folder.Path)).Message);
        }
        Assert.Contains("config.json", Assert.Throws<UserError>(() => ConfigFile.Read<TrainSettings>(folder.Path)).Message);
        folder.Add("file", "x");
        Assert.Contains("cannot be written",
            Assert.Throws<UserError>(() => OutputFile.WriteText(Path.Combine(folder.Path, "file", "x"), "x")).Message);
    }

    [Fact]
    public void SettingsReadBack()
    {
        var settings = new TrainSettings { Model = ModelKind.Vgg19, L1 = 5e-7, Limit = 10, Optimizer = OptimizerKind.RmsProp };
        ConfigFile.Write(folder.Path, settings);
        Assert.Contains("\"model\": \"vgg19\"", File.ReadAllText(Path.Combine(folder.Path, "config.json")));
        Assert.Equal(settings.Rows, ConfigFile.Read<TrainSettings>(folder.Path).Rows);
    }

    [Fact]
    public void HistoryHasOneRowAnEpoch()
    {
        HistoryFile.Write(folder.Path, [new EpochMetrics(1, 2.5, 0.1, 0.5, 0.25, 1), new EpochMetrics(2, 1, 1e-7, 1, double.NaN, 0)]);
        Assert.Equal("epoch,seconds,trainLoss,trainAccuracy,valLoss,valAccuracy\n1,2.5,0.1,0.5,0.25,1\n2,1,1E-07,1,NaN,0\n",
            File.ReadAllText(Path.Combine(folder.Path, "history.csv")));
    }

    [Fact]
    public void TheReportStandsAloneAndEscapesNames()
    {
        TrainingReport.Write(folder.Path, MadeRuns.Summary(MadeRuns.Metrics()));
        var html = File.ReadAllText(Path.Combine(folder.Path, "report.html"));
        foreach (var part in new[] { "Synthetic images.", "Not for clinical use.", "AUC 0.", "a note &amp; more", "&lt;x&gt;", "best: 8",
            "prefers-color-scheme", "data:image/png;base64," })
            Assert.Contains(part, html);
        Assert.DoesNotContain("http", html);
        Assert.DoesNotContain("NaN", html);
        foreach (Match svg in Regex.Matches(html, "<svg.*?</svg>")) XElement.Parse(svg.Value);
        Assert.Equal(6, Regex.Count(html, "<svg"));
        Assert.DoesNotContain("Synthetic images.", TrainingReport.ToHtml(MadeRuns.Summary(MadeRuns.Metrics(synthetic: false))));
    }

    [Fact]
    public void TheReportSaysWhatItsFiguresDoNot()
    {
        var run = MadeRuns.Summary(MadeRuns.Metrics(synthetic: false)) with { Limit = null };
        string Text(RunSummary of) => string.Join('\n', ReportLimits.Of(of).Select(limit => $"{limit.Heading}: {limit.Text}"));
        Assert.Contains("60 test images: one more wrong prediction lowers the accuracy by 1.7 percentage points", Text(run));
        Assert.Contains("50 % of the test images are PNEUMONIA", Text(run));
        Assert.Contains("initialized at random, with seed 1", Text(run));
        Assert.Contains("The best epoch, 8, was the last", Text(run));
        Assert.DoesNotContain("A subset of the images", Text(run));
        Assert.Contains("At most 25 images", Text(run with { Limit = 25 }));
        Assert.Contains("started from the weights of base.h5", Text(run with { Weights = "base.h5" }));
        Assert.Contains("split at random", Text(run with { Metrics = run.Metrics with { Split = new SplitCounts("random", 1, 1, 1) } }));
        string Population(string kind, PatientCount? patients) =>
            Text(run with { Metrics = run.Metrics with { Split = new SplitCounts(kind, 1, 1, 1), Patients = patients } });
        Assert.Contains("the figures apply to new patients.", Population("patient", new PatientCount("personN", 9, 9, 3)));
        Assert.Contains("the figures apply to new patients, except for the 1 images",
            Population("patient", new PatientCount("personN", 99, 100, 3)));
        Assert.Contains("patients of 5 of 100 images are known", Population("patient", new PatientCount("personN", 5, 100, 3)));
        Assert.Contains("2 patients are in more than one part", Population("folders", new PatientCount("personN", 9, 9, 3, 2)));
        foreach (var unknown in new[] { null, new PatientCount(null, 0, 9), new PatientCount("personN", 5, 100, 3),
            new PatientCount("personN", 9, 9, 3, 2) })
            foreach (var kind in new[] { "patient", "folders", "random", "reference" })
                Assert.DoesNotContain("apply to new patients", Population(kind, unknown));
        Assert.Contains("drawn by one program", Text(MadeRuns.Summary(MadeRuns.Metrics())));
        Assert.Contains("No test images", Text(run with { Metrics = run.Metrics with { Test = null }, Test = null }));
        // With no false positive among 30, up to 3 / 30 of 950 are possible.
        var clean = run.Metrics.Test!
            with
        { Confusion = Confusion.OfTwo(27, 0, 30, 3), AtThreshold = new ThresholdScores(0.6, 0.95, 0.9, 1) };
        Assert.Contains("leave room for 95 false alarms", Text(run with { Metrics = run.Metrics with { Test = clean } }));
    }

    [Fact]
    public void ALongRunWithAllItsPicturesStaysSmall()
    {
        var noise = new Random(1);
        byte[] Noise(int length)
        {
            var bytes = new byte[length];
            noise.NextBytes(bytes);
            return bytes;
        }
        const int side = 150;
        var sheet = new AugmentationSheet(Noise(1236 * 774 * 3), 1236, 774, 3).ToPreview(1300);
        EpochMetrics[] epochs = [.. Enumerable.Range(1, 40).Select(e => new EpochMetrics(e, 1, 1.0 / e, 0.9, 1.1 / e, 0.9))];
        var run = MadeRuns.Summary(MadeRuns.Metrics() with { Epochs = epochs }) with
        {
            Augmentation = ("noise", sheet),
            Wrong = [.. Enumerable.Range(0, 8).Select(i => new WrongPrediction($"{i}.png", "NORMAL",
                ImagePrediction.Of(["NORMAL", "PNEUMONIA"], [0.1, 0.9], null), side, 1, Noise(side * side))
            {
                Map = new PredictionMap("Grad-CAM", PngWriter.Encode(Noise(side * side * 3), side, side, 3)),
            })],
        };
        // Noise is the hardest image to compress.
        Assert.InRange(TrainingReport.ToHtml(run).Length, 1_000_000, 5_000_000);
    }

    [Theory]
    [InlineData(8, 8, 4)]
    [InlineData(7, 8, 4)]
    [InlineData(3, 3, 1)]
    public void APreviewIsNoWiderThanAsked(int widest, int width, int height)
    {
        var png = new AugmentationSheet([.. Enumerable.Repeat((byte)77, width * height * 3)], width, height, 3).ToPreview(widest);
        var preview = ImageDecoder.Decode(png, "preview");
        Assert.InRange(preview.Width, 1, widest);
        Assert.All(preview.Pixels, value => Assert.Equal(77, value));
    }

    [Fact]
    public void AReportNeedsNeitherEpochsNorScores()
    {
        var metrics = MadeRuns.Metrics() with { Epochs = [], BestEpoch = 0, Val = null, Test = null, Threshold = null };
        var html = TrainingReport.ToHtml(MadeRuns.Summary(metrics) with { Val = null, Test = null, Wrong = [], Settings = [] });
        Assert.Contains("No scores yet", html);
        Assert.DoesNotContain("<svg", html);
    }

    [Fact]
    public void AReportShowsThreeClasses()
    {
        var block = ScoreBlock.OfMany([0, 1, 2], [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], 0.5);
        var html = TrainingReport.ToHtml(MadeRuns.Summary(MadeRuns.Metrics() with { Val = block, Test = null, Threshold = null })
            with
        { Classes = ["BACTERIAL", "NORMAL", "VIRAL"], Val = null, Test = null });
        Assert.Contains("mean of one class against the rest", html);
        Assert.Equal(3, Regex.Count(html, "class=\"right\""));
    }

    [Theory]
    [InlineData(true, "1 2 3")]
    [InlineData(false, "1 1.5 2 2.5 3")]
    public void EpochsAreCountedInWholeNumbers(bool whole, string labels)
    {
        var chart = new LineChart("Loss", "epoch", "nats", [new ChartLine("train", [(1, 0.7), (2, 0.6), (3, 0.5)])]) { XIsWhole = whole };
        // The labels of the x axis are centred below it; the last one is the axis title.
        Assert.Equal(labels + " epoch", string.Join(' ', XElement.Parse(chart.ToSvg().ToString()).Descendants("text")
            .Where(text => (string?)text.Attribute("text-anchor") == "middle" && text.Attribute("transform") is null)
                .Select(text => text.Value)));
    }

    [Fact]
    public void OneEpochAndEqualLossesStillMakeAChart()
    {
        var svg = new LineChart("Loss", "epoch", "nats", [new ChartLine("train", [(1, 0.5)]), new ChartLine("none", [(1, double.NaN)])])
            .ToSvg().ToString();
        XElement.Parse(svg);
        Assert.DoesNotContain("NaN", svg);
        Assert.Contains("<circle", svg);
    }

    [Theory]
    [InlineData(0.44, true)]
    [InlineData(0.56, false)]
    public void APointsCaptionLiesWhereNoLineRuns(double other, bool above)
    {
        var line = new ChartLine("a", [(0, 0.5), (1, 0.5)]) { Point = (0.5, 0.5, "threshold 0.50") };
        var chart = XElement.Parse(new LineChart("ROC", "x", "y", [line, new ChartLine("b", [(0, other), (1, other)])])
        {
            XRange = (0, 1),
            YRange = (0, 1)
        }.ToSvg().ToString());
        var point = (double)chart.Descendants("circle").Single().Attribute("cy")!;
        var caption = (double)chart.Descendants("text").Single(text => text.Value == "threshold 0.50").Attribute("y")!;
        Assert.Equal(above, caption < point);
    }

    /// <summary>A diverging training: ±½ around such a number is not visible.</summary>
    [Theory]
    [InlineData(6.5e15)]
    [InlineData(-1e300)]
    public void ASingleHugeLossStillMakesAChart(double loss) =>
        XElement.Parse(new LineChart("Loss", "epoch", "nats", [new ChartLine("train", [(1, loss), (2, loss)])]).ToSvg().ToString());
}
