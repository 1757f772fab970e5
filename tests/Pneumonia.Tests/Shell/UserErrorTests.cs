using System.Buffers.Binary;
using Convolve.Engine.Devices;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>Which errors are the user's to fix, and how their messages are put together.</summary>
[Collection(OnADevice.Name)]
public sealed class UserErrorTests(TrainedRun trained)
{
    public static TheoryData<Exception, bool> Errors => new()
    {
        { new UserError("x"), true },
        { new UnreadableImage("a.png", "is empty"), true },
        { new UnwritableOutput("it is closed"), true },
        { new WeightFileException("x"), true },
        { new FeatureFileException("x"), true },
        { new DeviceException("x"), true },
        { new DivergedException("x"), true },
        { new InvalidOperationException("x"), false },
        { new ArgumentException("x"), false },
        { new IOException("x"), false },
        { new FormatException("x"), false },
        { new OperationCanceledException("x"), false },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public void TheTableTellsTheUsersErrorsFromFaults(Exception error, bool isTheUsers) => Assert.Equal(isTheUsers, UserError.Is(error));

    [Fact]
    public void WordsStandAroundTheMessageInOneLine()
    {
        var cause = new IOException("no\nspace");
        Assert.Equal("no space", UserError.From(cause).Message);
        var error = UserError.From(cause, "--out x", "--batch 5", "make room");
        Assert.Equal("--out x: no space (--batch 5); make room", error.Message);
        Assert.Same(cause, error.InnerException);
    }

    [Theory]
    [InlineData("gradcheck")]
    [InlineData("predict image.png")]
    [InlineData("explain image.png")]
    [InlineData("evaluate --data .")]
    [InlineData("summary --measure")]
    [InlineData("kernels compare gemm")]
    [InlineData("kernels compare conv")]
    public async Task ADeviceThatIsMissingEndsAnyCommandWithCode2(string command)
    {
        using var folder = new TemporaryFolder();
        var image = folder.AddImage("image.png", 1);
        var run = await CommandRun.Of([.. command.Replace("image.png", image).Split(' '), "--device", "no-such-device"]);
        Assert.Equal(ExitCode.BadUsage, run.Code);
        Assert.Contains("no-such-device", Assert.Single(run.ErrorLines));
    }

    [Theory]
    [InlineData("predict")]
    [InlineData("evaluate")]
    public async Task ANetworkWhosePredictionsAreNoNumbersEndsWithCode2(string command)
    {
        using var folder = new TemporaryFolder();
        var file = File.ReadAllBytes(Path.Combine(trained.Folder, "best.safetensors"));
        // Every weight 3.4e38: sums of products are infinite.
        file.AsSpan(8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file)).Fill(0x7F);
        var network = folder.Add("network.safetensors", file);
        string[] images = command == "evaluate" ? ["--data", trained.Data] : [trained.Data];
        var run = await CommandRun.Of([command, .. images, "--weights", network]);
        Assert.Equal((ExitCode.BadUsage, ""), (run.Code, run.Output));
        Assert.EndsWith("; train it again, or take another one", run.ErrorLines[^1]);
    }
}
