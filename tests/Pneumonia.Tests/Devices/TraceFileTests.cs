using System.Text.Json.Nodes;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Devices;

/// <summary><c>--trace</c>: what is written, what is said, and that nothing else changes.</summary>
[Collection(OnADevice.Name)]
public sealed class TraceFileTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Trace => Path.Combine(folder.Path, "trace.json");

    private string Run => Path.Combine(folder.Path, "run");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task ATracedTrainingWritesTheSameRun()
    {
        var run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--json", "--trace", Trace]);
        Assert.NotNull(run.Json["test"]);
        foreach (var file in new[] { "config.json", "best.safetensors", "last.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(trained.Folder, file)), File.ReadAllBytes(Path.Combine(Run, file)));
        var said = run.ErrorLines[^1];
        Assert.StartsWith($"trace: {Trace}, ", said);
        Assert.Contains("ui.perfetto.dev", said);
        Assert.EndsWith("all others: the host's clock", said);
        var phases = Names(Trace, "phase");
        Assert.Superset(
            new HashSet<string> { "find images", "open device", "decode", "assemble batch", "step", "validate", "save", "finish" },
            phases);
        Assert.NotEmpty(Names(Trace, "launch"));
    }

    [Fact]
    public async Task PredictionAndEvaluationAreTraced()
    {
        var images = Path.Combine(trained.Data, "test", "NORMAL");
        var prediction = await CommandRun.Succeeding("predict", "--run", trained.Folder, images, "--trace", Trace);
        Assert.StartsWith("trace: ", prediction.ErrorLines[^1]);
        Assert.Contains("predict", Names(Trace, "phase"));
        await CommandRun.Succeeding("evaluate", "--run", trained.Folder, "--data", trained.Data, "--trace", Trace);
        Assert.Contains("predict", Names(Trace, "phase"));
        Assert.NotEmpty(Names(Trace, "layer"));
    }

    [Fact]
    public async Task AStoppedTrainingLeavesAWholeTraceAndGoesOnWithoutOne()
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run];
        var stopped = await CommandRun.StoppedAt("epoch 1/", TimeSpan.Zero, [.. command, "--trace", Trace]);
        Assert.Equal(ExitCode.Stopped, stopped.Code);
        Assert.Contains(stopped.ErrorLines, line => line.StartsWith("trace: ", StringComparison.Ordinal));
        Assert.Contains("step", Names(Trace, "phase"));
        await CommandRun.Succeeding([.. command, "--resume"]);
    }

    [Fact]
    public async Task AFileThatCannotBeWrittenIsFoundBeforeTheTraining()
    {
        foreach (var path in new[] { Path.Combine(folder.Path, "missing", "trace.json"), folder.Path })
        {
            var run = await CommandRun.Of([.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--trace", path]);
            Assert.Equal(ExitCode.BadUsage, run.Code);
            Assert.StartsWith($"error: --trace {path}: ", Assert.Single(run.ErrorLines));
            Assert.False(Directory.Exists(Run));
        }
    }

    [Fact]
    public async Task ACommandThatNeverComputesLeavesOneLineAndNoFile()
    {
        var run = await CommandRun.Of(
            "train", "--data", Path.Combine(folder.Path, "missing"), "--out", Run, "--trace", Trace);
        Assert.Equal(ExitCode.BadUsage, run.Code);
        Assert.Single(run.ErrorLines);
        Assert.False(File.Exists(Trace));
    }

    private static HashSet<string> Names(string path, string category) =>
    [
        .. JsonNode.Parse(File.ReadAllText(path))!["traceEvents"]!.AsArray().Where(e => (string?)e!["cat"] == category)
            .Select(e => (string)e!["name"]!),
    ];
}
