using System.Net;
using System.Text.Json.Nodes;
using Convolve.Pneumonia.Experiments;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Experiments;

/// <summary>The command from its options to its tables, on a few synthetic images.</summary>
[Collection(OnADevice.Name)]
public sealed class ExperimentsTests : IDisposable
{
    private const string Row =
        "{id:string,published:{testLoss:number,testAccuracy:number,hours:number,secondRun:{testLoss:null,testAccuracy:number}},test:"
        + JsonShape.ScoreBlock + ",minutes:number,epochs:number,plannedEpochs:number,epochsScale:number,split:string,"
        + "images:{kind:string,train:number,val:number,test:number},device:string,note:string";

    private readonly TemporaryFolder folder = new();
    private readonly string? cache = Environment.GetEnvironmentVariable("CONVOLVE_CACHE");

    public ExperimentsTests()
    {
        Environment.SetEnvironmentVariable("CONVOLVE_CACHE", Of("cache"));
        folder.WithXrays("data", 20);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("CONVOLVE_CACHE", cache);
        folder.Dispose();
    }

    private string Of(params string[] names) => Path.Combine([folder.Path, .. names]);

    private string[] Command(string output, string options) =>
        ["experiments", "--data", Of("data"), "--out", Of(output), .. options.Split(' ')];

    private async Task<string> Refused(string output, string options)
    {
        var before = folder.Listing();
        var run = await CommandRun.Of(Command(output, options));
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Equal(before, folder.Listing());
        return Assert.Single(run.ErrorLines);
    }

    private byte[] Best(params string[] run) => File.ReadAllBytes(Path.Combine(Of(run), "best.safetensors"));

    [Fact]
    public async Task ARowIsTrainedOnceGoesOnWithMoreEpochsAndStandsInEveryTable()
    {
        const string options = "--only mlp --limit 4 --json --epochs-scale";
        var first = await CommandRun.Succeeding(Command("out", options + " 0.05"));
        Assert.Equal($"[{Row}}}]", JsonShape.Of(first.Json));
        var row = first.Json[0]!;
        Assert.Equal(("mlp", 2, 2, 0.05, "patient"),
            ((string)row["id"]!, (int)row["epochs"]!, (int)row["plannedEpochs"]!, (double)row["epochsScale"]!, (string)row["split"]!));
        Assert.Equal("split patient, published reference; epochs × 0.05; at most 4 images of each part", (string)row["note"]!);
        Assert.Equal((0.1858, 0.9470, 0.17),
            ((double)row["published"]!["testLoss"]!, (double)row["published"]!["testAccuracy"]!, (double)row["published"]!["hours"]!));

        Assert.True(JsonNode.DeepEquals(first.Json, JsonNode.Parse(File.ReadAllText(Of("out", ExperimentFiles.Json)))));
        string page = WebUtility.HtmlDecode(File.ReadAllText(Of("out", ExperimentFiles.Page))),
            markdown = File.ReadAllText(Of("out", ExperimentFiles.Markdown));
        Assert.Contains("href=\"mlp/report.html\"", page);
        Assert.Contains("(mlp/report.html)", markdown);
        Assert.True(File.Exists(Of("out", "mlp", "report.html")));
        Assert.DoesNotContain("http", page);
        foreach (var table in new[] { page, markdown })
            foreach (var part in new[] { "mlp", "0.9470", "2/2", "0.17 h", "epochs × 0.05", "Not for clinical use." })
                Assert.Contains(part, table);

        var before = folder.Listing();
        var again = await CommandRun.Succeeding(Command("out", options + " 0.05"));
        Assert.Equal(first.Output, again.Output);
        Assert.Equal(before, folder.Listing());
        Assert.Contains("finished before", Assert.Single(again.ErrorLines));

        var longer = await CommandRun.Succeeding(Command("out", options + " 0.1"));
        Assert.Equal(["epoch 3/4", "epoch 4/4"],
            longer.ErrorLines.Where(line => line.StartsWith("epoch ", StringComparison.Ordinal)).Select(line => line[..9]));
        await CommandRun.Succeeding(Command("whole", options + " 0.1"));
        Assert.Equal(Best("whole", "mlp"), Best("out", "mlp"));

        Assert.Contains("has 4 epochs already", await Refused("out", options + " 0.05"));
        Assert.Contains("was started with limit 4, not 6", await Refused("out", options.Replace("4", "6") + " 0.1"));
    }

    [Fact]
    public async Task AStoppedRowGoesOn()
    {
        const string options = "--only mlp --limit 4 --epochs-scale 0.1";
        var stopped = await CommandRun.StoppedAt("epoch 2/", TimeSpan.Zero, Command("out", options));
        Assert.Equal(130, stopped.Code);
        Assert.Contains(stopped.ErrorLines, line => line.EndsWith("continue with the same command", StringComparison.Ordinal));
        var resumed = await CommandRun.Succeeding(Command("out", options));
        Assert.Equal(["epoch 3/4", "epoch 4/4"],
            resumed.ErrorLines.Where(line => line.StartsWith("epoch ", StringComparison.Ordinal)).Select(line => line[..9]));
        var whole = await CommandRun.Succeeding(Command("whole", options));
        Assert.Equal(Best("whole", "mlp"), Best("out", "mlp"));
        foreach (var part in new[] { "mlp", "0.9470", "4/4", "table.html" }) Assert.Contains(part, whole.Output);
    }

    [Fact]
    public async Task SeveralSeedsHaveRunsOfTheirOwnAMeanAndADeviation()
    {
        var run = await CommandRun.Succeeding(Command("out", "--only mlp --limit 4 --epochs-scale 0.01 --seeds 3 --json"));
        var row = Assert.Single(run.Json.AsArray())!;
        double[] losses = [.. row["seeds"]!.AsArray().Select(seed => (double)seed!["test"]!["loss"]!)];
        Assert.Equal(["1 mlp", "2 mlp-seed2", "3 mlp-seed3"], row["seeds"]!.AsArray().Select(seed => $"{seed!["seed"]} {seed["run"]}"));
        foreach (var name in new[] { "mlp", "mlp-seed2", "mlp-seed3" }) Assert.True(File.Exists(Of("out", name, "report.html")));
        Assert.Equal(3, losses.Distinct().Count());
        Assert.Equal(losses.Average(), (double)row["mean"]!["loss"]!, 1e-12);
        Assert.Equal(Math.Sqrt(losses.Sum(loss => Math.Pow(loss - losses.Average(), 2)) / 2),
            (double)row["standardDeviation"]!["loss"]!, 1e-12);
        Assert.Contains("±", File.ReadAllText(Of("out", ExperimentFiles.Markdown)));
        Assert.Contains("3 seeds", File.ReadAllText(Of("out", ExperimentFiles.Page)));

        // The console shows the requested rows, the files show all rows in the folder.
        var second = await CommandRun.Succeeding(Command("out", "--only mlp --limit 4 --epochs-scale 0.01 --seed 2 --json"));
        Assert.Null(second.Json[0]!["seeds"]);
        Assert.Equal(losses[1], (double)second.Json[0]!["test"]!["loss"]!);
        Assert.Equal(3, JsonNode.Parse(File.ReadAllText(Of("out", ExperimentFiles.Json)))![0]!["seeds"]!.AsArray().Count);

        // A mean over seeds is over runs that differ only in the seed.
        Assert.Contains("was started with limit 4, not 6", await Refused("out", "--only mlp --limit 6 --epochs-scale 0.01 --seed 4"));
        Assert.Contains("is of 1 epochs, not 2", await Refused("out", "--only mlp --limit 4 --epochs-scale 0.05 --seed 4"));
        Assert.Contains("was started with split patient, not random",
            await Refused("out", "--only mlp --limit 4 --epochs-scale 0.01 --seed 4 --split random"));
    }

    [Fact]
    public async Task RowsWithoutTheirWeightsSaySoAndKeepNoOtherFromRunning()
    {
        var run = await CommandRun.Succeeding(Command("out", "--only mlp,vgg19-features --limit 4 --epochs-scale 0.01 --json"));
        Assert.Contains(run.ErrorLines,
            line => line.StartsWith("warning: vgg19-features: not run: --weights imagenet", StringComparison.Ordinal));
        Assert.Equal(["mlp", "vgg19-features"], run.Json.AsArray().Select(row => (string)row!["id"]!));
        var missing = run.Json[1]!;
        Assert.Null(missing["test"]);
        Assert.Null(missing["minutes"]);
        Assert.Equal(0, (int)missing["epochs"]!);
        Assert.StartsWith("not run: --weights imagenet: no file here", (string)missing["note"]!);
        Assert.Contains("not run", File.ReadAllText(Of("out", ExperimentFiles.Markdown)));
        Assert.False(Directory.Exists(Of("out", "vgg19-features")));

        Assert.Contains("no file here", await Refused("other", "--only vgg19-features --limit 4"));
        Assert.Contains("no such file", await Refused("other", $"--only mlp,vgg19-features --limit 4 --weights {Of("none.npz")}"));
        folder.Add("file", "x");
        Assert.Contains("is a file", await Refused("file", "--only mlp --limit 4"));
    }
}
