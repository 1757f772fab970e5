using System.Text.Json.Nodes;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Tests.Devices;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Weights;

[Collection(OnADevice.Name)]
public sealed class WeightsCommandTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Of(string name) => Path.Combine(folder.Path, name);

    // A PyTorch network as .safetensors: [out,in,rows,columns] and [out,in].
    private string TorchFile()
    {
        var path = Of("torch.safetensors");
        WeightFile.WriteSafeTensors(path, new()
        {
            ["features.0.weight"] = new([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]),
            ["features.0.bias"] = new([2], [7, 8]),
            ["classifier.0.weight"] = new([1, 8], [1, 2, 3, 4, 5, 6, 7, 8]),
        }, TensorLayout.Unsaid);
        return path;
    }

    [Fact]
    public async Task VerifyListsTensorsAndJsonIsOneDocument()
    {
        var path = TorchFile();
        var run = await CommandRun.Succeeding("weights", "verify", path, "--json");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""
            {"format":"safetensors","tensors":[{"name":"classifier.0.weight","shape":[1,8],"dtype":"float32"},
             {"name":"features.0.bias","shape":[2],"dtype":"float32"},{"name":"features.0.weight","shape":[2,3,1,1],"dtype":"float32"}]}
            """), run.Json), run.Output);
        Assert.Contains("features.0.weight", (await CommandRun.Succeeding("weights", "verify", path)).Output);
    }

    [Fact]
    public async Task ImportChangesTheLayoutUnlessItIsToStay()
    {
        string path = TorchFile(), converted = Of("x.safetensors"), raw = Of("raw.safetensors"), again = Of("again.safetensors");
        await CommandRun.Succeeding("weights", "import", path, "--out", converted);
        await CommandRun.Succeeding("weights", "import", path, "--out", raw, "--raw");
        // Tensors already in Convolve's layout stay unchanged.
        await CommandRun.Succeeding("weights", "import", converted, "--out", again);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(raw));
        Assert.Equal(File.ReadAllBytes(converted), File.ReadAllBytes(again));
        var tensors = WeightFile.Read(converted).Tensors;
        Assert.Equal([1, 1, 3, 2], tensors["features.0.weight"].Shape);
        Assert.Equal([1, 4, 2, 5, 3, 6], tensors["features.0.weight"].Values);
        Assert.Equal([8, 1], tensors["classifier.0.weight"].Shape);
        // Two channels of four pixels each become four pixels of two channels.
        Assert.Equal([1, 5, 2, 6, 3, 7, 4, 8], tensors["classifier.0.weight"].Values);
    }

    [Fact]
    public async Task ExportWritesWhatPredictTakes()
    {
        string whole = Of("model.safetensors"), arrays = Of("model.npz");
        await CommandRun.Succeeding("weights", "export", "--run", trained.Folder, "--out", whole);
        await CommandRun.Succeeding("weights", "export", "--run", trained.Folder, "--out", arrays);
        var best = Checkpoint.Read(Path.Combine(trained.Folder, "best.safetensors")).Parameters;
        foreach (var path in new[] { whole, arrays })
        {
            var read = WeightFile.Read(path).Tensors;
            Assert.Equal(best.Count, read.Count);
            foreach ((var name, var tensor) in best)
            {
                Assert.Equal(tensor.Shape, read[name].Shape);
                Assert.Equal(tensor.Values, read[name].Values);
            }
        }
        var image = Directory.EnumerateFiles(trained.Data, "*.png", SearchOption.AllDirectories).First();
        var byRun = await CommandRun.Succeeding("predict", "--run", trained.Folder, image, "--json");
        var byFile = await CommandRun.Succeeding("predict", "--weights", whole, image, "--json");
        Assert.Equal((double)byRun.Json[0]!["probability"]!, (double)byFile.Json[0]!["probability"]!);
        // For a file with tensors only, network and size are detected, and its classes have numbers.
        var byArrays = await CommandRun.Succeeding("predict", "--weights", arrays, image, "--json");
        Assert.Equal((double)byRun.Json[0]!["probability"]!, (double)byArrays.Json[0]!["probability"]!);
        Assert.Contains((string)byArrays.Json[0]!["class"]!, new[] { "0", "1" });
        Assert.Contains("images of 24 pixels, prepared by rescale", byArrays.Errors);
        var converted = Of("converted.safetensors");
        await CommandRun.Succeeding("weights", "import", arrays, "--out", converted);
        var byImport = await CommandRun.Succeeding("predict", "--weights", converted, image, "--json");
        Assert.Equal(PredictionsOf(byArrays), PredictionsOf(byImport));
        foreach (var wrong in new string[][] { [TorchFile()], [arrays, "--pixels", "25"], [whole, "--pixels", "25"] })
        {
            var refused = await CommandRun.Of(["predict", "--weights", .. wrong, image]);
            Assert.Equal((2, ""), (refused.Code, refused.Output));
            Assert.Contains(wrong[0], Assert.Single(refused.ErrorLines));
        }
    }

    // All tensors of a network in PyTorch's layout, with small distinct numbers.
    private string WholeModel(string file, Sequential network, Func<string, string> rename)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var parameter in network.Parameters)
        {
            float[] values = [.. Enumerable.Range(0, parameter.Shape.Length).Select(i => 0.05f * MathF.Sin(1 + 1.7f * i + tensors.Count))];
            tensors.Add(rename(parameter.Name), new StoredTensor([.. parameter.Shape.Sizes], values));
        }
        WeightFile.WriteSafeTensors(Of(file), tensors, TensorLayout.Convolve);
        return Of(file);
    }

    [SkippableFact]
    public async Task PredictPreparesImagesAsTorchvisionDoesForAFileWithItsNames()
    {
        OpenCl.SkipIfMissing();
        using var network = ReferenceNetworks.Vgg19(16, head: 8, until: "block1_pool");
        var file = WholeModel("torchvision.safetensors", network, name => name
            .Replace("block1_conv1", "features.0").Replace("block1_conv2", "features.2").Replace("dense1", "classifier.0")
                .Replace("logits", "classifier.3")
            .Replace("/kernel", ".weight").Replace("/bias", ".bias"));
        var image = Directory.EnumerateFiles(trained.Data, "*.png", SearchOption.AllDirectories).First();
        var found = await CommandRun.Succeeding("predict", "--weights", file, image, "--json");
        Assert.Contains("images of 16 pixels, prepared by torchvision, because its tensors have the names of torchvision's VGG (--pixels, "
            + "--preprocessing)", found.Errors);
        var asked = await CommandRun.Succeeding("predict", "--weights", file, image, "--json", "--preprocessing", "torchvision");
        Assert.Contains("prepared by torchvision (--pixels, --preprocessing)", asked.Errors);
        Assert.Equal(found.Output, asked.Output);
        var other = await CommandRun.Succeeding("predict", "--weights", file, image, "--json", "--preprocessing", "rescale");
        Assert.Contains("prepared by rescale (--pixels, --preprocessing)", other.Errors);
        Assert.NotEqual((double)found.Json[0]!["probability"]!, (double)other.Json[0]!["probability"]!);
    }

    [Theory]
    [InlineData("caffe")]
    [InlineData("torchvision")]
    public async Task PredictRefusesWhatIsForColoursWhereTheModelReadsGrayImages(string preprocessing)
    {
        using var network = ReferenceNetworks.Mlp(6, channels: 1);
        var file = WholeModel("gray.safetensors", network, name => name);
        var image = Directory.EnumerateFiles(trained.Data, "*.png", SearchOption.AllDirectories).First();
        var run = await CommandRun.Of("predict", "--weights", file, image, "--pixels", "6", "--preprocessing", preprocessing);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains($"--preprocessing {preprocessing}: is for colours, and {file} reads gray images", Assert.Single(run.ErrorLines));
    }

    [Theory]
    [InlineData("best.safetensors")]
    [InlineData("best.safetensors", "--raw")]
    [InlineData("last.safetensors")]
    public async Task AnImportedCheckpointAnswersAsTheOneItWas(string file, params string[] more)
    {
        string given = Path.Combine(trained.Folder, file), imported = Of("imported.safetensors");
        var import = await CommandRun.Succeeding(["weights", "import", given, "--out", imported, .. more]);
        Assert.Contains("checkpoint of Convolve", import.Output);
        Assert.Equal(File.ReadAllBytes(given), File.ReadAllBytes(imported));
        var image = Directory.EnumerateFiles(trained.Data, "*.png", SearchOption.AllDirectories).First();
        var before = await CommandRun.Succeeding("predict", "--weights", given, image, "--json");
        var after = await CommandRun.Succeeding("predict", "--weights", imported, image, "--json");
        Assert.Equal(PredictionsOf(before), PredictionsOf(after));
        Assert.Contains((string)after.Json[0]!["class"]!, new[] { "NORMAL", "PNEUMONIA" });
        Assert.DoesNotContain("does not describe its model", after.Errors);
        if (file == "last.safetensors") return;
        // Including the threshold: the run itself gives the same prediction.
        var byRun = await CommandRun.Succeeding("predict", "--run", trained.Folder, image, "--json");
        Assert.Equal(PredictionsOf(byRun), PredictionsOf(after));
        Assert.NotNull(after.Json[0]!["aboveThreshold"]);
    }

    // Everything except the network's name, which is the file's.
    private static string PredictionsOf(CommandRun run)
    {
        var predictions = run.Json.AsArray();
        foreach (var image in predictions) image!.AsObject().Remove("network");
        return predictions.ToJsonString();
    }

    [Fact]
    public async Task AnImportedCheckpointKeepsWhatIsNotTheDefault()
    {
        // Grayscale, standardized images and an unusual threshold: all of it is in the metadata.
        string image = Directory.EnumerateFiles(trained.Data, "*.png", SearchOption.AllDirectories).First(),
            imported = Of("compact.safetensors");
        await CommandRun.Succeeding("weights", "import", RecommendedModel.Path, "--out", imported);
        Assert.Equal(PredictionsOf(await CommandRun.Succeeding("predict", image, "--json")),
            PredictionsOf(await CommandRun.Succeeding("predict", "--weights", imported, image, "--json")));
    }

    [Fact]
    public async Task ListNamesEveryPublishedFileWithSourceChecksumAndLicence()
    {
        var run = await CommandRun.Succeeding("weights", "list");
        var entries = (await CommandRun.Succeeding("weights", "list", "--json")).Json.AsArray();
        Assert.Equal(WeightCatalogue.Entries.Count, entries.Count);
        foreach (var entry in WeightCatalogue.Entries)
        {
            foreach (var text in new[] { entry.Id, entry.Address, entry.Licence, entry.Md5 ?? entry.Sha256!,
                $"--preprocessing {entry.Preprocessing.ToString().ToLowerInvariant()}" }) Assert.Contains(text, run.Output);
            Assert.EndsWith("/" + entry.File, entry.Address);
            Assert.True(entry.Md5 is { Length: 32 } != entry.Sha256 is { Length: 64 });
        }
    }

    [Fact]
    public async Task AFileThatOnlyHasAPublishedOnesNameIsToldFromIt()
    {
        var published = WeightCatalogue.Entries[0];
        var path = Of(published.File);
        File.Copy(TorchFile(), path);
        var run = await CommandRun.Succeeding("weights", "verify", path, "--json");
        Assert.Contains($"is not the published {published.File}", Assert.Single(run.ErrorLines));
        Assert.Contains($"instead of {published.Bytes}", run.Errors);
        Assert.Contains("its MD5 is", (published with { Bytes = new FileInfo(path).Length }).Difference(path));
        var md5 = Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(File.ReadAllBytes(path)));
        Assert.Null((published with { Bytes = new FileInfo(path).Length, Md5 = md5 }).Difference(path));
    }

    [Theory]
    [InlineData("weights", "list, verify, import, export")]
    [InlineData("weights verify", "which file")]
    [InlineData("weights verify none.h5", "none.h5: no such file")]
    [InlineData("weights verify BROKEN", "is no weight file that can be read")]
    [InlineData("weights import", "which file")]
    [InlineData("weights import TORCH", "--out")]
    [InlineData("weights import TORCH --out x.h5", "--out x.h5: is written as .safetensors")]
    [InlineData("weights import BROKEN --out x.safetensors", "is no weight file")]
    [InlineData("weights import TORCH --out BROKEN/x.safetensors", "cannot be written")]
    [InlineData("weights export --out x.npz", "which run")]
    [InlineData("weights export --run RUN", "where to")]
    [InlineData("weights export --run none --out x.npz", "none")]
    [InlineData("weights export --run RUN --out x.pth", ".safetensors or .npz")]
    public async Task WhatCannotBeIsRefusedInOneLine(string command, string mentions)
    {
        string torch = TorchFile(), broken = folder.Add("broken.pth", "no weights");
        var before = folder.Listing();
        var run = await CommandRun.Of(command.Split(' ').Select(word =>
            word.Replace("TORCH", torch).Replace("BROKEN", broken).Replace("RUN", trained.Folder)));
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(mentions, Assert.Single(run.ErrorLines));
        Assert.Equal(before, folder.Listing());
    }
}
