using System.Text.Json.Nodes;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Devices;

/// <summary>What a user without a GPU and OpenCL gets: ILGPU's own device, which <c>--device cpu</c> selects on any machine.</summary>
[Collection(OnADevice.Name)]
public sealed class SlowDeviceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Run => Path.Combine(folder.Path, "run");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task TheDefaultsShrinkAndItSaysSo()
    {
        var run = await CommandRun.Succeeding("train", "--device", "cpu", "--model", "mlp", "--out", Run);
        var warning = Assert.Single(run.ErrorLines, line => line.StartsWith("warning: ", StringComparison.Ordinal));
        Assert.Contains("slow", warning);
        Assert.Contains("64 pixels, 64 images a part, 1 epoch", warning);
        Assert.Matches("this training will take about [0-9]+ s", warning);
        Assert.Matches("about [0-9]+ hours", warning);
        Assert.Contains("install", warning);
        var metrics = JsonNode.Parse(File.ReadAllText(Path.Combine(Run, "metrics.json")))!;
        Assert.Equal(64, (int)metrics["split"]!["train"]!);
        Assert.Single(metrics["epochs"]!.AsArray());
    }

    [Fact]
    public async Task WhatWasAskedForDoesNotShrink()
    {
        var run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--device", "cpu", "--limit", "12", "--out", Run]);
        var warning = Assert.Single(run.ErrorLines, line => line.StartsWith("warning: ", StringComparison.Ordinal));
        Assert.DoesNotContain("shrink", warning);
        Assert.Contains("slow", warning);
        Assert.Equal(3, JsonNode.Parse(File.ReadAllText(Path.Combine(Run, "metrics.json")))!["epochs"]!.AsArray().Count);
    }
}
