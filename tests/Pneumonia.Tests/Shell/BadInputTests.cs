using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Tests.Devices;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>Bad input gives one line on standard error that names it and exit code 2, and creates or removes no file or folder.</summary>
[Collection(OnADevice.Name)]
public sealed class BadInputTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Data => Path.Combine(folder.Path, "data");

    private string Run => Path.Combine(folder.Path, "run");

    public void Dispose() => folder.Dispose();

    private async Task Refused(IEnumerable<string> arguments, params string[] mentions)
    {
        var before = folder.Listing();
        var run = await CommandRun.Of(arguments);
        Assert.True(run.Code == 2, $"exit code {run.Code}: {run.Errors}");
        Assert.Equal("", run.Output);
        var line = Assert.Single(run.ErrorLines);
        Assert.StartsWith("error: ", line);
        foreach (var mention in mentions) Assert.Contains(mention, line);
        Assert.Equal(before, folder.Listing());
    }

    private Task TrainingRefused(params string[] mentions) => Refused([.. TrainedRun.Tiny, "--data", Data, "--out", Run], mentions);

    // A separate run that a test may damage.
    private void CopyRun()
    {
        foreach (var file in Directory.EnumerateFiles(trained.Folder)) folder.Add($"run/{Path.GetFileName(file)}", File.ReadAllBytes(file));
    }

    private static void Empty(string directory)
    {
        foreach (var file in Directory.EnumerateFiles(directory)) File.WriteAllBytes(file, []);
    }

    [Theory]
    [InlineData("mlp", "--dropout", "0.1", "only cnn, compact")]
    [InlineData("mlp", "--dense-dropout", "0.1", "only cnn, compact, vgg19")]
    [InlineData("mlp", "--l1", "0.1", "only cnn, compact")]
    [InlineData("vgg19", "--l2", "0.1", "only cnn, compact")]
    [InlineData("vgg19", "--dropout", "0.1", "only cnn, compact")]
    public Task ARegularizationThatTheModelHasNoPlaceFor(string model, string option, string value, string mention) =>
        Refused(["train", "--model", model, option, value], option, mention);

    [Fact]
    public Task AMissingFolder() => TrainingRefused(Data, "no such folder");

    [Fact]
    public Task AFileForAFolder()
    {
        folder.Add("data", "x");
        return TrainingRefused(Data, "is a file");
    }

    [Fact]
    public Task AFolderWithoutImages()
    {
        Directory.CreateDirectory(Data);
        return TrainingRefused(Data, "no images found");
    }

    [Fact]
    public Task AnEmptyClassFolder()
    {
        folder.WithXrays("data", 8);
        Directory.CreateDirectory(Path.Combine(Data, "EMPTY"));
        return TrainingRefused(Path.Combine(Data, "EMPTY"), "without images");
    }

    [Fact]
    public Task OneClassOnly()
    {
        folder.WithXrays("data", 8);
        Directory.Delete(Path.Combine(Data, "NORMAL"), recursive: true);
        return TrainingRefused("only one class, PNEUMONIA");
    }

    [Fact]
    public Task AClassWhoseImagesAreAllUnreadable()
    {
        folder.WithXrays("data/train", 12).WithXrays("data/test", 3, seed: 2);
        Empty(Path.Combine(Data, "train/NORMAL"));
        return TrainingRefused("train: not one of the", "of class NORMAL", "is empty (0 bytes)");
    }

    [Theory]
    [InlineData("val")]
    [InlineData("test")]
    public Task APartWhoseImagesAreAllUnreadable(string part)
    {
        // 50 validation images are the fewest that are used without a warning.
        folder.WithXrays("data/train", 4).WithXrays("data/val", 25, seed: 2).WithXrays("data/test", 3, seed: 3);
        foreach (var name in SyntheticXrays.Classes) Empty(Path.Combine(Data, part, name));
        return TrainingRefused($"{part}: not one of the {(part == "val" ? 50 : 6)} images can be read");
    }

    [Fact]
    public async Task AnUnreadableImageInPredict()
    {
        folder.WithXrays("data", 2);
        string empty = folder.Add("data/NORMAL/empty.png", ""),
            broken = folder.Add("broken.png", PngWriter.Encode(new byte[400], 20, 20, 1)[..60]);
        var others = await CommandRun.Of("predict", "--run", trained.Folder, Data);
        Assert.Equal(2, others.Code);
        Assert.Contains("is empty", Assert.Single(others.ErrorLines, line => line.StartsWith($"error: {empty}", StringComparison.Ordinal)));
        Assert.Equal(4 + 1, others.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        await Refused(["predict", "--run", trained.Folder, broken], broken);
    }

    [Fact]
    public async Task AnEvaluationOfUnreadableImages()
    {
        folder.WithXrays("data", 2);
        foreach (var name in SyntheticXrays.Classes) Empty(Path.Combine(Data, name));
        await Refused(["evaluate", "--run", trained.Folder, "--data", Data], Data, "not one of the 4 images can be read");
    }

    [Fact]
    public async Task AnEvaluationOfAClassThatTheModelDoesNotKnow()
    {
        folder.WithXrays("data", 2);
        Directory.Move(Path.Combine(Data, "NORMAL"), Path.Combine(Data, "HEALTHY"));
        await Refused(["evaluate", "--run", trained.Folder, "--data", Data], "HEALTHY", "NORMAL, PNEUMONIA");
    }

    [SkippableTheory]
    [InlineData("file")]
    [InlineData("below a file")]
    [InlineData("proc")]
    public async Task AnOutputFolderThatCannotBeWritten(string kind)
    {
        Skip.If(kind == "proc" && !Directory.Exists("/proc/self"), "no /proc on this system");
        var file = folder.Add("file", "x");
        var output = kind switch { "file" => file, "below a file" => Path.Combine(file, "run", "deep"), _ => "/proc/convolve/run" };
        await Refused([.. TrainedRun.Tiny, "--limit", "12", "--out", output], "--out", output);
        await Refused([.. TrainedRun.Tiny, "--limit", "12", "--out", output, "--resume"], "--out", output);
    }

    [Fact]
    public async Task AnOutputFolderThatExists()
    {
        CopyRun();
        folder.WithXrays("data/train", 12);
        await TrainingRefused("--out", Run, "--resume");
    }

    [Fact]
    public async Task CheckpointsOfAnotherNetwork()
    {
        CopyRun();
        var other = Path.Combine(folder.Path, "other");
        await CommandRun.Succeeding("train", "--model", "mlp", "--pixels", "16", "--limit", "4", "--epochs", "1", "--out", other);
        string[] resume = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--resume"];
        string best = Path.Combine(Run, "best.safetensors"), last = Path.Combine(Run, "last.safetensors");

        File.Copy(Path.Combine(other, "last.safetensors"), last, overwrite: true);
        await Refused(resume, last, "holds another network", "dense1");
        File.Copy(Path.Combine(trained.Folder, "last.safetensors"), last, overwrite: true);
        File.Copy(Path.Combine(other, "best.safetensors"), best, overwrite: true);
        await Refused(resume, best, "holds another network");
        folder.WithXrays("data", 2);
        await Refused(["evaluate", "--run", Run, "--data", Data], best, "metrics.json");
        await Refused(["predict", "--run", Run, Data], best, "metrics.json");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    [InlineData(-1)]
    public async Task ATruncatedCheckpoint(int length)
    {
        CopyRun();
        folder.WithXrays("data", 2);
        foreach (var name in new[] { "best.safetensors", "last.safetensors" })
        {
            var path = Path.Combine(Run, name);
            var bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, length < 0 ? bytes[..^1] : bytes[..length]);
            await Refused([.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--resume"], path, "no intact safetensors file");
            if (name == "best.safetensors")
            {
                await Refused(["predict", "--run", Run, Data], path, "no intact safetensors file");
                await Refused(["evaluate", "--run", Run, "--data", Data], path, "no intact safetensors file");
                await Refused(["summary", "--run", Run], path, "no intact safetensors file");
            }
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public async Task ARunWhoseBestCheckpointIsGone()
    {
        CopyRun();
        var best = Path.Combine(Run, "best.safetensors");
        File.Delete(best);
        await Refused([.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--resume"], best, "cannot be read");
        await Refused(["summary", "--run", Run], best, "cannot be read");
    }

    [Fact]
    public async Task AFolderThatIsNoRun()
    {
        folder.WithXrays("data", 2);
        await Refused(["predict", "--run", Data, Data], Data, "metrics.json");
        await Refused(["evaluate", "--run", Run, "--data", Data], Run, "metrics.json");
        await Refused(["summary", "--run", Run], Run);
    }

    [Fact]
    public async Task AnAnswersFileThatCannotBeWritten()
    {
        folder.WithXrays("data", 1);
        var csv = Path.Combine(folder.Add("file", "x"), "answers.csv");
        var run = await CommandRun.Of("predict", "--run", trained.Folder, Data, "--csv", csv);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(csv, run.ErrorLines[^1]);
    }

    [Theory]
    [InlineData("--model cnn --pixels 20", "--pixels 20")]
    [InlineData("--model cnn --pixels 45", "at least 46")]
    [InlineData("--model vgg19 --pixels 31", "--pixels 31: too small for vgg19, use at least 32")]
    [InlineData("--model vgg19 --pixels 4096", "--pixels 4096: too large for vgg19, use at most 4095")]
    [InlineData("--model cnn --pixels 4096", "--pixels 4096: too large for cnn, use at most 2925")]
    [InlineData("--limit 1", "--limit 1")]
    [InlineData("--epochs 0", "--epochs")]
    [InlineData("--batch -3", "--batch")]
    [InlineData("--learning-rate NaN", "--learning-rate")]
    [InlineData("--learning-rate 0", "--learning-rate")]
    [InlineData("--dropout -0.5", "--dropout")]
    [InlineData("--l2 Infinity", "--l2")]
    [InlineData("--bogus", "--bogus")]
    public Task OptionsThatCannotBe(string options, string mentions) => Refused(["train", "--out", Run, .. options.Split(' ')], mentions);

    // 100 images make a tensor too long for any device; the number for one image differs between machines.
    [Fact]
    public Task ABatchThatNoDeviceHasMemoryFor() => Refused(
        ["train", "--model", "cnn", "--pixels", "1024", "--batch", "100", "--out",
            Run], "out of device memory", "fit", "--batch 100, --pixels 1024");

    [Fact]
    public Task ALimitBelowTheNumberOfClasses()
    {
        folder.WithXrays("data/train", 12);
        return Refused([.. TrainedRun.Tiny, "--data", Data, "--out", Run, "--limit", "1"], "--limit 1");
    }

    [SkippableFact]
    public async Task ADeviceThatIsNotThere()
    {
        using (var catalogue = new DeviceCatalogue())
            Skip.If(catalogue.Devices.Any(device => device.Kind == DeviceKind.Cuda), "this machine has a CUDA device");
        await Refused([.. TrainedRun.Tiny, "--out", Run, "--device", "cuda"], "--device cuda", "ILGPU CPU");
        await Refused(["predict", "--run", trained.Folder, trained.Data, "--device", "cuda"], "--device cuda");
        await Refused(["devices", "--device", "cuda"], "--device cuda");
    }

    [SkippableFact]
    public async Task ATrainingThatDivergesLeavesNoRunBehind()
    {
        OpenCl.SkipIfMissing();
        folder.WithXrays("data/train", 60).WithXrays("data/val", 30, seed: 2);
        var before = folder.Listing();
        // Each step multiplies the penalized weights by −199, until they are NaN.
        var run = await CommandRun.Of("train", "--model", "cnn", "--pixels", "48", "--optimizer", "sgd", "--learning-rate", "100",
            "--l2", "1",
            "--batch", "2", "--epochs", "1", "--data", Data, "--out", Run);
        Assert.Equal((2, ""), (run.Code, run.Output));
        string line = Assert.Single(run.ErrorLines, line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.Contains("learning rate", line);
        Assert.Equal(before, folder.Listing());
    }
}
