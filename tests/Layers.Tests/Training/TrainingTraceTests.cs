using System.Text.Json.Nodes;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Engine.Tracing;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Training;

/// <summary>The trace of a small training, as the file shows it.</summary>
[Collection(OnOpenCl.Name)]
public sealed class TrainingTraceTests(OpenClDevice opened) : DeviceTests(opened)
{
    private const int Samples = 40, Batch = 10, Epochs = 2;

    private static readonly string[] layers = ["conv", "pool", "dense"];

    [SkippableFact]
    public void EveryLaunchOfAStepIsThereWithItsKernelAndItsLayer()
    {
        var (trace, _, launches) = Train();
        Assert.Equal(launches, trace.Launches);
        var file = Written(trace);
        var kernels = Spans(file, "launch");
        Assert.Equal(launches, kernels.Count);
        // Flattening launches nothing.
        Assert.Equal(layers.Order(), kernels.Select(LayerOf).OfType<string>().Distinct().Order());
        foreach (var layer in layers)
            Assert.Equal(["backward", "forward"],
                kernels.Where(e => LayerOf(e) == layer).Select(e => (string)e["args"]!["pass"]!).Distinct().Order());
        Assert.Contains(kernels, e => (string)e["name"]! == "max-pooling-forward" && LayerOf(e) == "pool");
        Assert.Contains(kernels, e => (string)e["name"]! == "binary-cross-entropy" && LayerOf(e) is null);
        Assert.Equal(Epochs * Samples / Batch, kernels.Count(e => (string)e["name"]! == "rmsprop"));
        Assert.All(kernels, e => Assert.True((long)e["args"]!["bytes"]! > 0, e.ToJsonString()));
    }

    [SkippableFact]
    public void SpansOfATrackNestAndNoKernelsOverlap()
    {
        var (trace, _, _) = Train();
        var file = Written(trace);
        var tracks = file["traceEvents"]!.AsArray().Where(e => (string)e!["ph"]! == "X").GroupBy(e => (int)e!["tid"]!).ToArray();
        // The device, the thread that trains, and those that assemble batches if it does not do so itself.
        Assert.True(tracks.Length >= 2);
        foreach (var track in tracks)
        {
            var open = new Stack<decimal>();
            foreach (var span in track)
            {
                var begin = (decimal)span!["ts"]!;
                var end = begin + (decimal)span["dur"]!;
                while (open.TryPeek(out var over) && over <= begin) open.Pop();
                Assert.True(open.Count == 0 || end <= open.Peek(), $"{span.ToJsonString()} ends after the span around it");
                open.Push(end);
            }
        }
        var ends = 0m;
        foreach (var kernel in Spans(file, "launch"))
        {
            Assert.True((decimal)kernel["ts"]! >= ends, kernel.ToJsonString());
            ends = (decimal)kernel["ts"]! + (decimal)kernel["dur"]!;
        }
    }

    [SkippableFact]
    public void PhasesOfTheHostAreThere()
    {
        var (trace, _, _) = Train();
        var phases = Spans(Written(trace), "phase").Select(e => (string)e["name"]!).ToArray();
        foreach (var name in new[] { "step", "forward", "backward", "update" })
            Assert.Equal(Epochs * Samples / Batch, phases.Count(phase => phase == name));
        Assert.Equal(Epochs, phases.Count(phase => phase == "validate"));
        Assert.Superset(new HashSet<string> { "assemble batch", "wait for batch", "predict" }, phases.ToHashSet());
    }

    [SkippableFact]
    public void MemoryReturnsToTheSameLevelFromStepToStep()
    {
        var (trace, _, _) = Train();
        var file = Written(trace);
        var changes = file["traceEvents"]!.AsArray().Where(e => (string)e!["ph"]! == "C")
            .Select(e => (Time: (decimal)e!["ts"]!, Bytes: (long)e["args"]!["bytes in use"]!)).ToArray();
        long LevelAt(decimal time) => changes.Last(change => change.Time <= time).Bytes;
        // The first step takes the memory of the optimizer's state, too.
        var steps = Spans(file, "phase").Where(e => (string)e["name"]! == "step").Skip(1).ToArray();
        Assert.Single(steps.Select(step => LevelAt(EndOf(step))).Distinct());
        // It rises in between, and always to the same peak.
        var peaks = steps.Select(step => changes.Where(change => change.Time >= (decimal)step["ts"]! && change.Time <= EndOf(step))
            .Max(change => change.Bytes)).ToArray();
        Assert.Single(peaks.Distinct());
        Assert.True(peaks[0] > LevelAt(EndOf(steps[0])));
    }

    [SkippableFact]
    public void ATraceDoesNotChangeTheWeights() => Assert.Equal(Train(traced: false).Weights, Train().Weights);

    private (ExecutionTrace Trace, float[] Weights, long Launches) Train(bool traced = true)
    {
        using var network = new Sequential(new Shape(12, 12, 1),
            new Conv2D(4, 3) { Name = "conv", Activation = ActivationFunction.Relu }, new MaxPooling2D { Name = "pool" }, new Flatten(),
            new Dense(1) { Name = "dense" }).Initialize(Device, 1);
        using var optimizer = new RmsProp();
        using var trainer = new Trainer(network, optimizer, new TrainingOptions { Epochs = Epochs, BatchSize = Batch });
        var trace = new ExecutionTrace(100_000);
        var before = Device.Launches;
        using (traced ? Device.StartTrace(trace) : null) trainer.Fit(new PatternSamples(Samples), new PatternSamples(Samples), []);
        var launches = Device.Launches - before;
        return (trace, [.. network.Parameters.SelectMany(parameter => parameter.Value.ToArray())], launches);
    }

    private static JsonNode Written(ExecutionTrace trace)
    {
        using var stream = new MemoryStream();
        TraceEventFile.Write(trace, "test", stream);
        return JsonNode.Parse(stream.ToArray())!;
    }

    private static List<JsonNode> Spans(JsonNode file, string category) =>
        [.. file["traceEvents"]!.AsArray().Where(e => (string?)e!["cat"] == category).Select(e => e!)];

    private static decimal EndOf(JsonNode span) => (decimal)span["ts"]! + (decimal)span["dur"]!;

    private static string? LayerOf(JsonNode launch) => (string?)launch["args"]!["layer"];
}
