using System.Text.Json.Nodes;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;

namespace Convolve.Engine.Tests.Operations;

public abstract class ConvolutionChoiceTests(OpenedDevice opened) : DeviceTests(opened)
{
    private static readonly ConvolutionGeometry small =
        ConvolutionGeometry.Create(new Shape(1, 9, 9, 4), new Shape(3, 3, 4, 5), Padding.Same);

    private static readonly ConvolutionGeometry strided =
        ConvolutionGeometry.Create(new Shape(1, 9, 9, 4), new Shape(3, 3, 4, 5), Padding.Same, stride: 2);

    [SkippableFact]
    public void TheModelPicksWhatExists()
    {
        foreach (var pass in Enum.GetValues<ConvolutionPass>())
            foreach (var geometry in new[] { small, strided,
                ConvolutionGeometry.Create(new Shape(2, 20, 20, 32), new Shape(3, 3, 32, 32), Padding.Valid) })
                Assert.Contains(ConvolutionChoice.Model(pass, geometry, Device), ConvolutionChoice.Available(pass, geometry, Device));
    }

    [SkippableFact]
    public void AnAlgorithmThatDoesNotExistIsNotReplaced()
    {
        using var input = Tensor.Filled(Device, strided.Input, 1);
        using var kernel = Tensor.Filled(Device, strided.Kernel, 1);
        using var output = Tensor.Filled(Device, strided.Output, 1);
        var error = Assert.Throws<ArgumentException>(
            () => ConvolutionOperation.Forward(strided, input, kernel, null, output, false, ConvolutionAlgorithm.Winograd4));
        Assert.Contains("Winograd4 does not exist for Forward of input [1,9,9,4], kernel [3,3,4,5], stride 2", error.Message);
    }

    [SkippableFact]
    public void TuningMeasuresOnceAndKeepsItsChoice()
    {
        var folder = Directory.CreateTempSubdirectory("convolve-tuning-").FullName;
        try
        {
            var first = new ConvolutionTuning(Device, folder);
            var choice = first.Fastest(ConvolutionPass.Forward, small);
            Assert.Contains(choice, ConvolutionChoice.Available(ConvolutionPass.Forward, small, Device));
            Assert.NotEqual(ConvolutionAlgorithm.Naive, choice);
            Assert.Equal(choice, first.Fastest(ConvolutionPass.Forward, small));
            Assert.Equal(1, first.Measurements);

            var second = new ConvolutionTuning(Device, folder);
            Assert.Equal(choice, second.Fastest(ConvolutionPass.Forward, small));
            Assert.Equal(0, second.Measurements);

            // The file decides, not a new measurement.
            var path = Assert.Single(Directory.GetFiles(folder));
            var content = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            Assert.Single(content).Value!["Algorithm"] = nameof(ConvolutionAlgorithm.Im2col);
            File.WriteAllText(path, content.ToJsonString());
            Assert.Equal(ConvolutionAlgorithm.Im2col, new ConvolutionTuning(Device, folder).Fastest(ConvolutionPass.Forward, small));

            File.WriteAllText(path, "not JSON");
            var afterDamage = new ConvolutionTuning(Device, folder);
            _ = afterDamage.Fastest(ConvolutionPass.Forward, small);
            Assert.Equal(1, afterDamage.Measurements);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableTheory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"KEY\":null}")]
    [InlineData("{\"KEY\":{\"Algorithm\":null,\"Milliseconds\":1}}")]
    [InlineData("{\"KEY\":{\"Algorithm\":\"Tuned\",\"Milliseconds\":1}}")]
    [InlineData("{\"KEY\":{\"Algorithm\":\"99\",\"Milliseconds\":1}}")]
    [InlineData("{\"KEY\":{\"Algorithm\":\"Winograd4\",\"Milliseconds\":\"fast\"}}")]
    public void AFileOfChoicesThatIsDamagedIsMeasuredAgain(string content)
    {
        var folder = Directory.CreateTempSubdirectory("convolve-tuning-").FullName;
        try
        {
            var first = new ConvolutionTuning(Device, folder);
            _ = first.Fastest(ConvolutionPass.Forward, strided);
            var key = JsonNode.Parse(File.ReadAllText(first.FilePath))!.AsObject().Single().Key;
            File.WriteAllText(first.FilePath, content.Replace("KEY", key));
            var second = new ConvolutionTuning(Device, folder);
            Assert.Contains(second.Fastest(ConvolutionPass.Forward, strided),
                ConvolutionChoice.Available(ConvolutionPass.Forward, strided, Device));
            Assert.Equal((1, null), (second.Measurements, second.Problem));
            Assert.Equal(key, JsonNode.Parse(File.ReadAllText(first.FilePath))!.AsObject().Single().Key);
            Assert.Single(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableFact]
    public void ChoicesThatCannotBeKeptAreUsedAndSaid()
    {
        // There is a file in place of the folder.
        var file = Path.GetTempFileName();
        try
        {
            var tuning = new ConvolutionTuning(Device, Path.Combine(file, "below"));
            Assert.Null(tuning.Summary);
            var choice = tuning.Fastest(ConvolutionPass.Forward, strided);
            Assert.Equal(choice, tuning.Fastest(ConvolutionPass.Forward, strided));
            Assert.Equal(1, tuning.Measurements);
            Assert.Contains($"used in this run only, since {tuning.FilePath} cannot be written", tuning.Summary);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SkippableFact]
    public void ATrialMeasuresTimeErrorAndWorkspace()
    {
        using var trial = new ConvolutionTrial(Device, small, ConvolutionPass.GradKernel);
        foreach (var algorithm in ConvolutionChoice.Available(ConvolutionPass.GradKernel, small, Device))
        {
            Assert.True(trial.Milliseconds(algorithm, 1) > 0);
            Assert.InRange(trial.LargestError(algorithm), 0, 1e-5);
        }
        Assert.Equal(0, trial.WorkspaceBytes(ConvolutionAlgorithm.Naive));
        Assert.True(trial.WorkspaceBytes(ConvolutionAlgorithm.Im2col) >= (long)small.OutputPixels * small.PatchLength * sizeof(float));
    }

    [SkippableFact]
    public void ThePeakIsAFigure() => Assert.InRange(PeakArithmetic.MeasureGigaflops(Device, runs: 1), 1e-6, 1e6);
}

[Collection(OnOpenCl.Name)]
public sealed class ConvolutionChoiceOnOpenCl(OpenClDevice device) : ConvolutionChoiceTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class ConvolutionChoiceOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : ConvolutionChoiceTests(device);
