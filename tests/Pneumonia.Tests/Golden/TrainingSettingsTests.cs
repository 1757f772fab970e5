using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using Convolve.Engine.Devices;
using Convolve.Pneumonia.Experiments;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Tests.Golden;

/// <summary>
/// What becomes of the settings of a training: its <c>config.json</c>, the rows of its report, the command that repeats it, and which runs
/// it may go on.
/// </summary>
public sealed partial class TrainingSettingsTests : IDisposable
{
    private static readonly DeviceDescription fast = new("a device", DeviceKind.OpenClGpu, 1L << 33, 1L << 31, 16, "a driver");
    private static readonly DeviceDescription slow = fast with { Kind = DeviceKind.IlgpuCpu };

    // Of the two networks that take the most options, all they take.
    private const string AllOfCnn =
        "--data a/folder --model cnn --pixels 64 --resize area --epochs 5 --batch 7 --learning-rate 0.001 --schedule step --optimizer adam "
        + "--weight-decay 0.01 --dropout 0.1 --dense-dropout 0.2 --l1 5e-7 --l2 1e-6 --augment --early-stopping 3 --class-weights balanced "
        + "--preprocessing caffe "
        + "--weights w.safetensors --labels three --limit 40 --split random --fractions 0.7,0.2,0.1 --patient (p[0-9]+)_ --conv winograd4 "
        + "--tf32 --device cuda --seed 7";

    private const string AllOfVgg19 =
        "--data a/folder --model vgg19 --weights w.h5 --until block3_pool --freeze block3_conv1 --head 32 --base-learning-rate 1e-5 "
        + "--learning-rate 2e-4 --positive NORMAL --split patient --schedule cosine --epochs 9 --json --out somewhere --resume";

    private static readonly string[] trainings =
    [
        "", "--model mlp", "--model cnn", "--model vgg19", "--data x", "--data x --model mlp", "--data x --model cnn", "--data x "
            + "--model vgg19",
        "--data x --model vgg19 --weights w.h5", "--data x --model vgg19 --weights imagenet --freeze none", "--data x --model vgg19 "
            + "--weights w.h5 --features",
        "--data x --optimizer sgd", "--optimizer rmsprop", "--augment false", "--augment-once", "--augment false "
            + "--augment-once", "--limit 30",
        "--seed 1 --dropout 0 --resize bilinear --device auto --conv auto --labels folders --class-weights none", AllOfCnn, AllOfVgg19,
    ];

    // A run, and each way in which another one differs from it.
    private static readonly (string Run, string[] Others)[] pairs =
    [
        ("--data x --model cnn",
        [
            "--data y --model cnn", "--model cnn", "--data x --model mlp", "--data x --model cnn --pixels 64", "--data x --model cnn "
                + "--resize nearest",
            "--data x --model cnn --epochs 99", "--data x --model cnn --batch 7", "--data x --model cnn --learning-rate 1", "--data x "
                + "--model cnn --schedule step",
            "--data x --model cnn --optimizer adam", "--data x --model cnn --optimizer sgd", "--data x --model cnn "
                + "--weight-decay 1", "--data x --model cnn --dropout 0.5",
            "--data x --model cnn --dense-dropout 0.5", "--data x --model cnn --l1 0.5", "--data x --model cnn --l2 0.5", "--data x "
                + "--model cnn --augment",
            "--data x --model cnn --augment-once", "--data x --model cnn --early-stopping 3", "--data x --model cnn --class-weights "
                + "balanced",
            "--data x --model cnn --preprocessing caffe", "--data x --model cnn --labels three", "--data x --model cnn "
                + "--limit 9", "--data x --model cnn --split random",
            "--data x --model cnn --fractions 0.7,0.2,0.1", "--data x --model cnn --patient (a)", "--data x --model cnn "
                + "--conv direct", "--data x --model cnn --tf32",
            "--data x --model cnn --device cpu", "--data x --model cnn --seed 2", "--data elsewhere/x --model cnn --out y --json",
        ]),
        ("--data x", ["--data x --epochs 99", "--data x --schedule constant", "--data x --schedule constant --epochs 99", "--data x "
            + "--augment false"]),
        ("--data x --model vgg19 --weights w",
        [
            "--data x --model vgg19 --weights w --until block3_pool", "--data x --model vgg19 --weights w --freeze none", "--data x "
                + "--model vgg19 --weights w --freeze all",
            "--data x --model vgg19 --weights w --head 9", "--data x --model vgg19 --weights w --features",
            "--data x --model vgg19 --weights w --freeze block3_conv1 --base-learning-rate 1e-6",
        ]),
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ATrainingIsRecordedAndRepeatedAsBefore()
    {
        var text = new StringBuilder();
        foreach (var arguments in trainings)
        {
            Append(text, $"train {arguments}", Read(arguments), fast);
        }
        foreach (var arguments in new[] { "", "--data x --model cnn", "--data x --model cnn --pixels 150 --epochs 2 --limit 100" })
            Append(text, $"train {arguments} (on a slow device)", Read(arguments), slow);
        GoldenFile.Check("training.txt", text.ToString());
    }

    [Fact]
    public void TheReferenceExperimentsAreTheSameTrainingsAsBefore()
    {
        var text = new StringBuilder();
        var settings = new ExperimentSettings { Data = "x", EpochsScale = 0.5, Limit = 50, Out = "table" };
        foreach (var row in ReferenceRows.All) Append(text, row.Id, settings.TrainingOf(row, 3), fast);
        Append(text, "vgg19-fine-tuned, cut", (settings with { Until = "block2_pool", Weights = "w.h5" })
            .TrainingOf(ReferenceRows.All.Single(row => row.Id == "vgg19-fine-tuned"), 1), fast);
        GoldenFile.Check("experiments.txt", text.ToString());
    }

    [Fact]
    public void ARunGoesOnWithTheSameSettingsAsBefore()
    {
        var text = new StringBuilder();
        foreach ((var run, var others) in pairs)
        {
            text.Append($"{run}\n");
            foreach (var other in others) text.Append($"  {other}\n    {Difference(PlanOf(other), PlanOf(run))}\n");
        }
        var plan = PlanOf("--data x --model cnn");
        text.Append($"images\n  {Difference(plan with { Images = "a" }, plan with { Images = "b" })}\n");
        text.Append($"weights\n  {Difference(plan with { Weights = "a 12" }, plan with { Weights = "a 34" })}\n");
        text.Append($"positive\n  {Difference(plan with { Positive = "A" }, plan with { Positive = "B" })}\n");
        text.Append($"positive, unsaid\n  {Difference(plan with { Positive = "A" }, plan with { Positive = null })}\n");
        text.Append($"positive, now unsaid\n  {Difference(plan with { Positive = null }, plan with { Positive = "A" })}\n");
        text.Append($"versions\n  {Difference(plan with { Version = "1", Dotnet = "2", Ilgpu = "3" }, plan)}\n");
        GoldenFile.Check("same-run.txt", text.ToString());
    }

    /// <summary>Settings came one by one: what the file of an older run does not say is as it was before it could be said.</summary>
    [Fact]
    public void TheFileOfAnOlderRunIsReadAsBefore()
    {
        folder.Add("config.json", """
            {
              "version": "0.0.1", "dotnet": "8.0.1", "ilgpu": "1.5.1", "data": "chest_xray", "synthetic": false, "model": "compact",
              "pixels": 150, "resize": "bilinear",
              "epochs": 24, "batch": 50, "optimizer": "adam", "learningRate": 0.001, "dropout": 0, "l1": 0, "l2": 1E-07,
              "augment": true, "earlyStopping": null,
              "split": "random", "fractions": { "train": 0.7, "val": 0.2, "test": 0.1 }, "partLimits": { "train": 9 }, "seed": 1,
              "device": "a device", "unknown": [1, 2]
            }
            """);
        var plan = ConfigFile.Read<TrainSettings>(folder.Path);
        GoldenFile.Check("older-run.txt", ConfigOf(plan) + Rows(plan));
    }

    [Theory]
    [InlineData("{\"pixels\":\"wide\"}")]
    [InlineData("{\"model\":\"lenet\"}")]
    [InlineData("{\"seed\":null}")]
    [InlineData("{\"fractions\":3}")]
    [InlineData("[]")]
    public void ADamagedFileIsRefused(string json)
    {
        folder.Add("config.json", json);
        Assert.Contains("config.json: cannot be read as settings",
            Assert.Throws<UserError>(() => ConfigFile.Read<TrainSettings>(folder.Path)).Message);
    }

    private static TrainSettings Read(string arguments)
    {
        var command = new RootCommand();
        var options = new Options(typeof(TrainSettings), command);
        var result = command.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(result.Errors);
        return (TrainSettings)options.Read(result);
    }

    private static TrainSettings PlanOf(string arguments) => PlanOf(Read(arguments), fast);

    // Before weights and images are read: a run records the fingerprint of the ones and the classes of the others.
    private static TrainSettings PlanOf(TrainSettings settings, DeviceDescription device) =>
        settings.On(device) is var plan && plan.Freeze is { } frozen ? plan with { Freeze = frozen, Weights = null, Positive = null }
            : plan with { Weights = null, Positive = null };

    private void Append(StringBuilder text, string title, TrainSettings settings, DeviceDescription device)
    {
        var plan = PlanOf(settings, device);
        text.Append($"== {title}\nrepeated by: {settings.CommandLine ?? "nothing"}\n{ConfigOf(plan)}{Rows(plan)}\n");
    }

    private string ConfigOf(TrainSettings plan)
    {
        ConfigFile.Write(folder.Path, plan);
        return File.ReadAllText(Path.Combine(folder.Path, ConfigFile.FileName)) is var text ? Versions().Replace(text, "$1…") : "";
    }

    private static string Rows(TrainSettings plan) =>
        string.Concat(plan.Rows.Select(row => $"{row.Name}: {(row.Name is "version" or "dotnet" or "ilgpu" ? "…" : row.Value)}\n"));

    private static string Difference(TrainSettings plan, TrainSettings other)
    {
        try
        {
            plan.RequireSameRun(other, "RUN");
            return "goes on";
        }
        catch (UserError e)
        {
            return e.Message;
        }
    }

    [GeneratedRegex("(\"(version|dotnet|ilgpu)\": \")[^\"]*")]
    private static partial Regex Versions();
}
