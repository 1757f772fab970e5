using System.Text.RegularExpressions;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Experiments;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Train;
using FsCheck;
using FsCheck.Xunit;

namespace Convolve.Pneumonia.Tests.Experiments;

public sealed class ReferenceRowsTests
{
    private static readonly string[] ids =
    [
        "mlp", "cnn", "cnn-augment", "cnn-augment-slow", "cnn-dropout", "cnn-early-stopping", "cnn-l1", "cnn-l2", "vgg19-features",
            "vgg19-frozen",
        "vgg19-fine-tuned", "cnn-slow", "cnn-210", "cnn-balanced", "three-class",
    ];

    private static ReferenceRow Row(string id) => ReferenceRows.All.Single(row => row.Id == id);

    private static ExperimentSettings Asked => new() { Data = "data" };

    [Fact]
    public void EveryRowIsThereWithItsFigures()
    {
        Assert.Equal(ids, ReferenceRows.All.Select(row => row.Id));
        // Some 75 hours for the ten published rows.
        Assert.Equal(75.37, ReferenceRows.All.Take(10).Sum(row => row.Hours!.Value), 1e-9);
        foreach (var row in ReferenceRows.All)
        {
            Assert.NotNull(row.Published.TestAccuracy ?? row.SecondRun?.TestAccuracy);
            Assert.Equal(ResizeMethod.Nearest, row.Settings.Resize);
            Assert.True(row.Settings is { Epochs: > 0, Batch: > 0, Pixels: 150 or 210, LearningRate: > 0 }
                && row.Settings.IsAsked(nameof(TrainSettings.Optimizer)));
        }
    }

    // If the table in ../shared is present, every one of its cells must appear here.
    [SkippableFact]
    public void EveryPublishedFigureAgreesWithTheTableOfTheReference()
    {
        RealXrays.SkipIfMissing();
        var table = File.ReadAllText(Path.Combine(RealXrays.Folder!, "..", "..", "seed.md"));
        foreach (var row in ReferenceRows.All)
        {
            var line = table.Split('\n').First(text => Regex.IsMatch(text, $@"(^\| |, |`){Regex.Escape(row.Id)}[`, ]"));
            if (row.Id == "three-class") line = string.Join(' ', table.Split('\n').SkipWhile(text => text != line).Take(3));
            foreach (var figure in new[] { row.Published.TestLoss, row.Published.TestAccuracy, row.SecondRun?.TestLoss,
                row.SecondRun?.TestAccuracy })
                if (figure is { } value) Assert.Contains(FormattableString.Invariant($"{value:0.000#}")[1..], line);
            if (row.Hours is { } hours) Assert.Contains(FormattableString.Invariant($"{hours:0.##}"), line);
        }
    }

    [Theory]
    [InlineData("mlp", 1_350_213)]
    [InlineData("cnn", 3_453_121)]
    [InlineData("cnn-slow", 3_453_121)]
    [InlineData("cnn-augment", 3_453_121)]
    [InlineData("cnn-210", 8_171_713)]
    [InlineData("cnn-dropout", 8_171_713)]
    [InlineData("cnn-balanced", 8_171_713)]
    [InlineData("three-class", 5_551_299)]
    public void NetworksHaveThePublishedNumberOfParameters(string id, long parameters)
    {
        var training = Asked.TrainingOf(Row(id), 1);
        using var network = ModelChoice.Build(training.Model, training.Pixels, training.Labels == LabelScheme.Three ? 3 : 2,
            training.NetworkOptions);
        Assert.Equal(parameters, network.ParameterCount);
    }

    [Theory]
    [InlineData(null, "block5_conv3", 2_359_808 + 8192 * 16 + 16 + 17)]
    [InlineData("block3_pool", "block3_conv3", 590_080 + 18 * 18 * 256 * 16 + 16 + 17)]
    public void FineTuningTrainsTheLastConvolutionThatIsKept(string? until, string freeze, long trainable)
    {
        var training = (Asked with { Until = until }).TrainingOf(Row("vgg19-fine-tuned"), 1);
        Assert.Equal((freeze, until, StartingWeights.ImageNet), (training.Freeze, training.Until, training.Weights));
        using var network = ModelChoice.Build(training.Model, training.Pixels, 2, training.NetworkOptions);
        ModelChoice.Freeze(network, ModelChoice.BaseLength(training.Model, network), training.NetworkOptions);
        Assert.Equal(trainable, network.TrainableCount);
    }

    [Property]
    public void EpochsAreRoundedUpAndAtLeastOne(PositiveInt hundredths)
    {
        var percent = 1 + hundredths.Get % 300;
        var settings = Asked with { EpochsScale = percent / 100.0 };
        foreach (var row in ReferenceRows.All)
            Assert.Equal((row.Settings.Epochs * percent + 99) / 100, settings.EpochsOf(row));
        Assert.Equal(1, (settings with { EpochsScale = 1e-300 }).EpochsOf(Row("mlp")));
    }

    [Fact]
    public void NotesSayWhatDiffersFromThePublishedRow()
    {
        Assert.Equal("", (Asked with { Split = SplitKind.Reference }).NoteOf(Row("cnn")));
        Assert.Equal("split patient, published reference", Asked.NoteOf(Row("cnn")));
        var note = (Asked with { EpochsScale = 0.1, Limit = 60, Until = "block3_pool", Note = "made-up weights" })
            .NoteOf(Row("vgg19-frozen"));
        Assert.Equal("augmentation drawn anew in every epoch, in the notebook once; split patient, published reference; epochs × 0.1; at "
            + "most 60 images of each part; "
            + "cut after block3_pool; made-up weights", note);
        Assert.DoesNotContain("cut", (Asked with { Until = "block3_pool" }).NoteOf(Row("mlp")));
    }
}
