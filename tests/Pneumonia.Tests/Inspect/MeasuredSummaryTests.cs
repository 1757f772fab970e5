using System.Text.Json.Nodes;
using System.Xml.Linq;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Inspect;

/// <summary>Layers timed from the command line, as a table, JSON and a picture.</summary>
[Collection(OnADevice.Name)]
public sealed class MeasuredSummaryTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task AModelWithItsAlgorithmsAndAPicture()
    {
        var picture = Path.Combine(folder.Path, "roof.svg");
        var json = (await CommandRun.Succeeding("summary", "--model", "compact", "--pixels", "16", "--batch", "1", "--measure", "--out",
            picture, "--json")).Json;
        Assert.Equal(["device", "batch", "peakGflops", "gigabytesPerSecond", "layers"], json.AsObject().Select(field => field.Key));
        var layers = json["layers"]!.AsArray();
        var convolution = layers[0]!;
        Assert.Equal(["name", "kind", "output", "forward", "backward", "algorithms"], convolution.AsObject().Select(field => field.Key));
        Assert.Equal(["forward", "kernelGradient"], convolution["algorithms"]!.AsObject().Select(field => field.Key));
        Assert.Equal(2.0 * 16 * 16 * 9 * 16, (double)convolution["forward"]!["flops"]!);
        Assert.All(layers, layer => Assert.True((double)layer!["forward"]!["milliseconds"]! >= 0));

        var svg = XDocument.Load(picture);
        XNamespace space = "http://www.w3.org/2000/svg";
        Assert.Equal(space + "svg", svg.Root!.Name);
        // A disc and a ring with a name for each layer that computes.
        var computing = layers.Count(layer => (double)layer!["forward"]!["flops"]! > 0);
        Assert.Equal(2 * computing, svg.Descendants(space + "circle").Count());
        Assert.Contains("block1_conv1, forward", svg.Descendants(space + "title").First().Value);
    }

    [Fact]
    public async Task ARunAsATable()
    {
        var run = await CommandRun.Succeeding("summary", "--run", trained.Folder, "--measure");
        Assert.All(new[] { "dense1", "logits", "GB/s" }, text => Assert.Contains(text, run.Output));
    }

    [Theory]
    [InlineData("add --measure", "--batch", "2")]
    [InlineData("add --measure", "--out", "x.svg")]
    [InlineData("ends in .svg", "--measure", "--out", "x.png")]
    public async Task BadInputIsOneLine(string advice, params string[] arguments)
    {
        var run = await CommandRun.Of(["summary", .. arguments]);
        Assert.Equal((ExitCode.BadUsage, "", 1), (run.Code, run.Output, run.ErrorLines.Length));
        Assert.Contains(advice, run.Errors);
    }
}
