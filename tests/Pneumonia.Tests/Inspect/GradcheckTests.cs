using System.Text.Json.Nodes;
using Convolve.Engine.Tensors;
using Convolve.Layers.Reference;
using Convolve.Pneumonia.Inspect;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Inspect;

/// <summary>Gradients of the user's own model and images, from the command line.</summary>
[Collection(OnADevice.Name)]
public sealed class GradcheckTests(TrainedRun trained)
{
    [Fact]
    public async Task ARunOnItsOwnImages()
    {
        var run = await CommandRun.Succeeding("gradcheck", "--run", trained.Folder, "--data", trained.Data, "--elements", "3", "--json");
        Assert.Equal(["synthetic", "images", "tolerance", "passed", "parameters"], run.Json.AsObject().Select(field => field.Key));
        Assert.Equal((false, 2, true), ((bool)run.Json["synthetic"]!, (int)run.Json["images"]!, (bool)run.Json["passed"]!));
        var rows = run.Json["parameters"]!.AsArray();
        Assert.Equal(["dense1/kernel", "dense1/bias", "dense2/kernel", "dense2/bias", "dense3/kernel", "dense3/bias", "logits/kernel",
            "logits/bias"],
            rows.Select(row => (string)row!["name"]!));
        Assert.All(rows, row => Assert.NotEqual("wrong", (string)row!["verdict"]!));
        var last = rows[^1]!;
        Assert.Equal(("right", 1), ((string)last["verdict"]!, (int)last["compared"]!));
        Assert.InRange((double)last["worst"]!["error"]!, 0, (double)run.Json["tolerance"]!);
    }

    [Fact]
    public async Task AModelOnSyntheticImagesAsATable()
    {
        var run = await CommandRun.Succeeding("gradcheck", "--model", "mlp", "--pixels", "8", "--batch", "3");
        Assert.Contains("8 of 8 gradients agree", run.Output);
        Assert.Contains(run.ErrorLines, line => line.StartsWith("synthetic images", StringComparison.Ordinal));
        Assert.All(run.Output.Split('\n').Where(line => line.Contains("dense", StringComparison.Ordinal)),
            line => Assert.InRange(line.TrimEnd().Length, 1, 80));
    }

    [Theory]
    [InlineData(GradientVerdict.Right, ExitCode.Done, "")]
    [InlineData(GradientVerdict.Unchecked, ExitCode.Done, "warning: conv1/bias: not checked, every step led over a kink")]
    [InlineData(GradientVerdict.Wrong, ExitCode.Fault, "error: gradcheck: 1 of 2 gradients are wrong, conv1/bias the most: element 3 is "
        + "5.00E-1 where the difference is 2.50E-1")]
    public void AWrongGradientIsExitCode1AndOneLine(GradientVerdict verdict, int code, string line)
    {
        var errors = new StringWriter();
        CheckedGradient right = new("conv1/kernel", new Shape(3, 3, 1, 4), 6, 0, 7, 0.1, 0.1, 0, GradientVerdict.Right);
        CheckedGradient other = new("conv1/bias", new Shape(4), 4, 0, 3, 0.5, 0.25, 0.5, verdict);
        Assert.Equal(code, GradientChecking.Conclude([right, other], new Terminal(TextWriter.Null, errors)));
        Assert.StartsWith(line, errors.ToString());
        Assert.Equal(line.Length > 0 ? 1 : 0, errors.ToString().Count(c => c == '\n'));
    }

    [Theory]
    [InlineData("--run", "nowhere", "--pixels", "8")]
    [InlineData("--model", "cnn", "--pixels", "20")]
    [InlineData("--run", "nowhere", "--batch", "2")]
    [InlineData("--model", "mlp", "--data", "nowhere")]
    public async Task BadInputIsOneLine(params string[] arguments)
    {
        var run = await CommandRun.Of(["gradcheck", .. arguments]);
        Assert.Equal((ExitCode.BadUsage, "", 1), (run.Code, run.Output, run.ErrorLines.Length));
    }
}
