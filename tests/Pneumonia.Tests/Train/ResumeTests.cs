using System.Globalization;
using System.Text.Json.Nodes;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Train;

[Collection(OnADevice.Name)]
public sealed class ResumeTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Run => Path.Combine(folder.Path, "run");

    public void Dispose() => folder.Dispose();

    private static void AssertSameBytes(string expected, string actual)
    {
        foreach (var file in new[] { "best.safetensors", "last.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(expected, file)), File.ReadAllBytes(Path.Combine(actual, file)));
    }

    private static JsonNode Metrics(string run) => JsonNode.Parse(File.ReadAllText(Path.Combine(run, "metrics.json")))!;

    [Theory]
    [InlineData("device:", 0)]
    [InlineData("epoch 1/", 1)]
    [InlineData("epoch 2/", 2)]
    public async Task StoppedAndResumedIsAsNeverStopped(string trigger, int epochs)
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run];
        var stopped = await CommandRun.StoppedAt(trigger, TimeSpan.Zero, command);
        Assert.Equal(130, stopped.Code);
        Assert.Equal("", stopped.Output);
        Assert.Contains(stopped.ErrorLines, line => line.EndsWith("continue with the same command and --resume", StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(Run, "last.safetensors")));
        Assert.False(File.Exists(Path.Combine(Run, "metrics.json")));
        Assert.Equal(epochs, stopped.ErrorLines.Count(line => line.StartsWith("epoch ", StringComparison.Ordinal)));
        Assert.Equal(1 + epochs, File.ReadAllLines(Path.Combine(Run, "history.csv")).Length);

        await CommandRun.Succeeding([.. command, "--resume"]);
        AssertSameBytes(trained.Folder, Run);
        Assert.True(JsonNode.DeepEquals(Metrics(trained.Folder)["test"], Metrics(Run)["test"]));
        Assert.Equal((int)Metrics(trained.Folder)["bestEpoch"]!, (int)Metrics(Run)["bestEpoch"]!);
    }

    [Fact]
    public async Task StoppedWithinAnEpochResumesToTheSameBytes()
    {
        // Enough steps that the stop is between two of them; then one more epoch is run, and the same without a stop.
        string[] command = ["train", "--model", "mlp", "--pixels", "24", "--limit", "64", "--batch", "1"];
        var stopped = await CommandRun.StoppedAt("epoch 1/", TimeSpan.FromMilliseconds(1), [.. command, "--out", Run, "--epochs", "200"]);
        Assert.Equal(130, stopped.Code);
        Assert.Contains("continue with the same command", stopped.Errors);
        var epochs = $"{1 + stopped.ErrorLines.Count(line => line.StartsWith("epoch ", StringComparison.Ordinal))}";
        await CommandRun.Succeeding([.. command, "--out", Run, "--resume", "--epochs", epochs]);
        var whole = Path.Combine(folder.Path, "whole");
        await CommandRun.Succeeding([.. command, "--out", whole, "--epochs", epochs]);
        AssertSameBytes(whole, Run);
    }

    [Fact]
    public async Task ARunBegunOnAnotherDeviceIsContinuedWithAWarning()
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run];
        Assert.Equal(130, (await CommandRun.StoppedAt("epoch 1/", TimeSpan.Zero, command)).Code);
        var path = Path.Combine(Run, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        var here = (string)config["device"]!;
        config["device"] = "another machine";
        File.WriteAllText(path, config.ToJsonString());
        var elsewhere = await CommandRun.StoppedAt("epoch 2/", TimeSpan.Zero, [.. command, "--resume"]);
        Assert.Contains(elsewhere.ErrorLines,
            line => line.StartsWith($"warning: this run began on another machine and continues on {here}", StringComparison.Ordinal));

        var same = await CommandRun.Succeeding([.. command, "--resume"]);
        Assert.DoesNotContain("this run began on", same.Errors);
    }

    /// <summary>A finished run that continues has weights that its metrics do not belong to; a stop must not leave both.</summary>
    [Fact]
    public async Task AFinishedRunThatGoesOnAndIsStoppedSaysNothingOfItself()
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run];
        await CommandRun.Succeeding(command);
        await CommandRun.Succeeding([.. command, "--resume"]);
        Assert.True(File.Exists(Path.Combine(Run, "metrics.json")));
        string[] longer = [.. command.Select((word, i) => i > 0 && command[i - 1] == "--epochs" ? "6" : word), "--resume"];
        Assert.Equal(130, (await CommandRun.StoppedAt("epoch 4/", TimeSpan.Zero, longer)).Code);
        foreach (var file in new[] { "metrics.json", "report.html" }) Assert.False(File.Exists(Path.Combine(Run, file)), file);
        await CommandRun.Succeeding(longer);
        Assert.Equal(6, Metrics(Run)["epochs"]!.AsArray().Count);
    }

    [Fact]
    public async Task TheReportGivesTheTimeOfAllSittings()
    {
        string time = Path.Combine(Run, "time.json"), history = Path.Combine(Run, "history.csv"), report = Path.Combine(Run, "report.html");
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run];
        await CommandRun.StoppedAt("epoch 2/", TimeSpan.Zero, command);
        var stopped = JsonNode.Parse(File.ReadAllText(time))!;
        double[] epochs =
            [.. File.ReadLines(history).Skip(1).Select(line => double.Parse(line.Split(',')[1], CultureInfo.InvariantCulture))];
        Assert.Equal(2, epochs.Length);
        Assert.True((double)stopped["seconds"]! > epochs.Sum());
        stopped["seconds"] = 2 * 3600 + 180;
        File.WriteAllText(time, stopped.ToJsonString());
        await CommandRun.Succeeding([.. command, "--resume"]);
        Assert.Contains("2 h 3 min, 3 epochs", File.ReadAllText(report));
        Assert.False(File.Exists(time));

        // A finished run that continues has the times of its epochs.
        var lines = File.ReadAllLines(history);
        lines[1] = $"1,{5 * 3600},{string.Join(',', lines[1].Split(',')[2..])}";
        File.WriteAllLines(history, lines);
        string[] longer = [.. command, "--resume"];
        longer[Array.IndexOf(longer, "--epochs") + 1] = "4";
        await CommandRun.Succeeding(longer);
        Assert.Contains("5 h 0 min, 4 epochs", File.ReadAllText(report));
        Assert.Equal(5 * 3600, (double)Metrics(Run)["epochs"]![0]!["seconds"]!);
    }

    [Fact]
    public async Task AnEpochThatWasStoppedWithinCountsWhole()
    {
        string[] command = ["train", "--model", "mlp", "--pixels", "24", "--limit", "64", "--batch", "1", "--out", Run];
        var stopped = await CommandRun.StoppedAt("epoch 1/", TimeSpan.FromMilliseconds(1), [.. command, "--epochs", "200"]);
        var done = stopped.ErrorLines.Count(line => line.StartsWith("epoch ", StringComparison.Ordinal));
        var time = Path.Combine(Run, "time.json");
        var saved = JsonNode.Parse(File.ReadAllText(time))!;
        Assert.InRange((double)saved["unfinishedEpoch"]!, 0, (double)saved["seconds"]!);
        var isWithin = (int)JsonNode.Parse(SafeTensors.Read(Path.Combine(Run, "last.safetensors")).Metadata["run"])!["position"]! > 0;
        saved["unfinishedEpoch"] = 1000;
        File.WriteAllText(time, saved.ToJsonString());
        await CommandRun.Succeeding([.. command, "--resume", "--epochs", $"{done + 1}"]);
        // If the stop was between two epochs, there is no partial epoch to count.
        Assert.InRange((double)Metrics(Run)["epochs"]![done]!["seconds"]!, isWithin ? 1000 : 0, isWithin ? 1100 : 100);
    }

    [Theory]
    [InlineData("--augment")]
    [InlineData("--augment-once")]
    public async Task AugmentationGoesOnWhereItStopped(string option)
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, option];
        var whole = Path.Combine(folder.Path, "whole");
        await CommandRun.Succeeding([.. command, "--out", whole]);
        var stopped = await CommandRun.StoppedAt("epoch 2/", TimeSpan.Zero, [.. command, "--out", Run]);
        Assert.Equal(130, stopped.Code);
        await CommandRun.Succeeding([.. command, "--out", Run, "--resume"]);
        AssertSameBytes(whole, Run);
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(trained.Folder, "best.safetensors")),
            File.ReadAllBytes(Path.Combine(Run, "best.safetensors")));
    }

    [Fact]
    public async Task AFinishedRunCanBeResumedWithMoreEpochs()
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run];
        string[] shorter = [.. command];
        shorter[Array.IndexOf(shorter, "--epochs") + 1] = "1";
        await CommandRun.Succeeding(shorter);
        await CommandRun.Succeeding([.. command, "--resume"]);
        AssertSameBytes(trained.Folder, Run);
        Assert.Equal(3, Metrics(Run)["epochs"]!.AsArray().Count);
    }

    [Fact]
    public async Task EarlyStoppingStopsAResumedRunWhereItStopsAWholeOne()
    {
        // A learning rate at which the validation loss soon rises.
        string[] command = ["train", "--model", "mlp", "--pixels", "24", "--epochs", "40", "--batch", "4", "--learning-rate", "0.2",
            "--early-stopping", "2", "--data", trained.Data];
        var whole = Path.Combine(folder.Path, "whole");
        await CommandRun.Succeeding([.. command, "--out", whole]);
        var metrics = Metrics(whole);
        var ran = metrics["epochs"]!.AsArray().Count;
        Assert.InRange(ran, 3, 39);
        Assert.Equal(2, ran - (int)metrics["bestEpoch"]!);

        var stopped = await CommandRun.StoppedAt("epoch 2/", TimeSpan.Zero, [.. command, "--out", Run]);
        Assert.Equal(130, stopped.Code);
        await CommandRun.Succeeding([.. command, "--out", Run, "--resume"]);
        AssertSameBytes(whole, Run);
        // Again: the patience is exhausted, so nothing is trained.
        var again = await CommandRun.Succeeding([.. command, "--out", Run, "--resume"]);
        Assert.DoesNotContain(again.ErrorLines, line => line.StartsWith("epoch ", StringComparison.Ordinal));
        AssertSameBytes(whole, Run);
    }

    [Fact]
    public async Task ResumingAFolderWithoutACheckpointStartsAfresh()
    {
        folder.Add("run/notes.txt", "kept");
        await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--resume"]);
        AssertSameBytes(trained.Folder, Run);
        Assert.Equal("kept", File.ReadAllText(Path.Combine(Run, "notes.txt")));
    }

    [Theory]
    [InlineData("--batch", "8", "batch 4, not 8")]
    [InlineData("--seed", "2", "seed 1, not 2")]
    [InlineData("--model", "cnn", "model mlp, not cnn")]
    [InlineData("--pixels", "32", "pixels 24, not 32")]
    [InlineData("--optimizer", "adam", "optimizer sgd, not adam")]
    [InlineData("--learning-rate", "0.5", "learning-rate 0.01, not 0.5")]
    [InlineData("--class-weights", "balanced", "class-weights none, not balanced")]
    [InlineData("--augment", null, "augment false, not true")]
    [InlineData("--limit", "10", ", not 10")]
    public async Task ResumingWithAnotherSettingNamesIt(string option, string? value, string mentions)
    {
        List<string> command = [.. TrainedRun.Tiny, "--seed", "1", "--data", trained.Data, "--out", trained.Folder, "--resume"];
        // The network must fit its images, or that is the error.
        if (value == "cnn") command[command.IndexOf("--pixels") + 1] = "48";
        var place = command.IndexOf(option);
        if (place >= 0) command[place + 1] = value!;
        else command.AddRange(value is null ? [option] : [option, value]);
        var before = File.ReadAllText(Path.Combine(trained.Folder, "config.json"));
        var run = await CommandRun.Of(command);
        Assert.Equal((2, ""), (run.Code, run.Output));
        var line = Assert.Single(run.ErrorLines);
        Assert.Contains($"was started with {option[2..]} ", line);
        Assert.Contains(mentions, line);
        Assert.Equal(before, File.ReadAllText(Path.Combine(trained.Folder, "config.json")));
    }

    [Fact]
    public async Task ResumingWithOtherImagesIsRefused()
    {
        var data = Path.Combine(folder.WithXrays("data/train", 24).WithXrays("data/val", 30, seed: 2).Path, "data");
        string[] command = [.. TrainedRun.Tiny, "--data", data, "--out", Run];
        await CommandRun.Succeeding(command);
        File.Delete(Directory.EnumerateFiles(Path.Combine(data, "train", "NORMAL")).First());
        var run = await CommandRun.Of([.. command, "--resume"]);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("was started with other images", Assert.Single(run.ErrorLines));
    }

    /// <summary>The files are listed but cannot be read, as on a disconnected drive.</summary>
    [Fact]
    public async Task ATrainingWhoseImagesGoAwayFailsAndGoesOnWhenTheyAreBack()
    {
        var data = Path.Combine(folder.Path, "data");
        CopyFolder(trained.Data, data);
        string[] command = [.. TrainedRun.Tiny, "--data", data, "--out", Run];
        string[] images =
            [.. Directory.EnumerateFiles(Path.Combine(data, "train"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        var away = new Dictionary<string, FileStream>();

        await CommandRun.StoppedAt("epoch 1/", TimeSpan.Zero, command);
        var last = File.ReadAllBytes(Path.Combine(Run, "last.safetensors"));
        TakeAway(images.Where((_, i) => i % 2 == 0));
        var run = await CommandRun.Of([.. command, "--resume"]);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Matches("more than 3 of [0-9]+ images that were listed can no longer be read", run.ErrorLines[^1]);
        Assert.Contains("cannot be read", run.ErrorLines[^1]);
        Assert.Equal(last, File.ReadAllBytes(Path.Combine(Run, "last.safetensors")));
        BringBack(images.Where((_, i) => i % 2 == 0));
        await CommandRun.Succeeding([.. command, "--resume"]);
        AssertSameBytes(trained.Folder, Run);

        // A new run leaves nothing behind.
        var other = Path.Combine(folder.Path, "other");
        TakeAway(images.Where((_, i) => i % 2 == 0));
        run = await CommandRun.Of([.. TrainedRun.Tiny, "--data", data, "--out", other]);
        Assert.Equal(2, run.Code);
        Assert.False(Directory.Exists(other));
        run = await CommandRun.Of("evaluate", "--run", trained.Folder, "--data", data, "--part", "train");
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains("more than 3 of 24 images", run.ErrorLines[^1]);

        // Three may be missing.
        BringBack(images.Where((_, i) => i % 2 == 0 && i > 5));
        run = await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", data, "--out", other]);
        Assert.Equal(3, run.ErrorLines.Count(line => line.Contains("cannot be read", StringComparison.Ordinal)
            && line.EndsWith("; left out", StringComparison.Ordinal)));
        BringBack(images);

        // Another process' lock prevents reading; the files are still listed.
        void TakeAway(IEnumerable<string> files)
        {
            foreach (var file in files) away.Add(file, new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None));
        }

        void BringBack(IEnumerable<string> files)
        {
            foreach (var file in files)
                if (away.Remove(file, out var held)) held.Dispose();
        }
    }

    [Theory]
    [InlineData("history.csv", "epoch,seconds\n1,NaN,0,0,0,0\n", "history.csv: cannot be read: row 1")]
    [InlineData("history.csv", "epoch,seconds\n1,2,0,0,0,0\n\0\u0001\u0002", "history.csv: cannot be read: row 2")]
    [InlineData("history.csv", null, "history.csv: cannot be read")]
    [InlineData("config.json", "{\"seed\": NaN}", "config.json: cannot be read as settings")]
    [InlineData("config.json", null, "config.json: cannot be read as settings")]
    [InlineData("last.safetensors", null, "last.safetensors: cannot be read")]
    [InlineData("metrics.json", null, "metrics.json: cannot be removed: it is a folder")]
    [InlineData("report.html", null, "report.html: cannot be removed: it is a folder")]
    // It contains only times, and those of the epochs are in the history.
    [InlineData("time.json", "{\"seconds\": 1e999, \"unfinishedEpoch\": 0}", "")]
    [InlineData("time.json", "\u0001\u0002", "")]
    public async Task ABrokenFileOfARunIsNamed(string file, string? content, string mentions)
    {
        string[] command = [.. TrainedRun.Tiny, "--data", trained.Data, "--out", Run, "--resume"];
        CopyFolder(trained.Folder, Run);
        File.Delete(Path.Combine(Run, file));
        // There is a folder in place of the file.
        if (content is null) Directory.CreateDirectory(Path.Combine(Run, file));
        else File.WriteAllText(Path.Combine(Run, file), content);
        command[Array.IndexOf(command, "--epochs") + 1] = "4";
        var run = await CommandRun.Of(command);
        Assert.True(run.Code == (mentions.Length > 0 ? 2 : 0), $"exit code {run.Code}: {run.Errors}");
        if (mentions.Length > 0) Assert.StartsWith($"error: {Path.Combine(Run, mentions)}", run.ErrorLines[^1]);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
