using System.Globalization;
using System.Text.Json.Nodes;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Evaluate;

/// <summary>The commands that use a trained run (evaluate, predict, summary), and devices.</summary>
[Collection(OnADevice.Name)]
public sealed class ScoringCommandTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static JsonNode Metrics(string run) => JsonNode.Parse(File.ReadAllText(Path.Combine(run, "metrics.json")))!;

    private Task<CommandRun> Evaluate(string data, params string[] more) =>
        CommandRun.Succeeding(["evaluate", "--run", trained.Folder, "--data", data, .. more]);

    private Task<CommandRun> Predict(params string[] more) => CommandRun.Succeeding(["predict", "--run", trained.Folder, .. more]);

    // Without the network's name, which a run's metrics state elsewhere.
    private static JsonObject ScoresOf(CommandRun evaluation)
    {
        var scores = evaluation.Json.AsObject();
        scores.Remove("positive");
        scores.Remove("network");
        return scores;
    }

    [Fact]
    public async Task EvaluateRepeatsTheTestScoresOfTheRun()
    {
        var run = await Evaluate(trained.Data, "--json");
        Assert.Equal(JsonShape.Evaluation, JsonShape.Of(run.Json));
        Assert.True(JsonNode.DeepEquals(Metrics(trained.Folder)["test"], ScoresOf(run)), run.Output);
        Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Images are recognized by their content: the folder may have another name and further images.</summary>
    [Fact]
    public async Task EvaluateSaysHowManyOfTheImagesTheNetworkWasTrainedOn()
    {
        var run = Path.Combine(folder.Path, "split");
        await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", trained.Data, "--split", "patient", "--out", run]);
        string[][] rows = [.. File.ReadLines(Path.Combine(run, "images.csv")).Skip(1).Select(line => line.Split(','))];
        Assert.Equal(36, rows.Length);
        foreach (var row in rows)
            folder.Add($"others/{row[1]}/{row[0]}-{row[2].Replace('/', '-')}", File.ReadAllBytes(Path.Combine(trained.Data, row[2])));
        var scored = await CommandRun.Succeeding("evaluate", "--run", run, "--data", Path.Combine(folder.Path, "others"));
        Assert.Contains($"was trained on {rows.Count(row => row[0] == "train")} of these 36 images", scored.Errors);
        Assert.Contains($"{rows.Count(row => row[0] == "val")} of these 36 images chose", scored.Errors);

        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder.Path, "others"), "*", SearchOption.AllDirectories))
            if (!Path.GetFileName(file).StartsWith("test-", StringComparison.Ordinal)) File.Delete(file);
        scored = await CommandRun.Succeeding("evaluate", "--run", run, "--data", Path.Combine(folder.Path, "others"));
        Assert.DoesNotContain("of these", scored.Errors);

        // The same images with other bytes, as after a conversion, with a weight file and its image list.
        File.Copy(Path.Combine(run, "best.safetensors"), Path.Combine(folder.Path, "kept.safetensors"));
        File.Copy(Path.Combine(run, "images.csv"), Path.Combine(folder.Path, "kept.images.csv"));
        var named = rows.ToLookup(row => $"{row[1]}/{Path.GetFileName(row[2])}");
        foreach (var images in named)
            folder.Add($"converted/{images.Key}", [.. File.ReadAllBytes(Path.Combine(trained.Data, images.First()[2])), 0]);
        scored = await CommandRun.Succeeding("evaluate", "--weights", Path.Combine(folder.Path, "kept.safetensors"), "--data",
            Path.Combine(folder.Path, "converted"));
        // A name that occurs in two parts does not identify an image.
        var known = named.Count(images => images.All(row => row[0] == "train"));
        Assert.InRange(known, 1, named.Count - 1);
        Assert.Contains($"{known} of these {named.Count} images bear names of images that the network was trained on",
            Assert.Single(scored.ErrorLines, line => line.Contains("of these")));
    }

    /// <summary>Weights do not define what their outputs mean; the folders do.</summary>
    [Fact]
    public async Task EvaluateNamesTheClassesOfBareWeightsByTheFolders()
    {
        var bare = Path.Combine(folder.Path, "bare.npz");
        await CommandRun.Succeeding("weights", "export", "--run", trained.Folder, "--out", bare);
        var scored = await CommandRun.Succeeding("evaluate", "--weights", bare, "--data", trained.Data, "--json");
        Assert.Contains("0 = NORMAL, 1 = PNEUMONIA", scored.Errors);
        foreach (var figure in new[] { "n", "accuracy", "auc", "loss", "sensitivity" })
            Assert.Equal((double)Metrics(trained.Folder)["test"]![figure]!, (double)scored.Json[figure]!);
        folder.WithXrays("three", 2);
        Directory.Move(Path.Combine(folder.Path, "three", "NORMAL"), Path.Combine(folder.Path, "other"));
        Assert.Contains("the classes PNEUMONIA, and the model has 2",
            (await CommandRun.Of("evaluate", "--weights", bare, "--data", Path.Combine(folder.Path, "three"))).Errors);
    }

    [Fact]
    public async Task EvaluateAsksTheNetworkOfTheProgramWhereNoneIsNamed()
    {
        var own = await CommandRun.Succeeding("evaluate", "--data", trained.Data, "--json");
        Assert.Equal(JsonShape.Evaluation, JsonShape.Of(own.Json));
        var named = (await CommandRun.Succeeding("evaluate", "--weights", RecommendedModel.Path, "--data", trained.Data, "--json")).Json;
        Assert.True(JsonNode.DeepEquals(own.Json, named));
        Assert.Contains("--weights",
            (await CommandRun.Of("evaluate", "--run", trained.Folder, "--weights", RecommendedModel.Path, "--data", trained.Data)).Errors);
        Assert.True(File.Exists(Path.ChangeExtension(RecommendedModel.Path, "images.csv")), "it does not come with the list of its images");
    }

    [Fact]
    public async Task EvaluateTakesTheMeanOverCopies()
    {
        CommandRun plain = await Evaluate(trained.Data, "--json"),
            one = await Evaluate(trained.Data, "--json", "--test-time-augmentation", "1");
        Assert.Equal(plain.Output, one.Output);
        Assert.DoesNotContain("copies", one.Errors);
        var several = await Evaluate(trained.Data, "--json", "--test-time-augmentation", "4");
        Assert.Equal(JsonShape.Evaluation, JsonShape.Of(several.Json));
        Assert.NotEqual((double)plain.Json["loss"]!, (double)several.Json["loss"]!);
        Assert.Contains("mean of 4 copies of each image", Assert.Single(several.ErrorLines, line => line.Contains("copies")));
        Assert.Equal(several.Output, (await Evaluate(trained.Data, "--json", "--test-time-augmentation", "4")).Output);
    }

    [Fact]
    public async Task EvaluateScoresChangedImagesBesideThePlainOnes()
    {
        JsonNode plain = (await Evaluate(trained.Data, "--json")).Json,
            stressed = (await Evaluate(trained.Data, "--json", "--stress")).Json;
        var changes = stressed["stress"]!.AsArray();
        Assert.Equal(ImageChange.All.Select(change => change.Name), changes.Select(change => (string)change!["change"]!));
        Assert.All(changes, change => Assert.Equal((int)plain["n"]!, (int)change!["scores"]!["n"]!));
        // Each is a different set of images, with different predictions.
        Assert.Equal(changes.Count + 1,
            changes.Select(change => (double)change!["scores"]!["loss"]!).Append((double)plain["loss"]!).Distinct().Count());
        stressed.AsObject().Remove("stress");
        Assert.True(JsonNode.DeepEquals(plain, stressed));
        var table = await Evaluate(trained.Data, "--stress");
        Assert.All(ImageChange.All, change => Assert.Contains(change.Name, table.Output));
    }

    [Fact]
    public async Task TheNetworkThatComesWithTheProgramAnswersWhereNoneIsNamed()
    {
        folder.WithXrays("xrays", 2);
        var answers = (await CommandRun.Succeeding("predict", Path.Combine(folder.Path, "xrays"), "--json")).Json;
        Assert.NotEmpty(answers.AsArray());
        Assert.All(answers.AsArray(), answer =>
        {
            Assert.Contains((string)answer!["class"]!, new[] { "NORMAL", "PNEUMONIA" });
            Assert.Equal((double)answer["probabilities"]![1]! >= 0.81990, (bool)answer["aboveThreshold"]!);
        });
    }

    [Fact]
    public async Task PredictTakesTheMeanOverCopiesWhateverElseIsAsked()
    {
        folder.WithXrays("xrays", 2);
        var single = Path.Combine(folder.Path, "xrays/PNEUMONIA/"
            + Path.GetFileName(Directory.GetFiles(Path.Combine(folder.Path, "xrays/PNEUMONIA")).Order().Last()));
        string[] more = ["--json", "--test-time-augmentation", "5", "--seed", "3"];
        var alone = (await Predict([single, .. more])).Json[0]!;
        var among = (await Predict([Path.Combine(folder.Path, "xrays"), .. more])).Json.AsArray()
            .Single(answer => (string)answer!["path"]! == single)!;
        Assert.Equal((double)alone["probability"]!, (double)among["probability"]!, 1e-5);
        Assert.NotEqual((double)alone["probability"]!, (double)(await Predict([single, "--json"])).Json[0]!["probability"]!);
        foreach (var value in new[] { "0", "-1", "two" })
            Assert.Contains("--test-time-augmentation", Assert.Single(
                (await CommandRun.Of("predict", "--run", trained.Folder, single, "--test-time-augmentation", value)).ErrorLines));
    }

    [Fact]
    public async Task EvaluateScoresThePartThatIsNamed()
    {
        var run = await Evaluate(trained.Data, "--part", "train", "--json");
        Assert.Equal(24, (int)run.Json["n"]!);
        var missing = await CommandRun.Of("evaluate", "--run", trained.Folder, "--data", trained.Data, "--part", "val");
        Assert.Equal((2, ""), (missing.Code, missing.Output));
        Assert.Contains("no part val", Assert.Single(missing.ErrorLines));
    }

    [Fact]
    public async Task EvaluateScoresAFlatFolderWhole()
    {
        folder.WithXrays("flat", 4, seed: 3);
        var data = Path.Combine(folder.Path, "flat");
        Assert.Equal(8, (int)(await Evaluate(data, "--json")).Json["n"]!);
        var table = await Evaluate(data);
        Assert.Contains("Not for clinical use.", table.Output);
        Assert.Contains("AUC", table.Output);
        Assert.DoesNotContain(table.Output, c => char.IsControl(c) && c != '\n');
    }

    [Theory]
    [InlineData("NORMAL", "specificity", "sensitivity")]
    [InlineData("PNEUMONIA", "sensitivity", "specificity")]
    public async Task EvaluateLeavesFiguresOfAnAbsentClassNull(string present, string known, string unknown)
    {
        folder.WithXrays("both", 3);
        Directory.Move(Path.Combine(folder.Path, "both", present), Directory.CreateDirectory(Path.Combine(folder.Path, "one")).FullName
            + "/" + present);
        var scores = (await Evaluate(Path.Combine(folder.Path, "one"), "--json")).Json;
        Assert.Equal(3, (int)scores["n"]!);
        foreach (var figure in new[] { "auc", "auc95", unknown }) Assert.Null(scores[figure]);
        Assert.Equal((double)scores["accuracy"]!, (double)scores[known]!);
    }

    [Fact]
    public async Task PredictAnswersInTheDocumentedShape()
    {
        folder.WithXrays("xrays", 2);
        var single = Path.Combine(folder.Path, "xrays/NORMAL/IM-0000-0001.png");
        var run = await Predict(single, Path.Combine(folder.Path, "xrays"), "--json");
        Assert.Equal("[{path:string,class:string,probability:number,probabilities:[number],aboveThreshold:boolean,classes:[string],"
            + "positive:string,positiveProbability:number,threshold:number,verdict:string,network:string}]",
            JsonShape.Of(run.Json));
        Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(5, run.Json.AsArray().Count);
        var threshold = (double)Metrics(trained.Folder)["threshold"]!;
        foreach (var answer in run.Json.AsArray())
        {
            double[] probabilities = [.. answer!["probabilities"]!.AsArray().Select(p => (double)p!)];
            Assert.Equal(1, probabilities.Sum(), 1e-6);
            Assert.Equal(probabilities.Max(), (double)answer["probability"]!);
            Assert.Equal(new[] { "NORMAL", "PNEUMONIA" }[Array.IndexOf(probabilities, probabilities.Max())], (string)answer["class"]!);
            Assert.Equal(probabilities[1] >= threshold, (bool)answer["aboveThreshold"]!);
            Assert.Equal(["NORMAL", "PNEUMONIA"], answer["classes"]!.AsArray().Select(name => (string)name!));
            Assert.Equal("PNEUMONIA", (string)answer["positive"]!);
            Assert.Equal(probabilities[1], (double)answer["positiveProbability"]!);
            Assert.Equal(threshold, (double)answer["threshold"]!);
            Assert.Equal(probabilities[1] >= threshold ? "PNEUMONIA" : "NORMAL", (string)answer["verdict"]!);
        }
        // The image that was named twice gets the same prediction twice.
        JsonNode[] same = [.. run.Json.AsArray().Where(answer => (string)answer!["path"]! == single).Select(answer => answer!)];
        Assert.Equal(2, same.Length);
        Assert.True(JsonNode.DeepEquals(same[0], same[1]));
    }

    [Fact]
    public async Task PredictTellsPeopleTheClassAndWhatItIsNotFor()
    {
        folder.WithXrays("xrays", 1);
        var run = await Predict(Path.Combine(folder.Path, "xrays"));
        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"IM-0000-0001\.png: P\(PNEUMONIA\) [0-9.]+ % (< [0-9.]+ % → NORMAL|≥ [0-9.]+ % → PNEUMONIA)$", lines[0]);
        // The network and its threshold are printed once.
        Assert.Contains($"network: {trained.Folder}; its threshold", Assert.Single(run.ErrorLines, line => line.Contains("threshold")));
        Assert.Equal("Not for clinical use.", lines[^1]);
    }

    [Fact]
    public async Task PredictWritesATable()
    {
        folder.WithXrays("a, b", 1);
        var csv = Path.Combine(folder.Path, "answers.csv");
        var run = await Predict(Path.Combine(folder.Path, "a, b"), "--csv", csv, "--json");
        var lines = File.ReadAllLines(csv);
        Assert.Equal("file,verdict,positive,positive_probability,threshold,error,NORMAL,PNEUMONIA,path,class,probability,aboveThreshold",
            lines[0]);
        var rows = CsvText.Records(File.ReadAllText(csv));
        Assert.Equal(3, rows.Count);
        var fields = rows[1];
        var first = run.Json[0]!;
        Assert.Equal((string)first["path"]!, fields[0]);
        Assert.Equal((string)first["verdict"]!, fields[1]);
        Assert.Equal("PNEUMONIA", fields[2]);
        Assert.Equal((double)first["positiveProbability"]!, double.Parse(fields[3], CultureInfo.InvariantCulture));
        Assert.Equal((double)first["threshold"]!, double.Parse(fields[4], CultureInfo.InvariantCulture));
        Assert.Equal("", fields[5]);
        Assert.Equal((double)first["probabilities"]![0]!, double.Parse(fields[6], CultureInfo.InvariantCulture));
        Assert.Equal((double)first["probabilities"]![1]!, double.Parse(fields[7], CultureInfo.InvariantCulture));
        Assert.Equal((string)first["class"]!, fields[9]);
        Assert.Equal((double)first["probability"]!, double.Parse(fields[10], CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task ATableThatIsALinkStaysOne()
    {
        string image = Directory.EnumerateFiles(Path.Combine(trained.Data, "test", "NORMAL")).First(),
            table = Path.Combine(folder.Path, "table.csv"), link = Path.Combine(folder.Path, "link.csv");
        folder.Add("table.csv", "before");
        File.CreateSymbolicLink(link, table);
        await CommandRun.Succeeding("predict", "--run", trained.Folder, "--csv", link, image);
        Assert.Equal(table, new FileInfo(link).LinkTarget);
        Assert.StartsWith("file,verdict,positive", File.ReadAllText(table));
    }

    [Fact]
    public async Task GrayColourAnd16BitImagesGetTheSameAnswer()
    {
        var gray = new SyntheticXrays(5, ImagePart.Test).Draw(1, 24);
        byte[] colour = [.. gray.SelectMany(value => new[] { value, value, value })];
        // The lower byte is noise that an 8-bit reader must not round up.
        ushort[] deep = [.. gray.Select((value, i) => (ushort)(value << 8 | i * 37 & 0xFF))];
        string[] paths =
        [
            folder.Add("gray.png", PngWriter.Encode(gray, 24, 24, 1)),
            folder.Add("colour.PNG", PngWriter.Encode(colour, 24, 24, 3)),
            folder.Add("deep.png", PngWriter.Encode16(deep, 24, 24, 1)),
        ];
        var answers = (await Predict([.. paths, "--json"])).Json.AsArray();
        Assert.Equal(3, answers.Count);
        Assert.Single(answers.Select(answer => answer!["probabilities"]!.ToJsonString()).Distinct());
    }

    [Fact]
    public async Task ThreeClassesAreTrainedScoredAndPredicted()
    {
        folder.WithXrays("data/train", 12).WithXrays("data/test", 6, seed: 2);
        string data = Path.Combine(folder.Path, "data"), run = Path.Combine(folder.Path, "run");
        await CommandRun.Succeeding([.. TrainedRun.Tiny, "--data", data, "--labels", "three", "--out", run]);
        var metrics = Metrics(run);
        Assert.Equal("[[number]]", JsonShape.Of(metrics["test"]!["confusion"]));
        Assert.Equal(3, metrics["test"]!["confusion"]!.AsArray().Count);
        Assert.Equal(12, metrics["test"]!["confusion"]!.AsArray().Sum(row => row!.AsArray().Sum(count => (int)count!)));
        Assert.Null(metrics["threshold"]);
        Assert.Null(metrics["test"]!["atThreshold"]);
        Assert.InRange((double)metrics["test"]!["auc"]!, 0, 1);

        // The labels come from the run: evaluate needs no option for them.
        var scores = await CommandRun.Succeeding("evaluate", "--run", run, "--data", data, "--json");
        Assert.True(JsonNode.DeepEquals(metrics["test"], ScoresOf(scores)), scores.Output);
        var answers = await CommandRun.Succeeding("predict", "--run", run, Path.Combine(data, "test"), "--json");
        Assert.Equal(12, answers.Json.AsArray().Count);
        Assert.All(answers.Json.AsArray(), answer => Assert.Equal(3, answer!["probabilities"]!.AsArray().Count));
        Assert.All(answers.Json.AsArray(), answer => Assert.Contains((string)answer!["class"]!, new[] { "BACTERIAL", "NORMAL", "VIRAL" }));
        Assert.All(answers.Json.AsArray(), answer => Assert.Null(answer!["aboveThreshold"]));
        Assert.All(answers.Json.AsArray(), answer => Assert.Equal((string)answer!["class"]!, (string)answer["verdict"]!));
        Assert.All(new[] { "positive", "positiveProbability", "threshold" },
            field => Assert.All(answers.Json.AsArray(), answer => Assert.Null(answer![field])));
    }

    [Fact]
    public async Task SummaryCountsWhatTrainingTrains()
    {
        var run = (await CommandRun.Succeeding("summary", "--run", trained.Folder, "--json")).Json;
        var model = (await CommandRun.Succeeding("summary", "--model", "mlp", "--pixels", "24", "--json")).Json;
        Assert.True(JsonNode.DeepEquals(run, model));
        Assert.Equal((long)Metrics(trained.Folder)["parameters"]!, (long)run["parameters"]!);
        Assert.Equal((long)run["parameters"]!, run["layers"]!.AsArray().Sum(layer => (long)layer!["parameters"]!));
        var compact = await CommandRun.Succeeding("summary");
        Assert.Contains("505,105 parameters", compact.Output);
        Assert.Equal("", compact.Errors);
        Assert.Contains("3,453,121 parameters", (await CommandRun.Succeeding("summary", "--model", "cnn")).Output);
    }

    [Fact]
    public async Task DevicesListsTheChosenOneWithItsSelfTest()
    {
        var json = (await CommandRun.Succeeding("devices", "--json")).Json;
        Assert.Equal("{devices:[{name:string,kind:string,memoryMiB:number,driver:string,chosen:boolean,selfTest:string}],"
            + "chosen:string,reason:string}",
            JsonShape.Of(json));
        var chosen = Assert.Single(json["devices"]!.AsArray(), device => (bool)device!["chosen"]!)!;
        Assert.Equal((string)json["chosen"]!, (string)chosen["name"]!);
        Assert.Equal("passed", (string)chosen["selfTest"]!);
        // Every machine has ILGPU's own device.
        Assert.Contains(json["devices"]!.AsArray(), device => (string)device!["kind"]! == "cpu");
        var text = await CommandRun.Succeeding("devices", "--device", "cpu");
        Assert.Contains("chosen: ILGPU CPU", text.Output);
        Assert.Contains("asked for by --device cpu", text.Output);
    }
}
