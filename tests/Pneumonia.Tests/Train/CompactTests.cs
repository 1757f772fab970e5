using System.Text.Json.Nodes;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Train;

/// <summary>The compact network from the command line: grayscale images, running statistics, a schedule; and the learning-rate
/// search.</summary>
[Collection(OnADevice.Name)]
public sealed class CompactTests(TrainedRun trained, CompactTests.WholeRun wholeRun) : IClassFixture<CompactTests.WholeRun>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Run => Path.Combine(folder.Path, "run");

    private string[] Train(string run) =>
        ["train", "--model", "compact", "--pixels", "24", "--epochs", "2", "--batch", "5", "--augment", "--data",
            trained.Data, "--out", run];

    public void Dispose() => folder.Dispose();

    private static JsonNode Json(string run, string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(run, file)))!;

    [Fact]
    public async Task TrainedEvaluatedPredictedAndSummarizedOnGrayImages()
    {
        var whole = await wholeRun.Of(Train);
        var config = Json(whole, "config.json");
        Assert.Equal(("compact", "cosine", "adam"), ((string)config["model"]!, (string)config["schedule"]!, (string)config["optimizer"]!));
        Assert.Equal(0.05, (double)config["weightDecay"]!);

        // The same images, converted to gray the same way, with folded layers and another batch size: the run's own metrics.
        var evaluated = await CommandRun.Succeeding("evaluate", "--run", whole, "--data", trained.Data, "--json");
        Assert.Equal((double)Json(whole, "metrics.json")["test"]!["loss"]!, (double)evaluated.Json["loss"]!, 1e-4);
        var image = Directory.EnumerateFiles(Path.Combine(trained.Data, "test", "NORMAL")).Order(StringComparer.Ordinal).First();
        var predicted = await CommandRun.Succeeding("predict", "--run", whole, image, "--json");
        Assert.InRange((double)predicted.Json[0]!["probability"]!, 0.5, 1);

        var summary = await CommandRun.Succeeding("summary", "--run", whole, "--json");
        Assert.Equal("[24,24,1]", summary.Json["input"]!.ToJsonString());
        Assert.Equal(7, summary.Json["layers"]!.AsArray().Count(layer => (string)layer!["kind"]! == "batch_normalization"));
        Assert.InRange((long)summary.Json["parameters"]!, 1, 1_000_000);
    }

    [Theory]
    [InlineData("device:")]
    [InlineData("epoch 1/")]
    public async Task StoppedAndResumedIsAsNeverStopped(string trigger)
    {
        var whole = await wholeRun.Of(Train);
        Assert.Equal(130, (await CommandRun.StoppedAt(trigger, TimeSpan.Zero, Train(Run))).Code);
        await CommandRun.Succeeding([.. Train(Run), "--resume"]);
        foreach (var file in new[] { "best.safetensors", "last.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(Run, file)));
    }

    [Theory]
    [InlineData("--epochs", "3", "epochs 2, not 3")]
    [InlineData("--schedule", "step", "schedule cosine, not step")]
    [InlineData("--weight-decay", "0.1", "weight-decay 0.05, not 0.1")]
    public async Task WhatFixesEveryStepCannotChangeOnResuming(string option, string value, string mentions)
    {
        List<string> command = [.. Train(await wholeRun.Of(Train)), "--resume"];
        var place = command.IndexOf(option);
        if (place >= 0) command[place + 1] = value;
        else command.AddRange([option, value]);
        var run = await CommandRun.Of(command);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(mentions, Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task FindingALearningRatePrintsACurveAndWritesNothing()
    {
        string[] command =
            ["train", "--model", "compact", "--pixels", "24", "--batch", "5", "--data", trained.Data, "--find-learning-rate"];
        string[] before = [.. Directory.EnumerateFileSystemEntries(Environment.CurrentDirectory)];
        var json = await CommandRun.Succeeding([.. command, "--json"]);
        var rates = json.Json["rates"]!.AsArray();
        Assert.InRange(rates.Count, 10, 100);
        Assert.Equal(1e-6, (double)rates[0]!["learningRate"]!, 1e-12);
        var text = await CommandRun.Succeeding(command);
        var answer = text.Output.TrimEnd().Split('\n')[^1];
        Assert.Matches(json.Json["suggestion"] is null
            ? "^the loss falls nowhere"
            : @"^the loss falls fastest at \S+: try --learning-rate \S+$", answer);
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(Environment.CurrentDirectory));
    }

    [Theory]
    [InlineData("--model compact --pixels 15", "at least 16")]
    [InlineData("--schedule linear", "constant, step, cosine")]
    [InlineData("--weight-decay -1", "--weight-decay")]
    [InlineData("--model compact --preprocessing caffe", "--preprocessing caffe: is for colours, and compact reads gray images")]
    [InlineData("--model compact --preprocessing torchvision", "--preprocessing torchvision: is for colours, and compact reads "
        + "gray images")]
    [InlineData("--find-learning-rate", "leave --out and --resume out")]
    public async Task OptionsThatCannotBe(string options, string mentions)
    {
        var run = await CommandRun.Of(["train", "--out", Run, .. options.Split(' ')]);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(mentions, Assert.Single(run.ErrorLines));
        Assert.False(Directory.Exists(Run));
    }

    /// <summary>A run that was never stopped, trained for the first test that wants it.</summary>
    public sealed class WholeRun : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        /// <summary>Its folder, which tests only read.</summary>
        public async Task<string> Of(Func<string, string[]> training)
        {
            var run = Path.Combine(folder.Path, "run");
            if (!Directory.Exists(run)) await CommandRun.Succeeding(training(run));
            return run;
        }

        public void Dispose() => folder.Dispose();
    }
}
