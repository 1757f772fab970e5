using System.Net;
using System.Text.Json.Nodes;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Tests.Devices;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Train;

[Collection(OnADevice.Name)]
public sealed class TrainTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static JsonNode Metrics(string run) => JsonNode.Parse(File.ReadAllText(Path.Combine(run, "metrics.json")))!;

    private static byte[] Best(string run) => File.ReadAllBytes(Path.Combine(run, "best.safetensors"));

    private string NewRun(string name) => Path.Combine(folder.Path, name);

    [Fact]
    public void ARunFolderHasExactlyTheDocumentedFiles() =>
        Assert.Equal(["best.safetensors", "config.json", "history.csv", "images.csv", "last.safetensors", "metrics.json", "report.html"],
            Directory.EnumerateFileSystemEntries(trained.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Fact]
    public void MetricsHaveTheDocumentedShapeAndAgreeWithThemselves()
    {
        var metrics = Metrics(trained.Folder);
        Assert.Equal(JsonShape.Metrics, JsonShape.Of(metrics));
        Assert.Equal("mlp", (string)metrics["model"]!);
        Assert.False((bool)metrics["synthetic"]!);
        // Flatten → 20 → 7 → 5 → 1, with biases.
        Assert.Equal(24 * 24 * 3 * 20 + 20 + 20 * 7 + 7 + 7 * 5 + 5 + 5 + 1, (int)metrics["parameters"]!);
        Assert.Equal("folders", (string)metrics["split"]!["kind"]!);
        Assert.Equal(24, (int)metrics["split"]!["train"]! + (int)metrics["split"]!["val"]!);
        Assert.Equal(12, (int)metrics["split"]!["test"]!);
        Assert.Equal((int)metrics["split"]!["val"]!, (int)metrics["val"]!["n"]!);
        Assert.Equal(12, (int)metrics["test"]!["n"]!);
        Assert.Equal(12, metrics["test"]!["confusion"]!.AsObject().Sum(count => (int)count.Value!));
        Assert.Equal([1, 2, 3], metrics["epochs"]!.AsArray().Select(epoch => (int)epoch!["epoch"]!));
        double[] losses = [.. metrics["epochs"]!.AsArray().Select(epoch => (double)epoch!["valLoss"]!)];
        var best = (int)metrics["bestEpoch"]!;
        Assert.Equal(Array.IndexOf(losses, losses.Min()) + 1, best);
        Assert.Equal(losses[best - 1], (double)metrics["val"]!["loss"]!, 1e-12);
    }

    [Fact]
    public void JsonPrintsTheMetricsAndNothingElse()
    {
        Assert.Single(trained.Training.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.True(JsonNode.DeepEquals(Metrics(trained.Folder), trained.Training.Json));
    }

    [Fact]
    public void TheMemoryOfAStepIsSaidBeforeTheFirst()
    {
        string line = Assert.Single(trained.Training.ErrorLines, line => line.StartsWith("memory: ", StringComparison.Ordinal));
        Assert.Matches(@"^memory: \d+ MiB of the device's \d+, \d+ of them for a step of at most 4 images$", line);
        Assert.True(Array.IndexOf(trained.Training.ErrorLines, line) < Array.FindIndex(trained.Training.ErrorLines,
            line => line.Contains("epoch")));
    }

    [Fact]
    public void ConfigHoldsEverySettingByName()
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(trained.Folder, "config.json")))!;
        Assert.Equal("mlp", (string)config["model"]!);
        Assert.Equal(24, (int)config["pixels"]!);
        Assert.Equal(4, (int)config["batch"]!);
        Assert.Equal(1, (int)config["seed"]!);
        Assert.NotEqual("", (string)config["version"]!);
        Assert.Equal((string)Metrics(trained.Folder)["device"]!, (string)config["device"]!);
        Assert.All(config.AsObject(), setting => Assert.False(setting.Value is JsonObject or JsonArray, $"{setting.Key} is no setting"));
    }

    [Fact]
    public void TheReportOfRealImagesIsNoSyntheticOne()
    {
        var report = WebUtility.HtmlDecode(File.ReadAllText(Path.Combine(trained.Folder, "report.html")));
        Assert.Contains("Not for clinical use", report);
        Assert.DoesNotContain("Synthetic images.", report);
        Assert.DoesNotContain("phantoms", report);
        Assert.Contains("train, divided by patient", report);
    }

    [Fact]
    public async Task EveryOutputOfARunOnPhantomsSaysSynthetic()
    {
        var run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--limit", "12", "--out", NewRun("phantoms")]);
        Assert.Contains("synthetic", run.Output);
        Assert.Contains("synthetic", run.Errors);
        Assert.Contains("Not for clinical use", run.Output);
        Assert.Contains("Synthetic images.", File.ReadAllText(Path.Combine(NewRun("phantoms"), "report.html")));
        Assert.Contains("Not for clinical use", File.ReadAllText(Path.Combine(NewRun("phantoms"), "report.html")));
        var metrics = Metrics(NewRun("phantoms"));
        Assert.True((bool)metrics["synthetic"]!);
        Assert.Equal("{\"kind\":\"synthetic\",\"train\":12,\"val\":12,\"test\":12}", metrics["split"]!.ToJsonString());
        Assert.Equal(JsonShape.SyntheticMetrics, JsonShape.Of(metrics));
    }

    [Fact]
    public async Task TheSeedFixesEveryBitOfARun()
    {
        await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, "--out", NewRun("again")]);
        Assert.Equal(Best(trained.Folder), Best(NewRun("again")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(trained.Folder, "last.safetensors")),
            File.ReadAllBytes(Path.Combine(NewRun("again"), "last.safetensors")));
        await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, "--out", NewRun("other"), "--seed", "2"]);
        Assert.NotEqual(Best(trained.Folder), Best(NewRun("other")));
    }

    [Theory]
    [InlineData("best.safetensors")]
    [InlineData("last.safetensors")]
    public void CheckpointsTellNoPathDateOrHost(string file)
    {
        var metadata = string.Join('\n',
            SafeTensors.Read(Path.Combine(trained.Folder, file)).Metadata.Select(entry => $"{entry.Key}={entry.Value}"));
        Assert.Contains("\"classes\":[\"NORMAL\",\"PNEUMONIA\"]", metadata);
        Assert.DoesNotContain(Path.GetTempPath().Trim('/', '\\'), metadata);
        Assert.DoesNotContain(Path.GetFileName(Path.GetDirectoryName(trained.Folder))!, metadata);
        Assert.DoesNotContain(Environment.MachineName, metadata, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain($"{DateTime.UtcNow:yyyy-MM}", metadata);
        Assert.DoesNotContain("seconds", metadata, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task PipedOutputHasNoControlCharacters()
    {
        var run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, "--out", NewRun("piped")]);
        Assert.DoesNotContain(run.Output + run.Errors, c => char.IsControl(c) && c != '\n');
        Assert.Equal(3, run.ErrorLines.Count(line => line.StartsWith("epoch ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task UnreadableImagesAreLeftOutAndNamed()
    {
        folder.WithXrays("data/train", 12).WithXrays("data/test", 3, seed: 2);
        folder.Add("data/train/NORMAL/IM-0000-0001.png", "");
        folder.Add("data/test/PNEUMONIA/person1_bacteria_1.png", "no image");
        var run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", Path.Combine(folder.Path, "data"), "--out", NewRun("run")]);
        Assert.Equal(2, run.ErrorLines.Count(line => line.StartsWith("warning: ", StringComparison.Ordinal)
            && line.EndsWith("; left out", StringComparison.Ordinal)));
        Assert.Contains("train/NORMAL/IM-0000-0001.png: is empty", run.Errors);
        Assert.Contains("test/PNEUMONIA/person1_bacteria_1.png", run.Errors);
        var metrics = Metrics(NewRun("run"));
        Assert.Equal(23, (int)metrics["split"]!["train"]! + (int)metrics["split"]!["val"]!);
        Assert.Equal(5, (int)metrics["test"]!["n"]!);
        Assert.Equal("""[{"kind":"damaged","count":2,"example":"train/NORMAL/IM-0000-0001.png"}]""", metrics["leftOut"]!.ToJsonString());
        Assert.Contains("IM-0000-0001.png", File.ReadAllText(Path.Combine(NewRun("run"), "report.html")));
    }

    /// <summary>Names that only number images, a copy under another name in another part, other formats: all are reported
    /// everywhere.</summary>
    [Fact]
    public async Task WhatIsUnknownAndLeftOutIsSaidOnTheConsoleInTheMetricsAndInTheReport()
    {
        folder.WithXrays("data/train", 12).WithXrays("data/test", 3, seed: 2);
        var data = Path.Combine(folder.Path, "data");
        foreach (var file in Directory.GetFiles(data, "*.png", SearchOption.AllDirectories))
            File.Move(file, Path.Combine(Path.GetDirectoryName(file)!, $"img_{Path.GetFileName(file).GetHashCode()}.png"));
        File.Copy(Directory.GetFiles(Path.Combine(data, "train", "NORMAL"))[0], Path.Combine(data, "test", "NORMAL", "another name.png"));
        folder.Add("data/train/NORMAL/a.webp", "x");
        var run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", data, "--out", NewRun("run")]);
        Assert.Contains(run.ErrorLines,
            line => line.StartsWith("warning: patients unknown: no name of the 31 images", StringComparison.Ordinal));
        Assert.Contains("left out: 1 images of val or test whose pixels are in an earlier part", run.Errors);
        Assert.Contains("left out: 1 image in unsupported formats (.webp): train/NORMAL/a.webp; convert it to PNG", run.Errors);
        var metrics = Metrics(NewRun("run"));
        Assert.Equal("""{"rule":null,"recognised":0,"images":31,"distinct":0,"acrossParts":0}""", metrics["patients"]!.ToJsonString());
        Assert.Equal("""[{"kind":"format","count":1,"example":"train/NORMAL/a.webp"},"""
            + """{"kind":"copy","count":1,"example":"test/NORMAL/another name.png"}]""",
            metrics["leftOut"]!.ToJsonString());
        Assert.Equal((1, 6), ((int)metrics["copiesAcrossParts"]!, (int)metrics["test"]!["n"]!));
        var report = File.ReadAllText(Path.Combine(NewRun("run"), "report.html"));
        Assert.DoesNotContain("apply to new patients", report);
        Assert.Contains("The patients are unknown", report);
    }

    [Theory]
    [InlineData("--augment", false)]
    [InlineData("--augment-once", true)]
    public async Task AugmentationIsRecordedAndShown(string option, bool once)
    {
        var run = NewRun("augmented");
        await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, option, "--out", run]);
        Assert.NotEqual(Best(trained.Folder), Best(run));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(run, "config.json")))!;
        Assert.True((bool)config["augment"]!);
        Assert.Equal(once, (bool)config["augmentOnce"]!);
        Assert.Contains("rotation ±40°", (string)config["augmentation"]!);
        // Eight tiles of 24 pixels across and five down, with a gap of 4 around each.
        var sheet = ImageDecoder.Decode(Path.Combine(run, "augmentation.png"));
        Assert.Equal((8 * 28 + 4, 5 * 28 + 4), (sheet.Width, sheet.Height));
        byte[] Tile(int row, int column) =>
        [
            .. Enumerable.Range(0, 24 * 24 * 3)
                .Select(i => sheet.Pixels[((4 + 28 * row + i / 72) * sheet.Width + 4 + 28 * column) * 3 + i % 72]),
        ];
        for (var row = 0; row < 5; row++)
            for (var column = 1; column < 8; column++) Assert.NotEqual(Tile(row, 0), Tile(row, column));
        // The first tile is an unchanged image.
        byte[][] originals =
        [
            .. Directory.EnumerateFiles(Path.Combine(trained.Data, "train"), "*.png", SearchOption.AllDirectories)
                .Select(path => ImageDecoder.Decode(path).Pixels.SelectMany(b => new[] { b, b, b }).ToArray()),
        ];
        for (var row = 0; row < 5; row++) Assert.Contains(originals, image => image.AsSpan().SequenceEqual(Tile(row, 0)));
    }

    [SkippableFact]
    public async Task TheConvolutionalNetworkTrainsAndRepeatsItself()
    {
        OpenCl.SkipIfMissing();
        string[] command =
            ["train", "--model", "cnn", "--pixels", "48", "--limit", "8", "--epochs", "2", "--batch", "4", "--dropout", "0.2",
                "--l2", "1e-4"];
        await CommandRun.Succeeding([.. command, "--out", NewRun("first")]);
        await CommandRun.Succeeding([.. command, "--out", NewRun("second")]);
        Assert.Equal(Best(NewRun("first")), Best(NewRun("second")));
        Assert.Equal(JsonShape.SyntheticMetrics, JsonShape.Of(Metrics(NewRun("first"))));
    }
}
