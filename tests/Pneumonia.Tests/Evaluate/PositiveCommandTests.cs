using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Evaluate;

/// <summary>The positive class, in every command that shows its metrics.</summary>
[Collection(OnADevice.Name)]
public sealed class PositiveCommandTests : IDisposable
{
    private static readonly string[] tiny =
        ["train", "--model", "mlp", "--pixels", "24", "--batch", "4", "--optimizer", "adam", "--learning-rate", "1e-3"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Under(string name) => Path.Combine(folder.Path, name);

    // Twenty images of each class, with brighter ill ones: a network learns that quickly, with a few mistakes.
    private string Data(string name, string ill, string well)
    {
        const int Side = 24;
        var random = new Random(4);
        foreach (var (label, gray) in new[] { (ill, 150), (well, 100) })
            for (var i = 0; i < 20; i++)
            {
                var own = gray + random.Next(-30, 31);
                byte[] pixels = [.. Enumerable.Range(0, Side * Side).Select(_ => (byte)(own + random.Next(-40, 41)))];
                folder.Add($"{name}/{label}/IM-{label.Length}{i:D3}-0001.png", PngWriter.Encode(pixels, Side, Side, 1));
            }
        return Under(name);
    }

    private async Task<(JsonNode Metrics, JsonNode Config, CommandRun Run, string Folder)> Train(string data, params string[] more)
    {
        var run = Under($"run-{Guid.NewGuid():N}");
        var trained = await CommandRun.Succeeding([.. tiny, "--epochs", "8", "--data", data, "--out", run, .. more]);
        return (JsonNode.Parse(File.ReadAllText(Path.Combine(run, "metrics.json")))!,
            JsonNode.Parse(File.ReadAllText(Path.Combine(run, "config.json")))!, trained, run);
    }

    [Fact]
    public async Task TheIllnessIsPositiveThoughItSortsFirst()
    {
        var data = Data("covid", "COVID", "NORMAL");
        var (metrics, config, run, trained) = await Train(data);
        Assert.Equal("COVID", (string)metrics["positive"]!);
        Assert.Equal("COVID", (string)config["positive"]!);
        Assert.Contains("positive class: COVID, because NORMAL means healthy", run.ErrorLines);
        Assert.Contains("positive: COVID", run.Output);
        var report = File.ReadAllText(Path.Combine(trained, "report.html"));
        Assert.Contains("<dt>Positive class</dt><dd>COVID, because NORMAL means healthy</dd>", report);
        Assert.Contains("of whom 50 are COVID", report);
        var ill = Directory.GetFiles(Path.Combine(data, "COVID")).Length;
        var scores = (await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--json")).Json;
        Assert.Equal("COVID", (string)scores["positive"]!);
        Assert.Equal(ill, (int)scores["confusion"]!["tp"]! + (int)scores["confusion"]!["fn"]!);
        var predicted = (await CommandRun.Succeeding("predict", "--run", trained, Path.Combine(data, "COVID"), "--json")).Json;
        Assert.Equal((double)scores["atThreshold"]!["sensitivity"]! * ill,
            predicted.AsArray().Count(image => (string)image!["verdict"]! == "COVID"), 1e-9);
        Assert.All(predicted.AsArray(), image => Assert.Equal((double)image!["probabilities"]![0]!, (double)image["positiveProbability"]!));
    }

    [Fact]
    public async Task TheUserSaysWhichIsPositiveAndEverythingTurnsRound()
    {
        var data = Data("own", "ILL", "WELL");
        var (plain, _, guessed, trained) = await Train(data);
        // These two names decide nothing; the last one is used, with a message.
        Assert.Equal("WELL", (string)plain["positive"]!);
        Assert.Contains("a guess: it is the last by name",
            Assert.Single(guessed.ErrorLines, line => line.StartsWith("positive class", StringComparison.Ordinal)));
        var (asked, _, said, _) = await Train(data, "--positive", "ill");
        Assert.Equal("ILL", (string)asked["positive"]!);
        Assert.Contains("positive class: ILL, as --positive says", said.ErrorLines);
        // With the other positive class, sensitivity and specificity are swapped, and the threshold, chosen for WELL, is not used.
        var well = (await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--json")).Json;
        var turned = await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--positive", "ILL", "--json");
        Assert.Equal((double)well["sensitivity"]!, (double)turned.Json["specificity"]!);
        Assert.Equal((double)well["specificity"]!, (double)turned.Json["sensitivity"]!);
        Assert.Equal((double)well["auc"]!, (double)turned.Json["auc"]!, 1e-12);
        Assert.Equal((double)well["loss"]!, (double)turned.Json["loss"]!);
        Assert.Null(turned.Json["atThreshold"]);
        Assert.Contains("was chosen for WELL and is not used", turned.Errors);
        Assert.Contains("is not a class; the classes are",
            Assert.Single((await CommandRun.Of("evaluate", "--run", trained, "--data", data, "--positive", "TB")).ErrorLines));
        Assert.Contains("--positive TB: is not a class",
            Assert.Single((await CommandRun.Of([.. tiny, "--data", data, "--positive", "TB"])).ErrorLines));
        Assert.Contains("synthetic images have PNEUMONIA",
            Assert.Single((await CommandRun.Of([.. tiny, "--positive", "NORMAL"])).ErrorLines));
    }

    /// <summary>Other tools number classes by sorted folder names, where the capital letter of Pneumonia comes before normal.</summary>
    [Fact]
    public async Task WeightsWithoutClassNamesAreMatchedInTheOrderOfNames()
    {
        string made = Data("made", "a", "b"), other = Data("other", "Pneumonia", "normal"), bare = Under("bare.npz");
        // For its authors, 0 = the illness, 1 = normal. The single logit is for the second.
        var (_, _, _, trained) = await Train(made, "--positive", "b");
        await CommandRun.Succeeding("weights", "export", "--run", trained, "--out", bare);
        var own = (await CommandRun.Succeeding("evaluate", "--run", trained, "--data", made, "--json")).Json;
        var auc = (double)own["auc"]!;
        Assert.InRange(auc, 0.8, 1);
        var matched = await CommandRun.Succeeding("evaluate", "--weights", bare, "--data", other, "--json");
        Assert.Contains("0 = Pneumonia, 1 = normal", Assert.Single(matched.ErrorLines, line => line.Contains("does not name its classes")));
        Assert.Equal("Pneumonia", (string)matched.Json["positive"]!);
        Assert.Equal(auc, (double)matched.Json["auc"]!, 1e-12);
        // Here the positive class is the first output: the specificity of "b" is the sensitivity of Pneumonia.
        Assert.Equal((double)own["specificity"]!, (double)matched.Json["sensitivity"]!);
        Assert.DoesNotContain("swapped", matched.Errors);

        var swapped = await CommandRun.Succeeding("evaluate", "--weights", bare, "--data",
            other, "--classes", "normal,Pneumonia", "--json");
        Assert.Equal(1 - auc, (double)swapped.Json["auc"]!, 1e-12);
        Assert.Contains("probably swapped: try --classes Pneumonia,normal",
            Assert.Single(swapped.ErrorLines, line => line.Contains("contradict the labels")));

        var named = await CommandRun.Succeeding("predict", "--weights", bare, "--classes", "Pneumonia,normal",
            Path.Combine(other, "Pneumonia"), "--json");
        Assert.All(named.Json.AsArray(), image => Assert.Equal("Pneumonia", (string)image!["positive"]!));
        Assert.True(named.Json.AsArray().Average(image => (double)image!["positiveProbability"]!) > 0.5);

        // The same sentence about the same image, also on the page.
        string ill = Directory.GetFiles(Path.Combine(other, "Pneumonia"))[0], explained = Under("explained");
        var prediction = (await CommandRun.Succeeding("predict", "--weights", bare, "--classes", "Pneumonia,normal", ill))
            .Output.Split('\n')[0][$"{ill}: ".Length..].Trim();
        Assert.StartsWith("P(Pneumonia) ", prediction);
        var explain = await CommandRun.Succeeding("explain", "--weights", bare, "--classes", "Pneumonia,normal", "--out", explained, ill);
        Assert.Contains(prediction, explain.Output);
        Assert.Contains(System.Net.WebUtility.HtmlEncode(prediction), File.ReadAllText(Path.Combine(explained, "index.html")));
        foreach (var (value, message) in new[] { ("A", "two or more different names"), ("A,A", "two or more different names"),
            ("A,B,C", "has 2 classes") })
            Assert.Contains(message, Assert.Single((await CommandRun.Of("predict", "--weights", bare, "--classes", value, other))
                .ErrorLines, line => line.StartsWith("error", StringComparison.Ordinal)));
        Assert.Contains("already names its classes",
            Assert.Single((await CommandRun.Of("predict", "--run", trained, "--classes", "A,B", other)).ErrorLines));
    }

    /// <summary>A file with tensors only has its classes in the order of their names, even if the positive one is first.</summary>
    [Fact]
    public async Task ExportedTensorsAreInTheOrderOfTheNames()
    {
        string data = Data("covid", "COVID", "NORMAL"), bare = Under("bare.npz");
        var (_, _, _, trained) = await Train(data);
        Assert.Contains("0 = COVID, 1 = NORMAL",
            (await CommandRun.Succeeding("weights", "export", "--run", trained, "--out", bare)).Output);
        var own = (await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--json")).Json;
        var matched = await CommandRun.Succeeding("evaluate", "--weights", bare, "--data", data, "--json");
        Assert.Equal("COVID", (string)matched.Json["positive"]!);
        foreach (var figure in new[] { "auc", "loss", "accuracy", "sensitivity", "specificity" })
            Assert.Equal((double)own[figure]!, (double)matched.Json[figure]!, 1e-6);
        Assert.DoesNotContain("swapped", matched.Errors);
    }

    /// <summary>A run of a version that used NORMAL as the positive class continues that way, or is refused.</summary>
    [Fact]
    public async Task ARunWithAnotherPositiveClassIsNotResumedWithItsLabelsSwapped()
    {
        var data = Data("covid", "COVID", "NORMAL");
        var (_, _, _, run) = await Train(data, "--positive", "NORMAL");
        var config = Path.Combine(run, "config.json");
        var old = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        old.Remove("positive");
        File.WriteAllText(config, old.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        string[] resume = [.. tiny, "--epochs", "9", "--data", data, "--out", run, "--resume"];
        var refused = await CommandRun.Of(resume);
        Assert.Equal(2, refused.Code);
        Assert.Contains("add --positive NORMAL", Assert.Single(refused.ErrorLines));
        Assert.Contains("best epoch", (await CommandRun.Succeeding([.. resume, "--positive", "NORMAL"])).Output);
    }

    [Fact]
    public async Task EvaluateWritesAReportScoresAndPredictions()
    {
        string data = Data("covid", "COVID", "NORMAL"), output = Under("scored");
        var (_, _, _, trained) = await Train(data);
        folder.Add("covid/NORMAL/broken.png", "no image");
        var run = await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--out", output, "--json");
        Assert.Equal(["predictions.csv", "report.html", "scores.json"],
            Directory.GetFileSystemEntries(output).Select(Path.GetFileName).Order());
        Assert.True(JsonNode.DeepEquals(run.Json, JsonNode.Parse(File.ReadAllText(Path.Combine(output, "scores.json")))));
        var rows = CsvText.Records(File.ReadAllText(Path.Combine(output, "predictions.csv")));
        Assert.Equal(["file", "label", "verdict", "positive", "positive_probability", "threshold", "error", "COVID", "NORMAL", "path",
            "class", "probability", "aboveThreshold"], rows[0]);
        Assert.Equal(1 + 41, rows.Count);
        string[][] scored = [.. rows.Skip(1).Where(row => row[6].Length == 0)];
        Assert.Equal((int)run.Json["n"]!, scored.Length);
        // The table contains the data behind the metrics.
        Assert.Equal((double)run.Json["atThreshold"]!["accuracy"]!, scored.Count(row => row[1] == row[2]) / (double)scored.Length, 1e-12);
        Assert.Equal("NORMAL/broken.png", Assert.Single(rows.Skip(1), row => row[6].Length > 0)[0]);
        var report = File.ReadAllText(Path.Combine(output, "report.html"));
        foreach (var part in new[] { "40 images", "covid", "Not for clinical use.", "<svg", "At threshold "
            + "&#189;, images", "broken.png", "COVID, as in its training" }) Assert.Contains(part, report,
                StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("NaN", report);

        var again = await CommandRun.Of("evaluate", "--run", trained, "--data", data, "--out", output);
        Assert.Equal(2, again.Code);
        Assert.Contains("exists already", Assert.Single(again.ErrorLines));
        var few = await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--limit", "10", "--json");
        Assert.Equal(10, (int)few.Json["n"]!);
        Assert.Contains("limited to 10 of 41 images", few.Errors);
        Assert.True(JsonNode.DeepEquals(few.Json,
            (await CommandRun.Succeeding("evaluate", "--run", trained, "--data", data, "--limit", "10", "--json")).Json));
    }

    [Fact]
    public async Task OneBadImageDoesNotCostTheOthersTheirPredictions()
    {
        string data = Data("covid", "COVID", "NORMAL"), csv = Under("p.csv");
        var (_, _, _, trained) = await Train(data);
        var bad = folder.Add("covid/COVID/cut.png", File.ReadAllBytes(Directory.GetFiles(Path.Combine(data, "COVID"))[0])[..200]);
        var run = await CommandRun.Of("predict", "--run", trained, Path.Combine(data, "COVID"), "--csv", csv, "--json");
        Assert.Equal(2, run.Code);
        Assert.Equal(21, run.Json.AsArray().Count);
        var item = Assert.Single(run.Json.AsArray(), image => image!["error"] is not null)!;
        Assert.Equal(["path", "error"], item.AsObject().Select(member => member.Key));
        Assert.Equal(bad, (string)item["path"]!);
        Assert.StartsWith($"error: {bad}: ", Assert.Single(run.ErrorLines, line => line.StartsWith("error", StringComparison.Ordinal)));
        Assert.DoesNotContain("remove it", run.Errors);
        var rows = CsvText.Records(File.ReadAllText(csv));
        Assert.Equal(22, rows.Count);
        Assert.Equal((string)item["error"]!, Assert.Single(rows, row => row[0] == bad)[5]);
        var text = await CommandRun.Of("predict", "--run", trained, Path.Combine(data, "COVID"));
        Assert.Equal((2, 21), (text.Code, text.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        var explained = await CommandRun.Of("explain", "--run", trained, bad, "--out", Under("explained"));
        Assert.Equal(2, explained.Code);
        Assert.False(Directory.Exists(Under("explained")));
    }
}
