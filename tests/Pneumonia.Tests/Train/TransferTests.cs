using System.Text.Json.Nodes;
using Convolve.Engine.Randomness;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Tests.Devices;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Tests.Train;

/// <summary>Training from given weights: a frozen base, its features on disk, a head, fine-tuning.</summary>
[Collection(OnADevice.Name)]
public sealed class TransferTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string? cache = Environment.GetEnvironmentVariable("CONVOLVE_CACHE"),
        limit = Environment.GetEnvironmentVariable(FeatureFolder.LimitVariable);

    public TransferTests() => Environment.SetEnvironmentVariable("CONVOLVE_CACHE", Of("cache"));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("CONVOLVE_CACHE", cache);
        Environment.SetEnvironmentVariable(FeatureFolder.LimitVariable, limit);
        folder.Dispose();
    }

    private string Of(string name) => Path.Combine(folder.Path, name);

    // Blocks 1 … blocks of VGG19 with made-up kernels: small enough that activations stay in bounds.
    private string Weights(int blocks)
    {
        using var network = ReferenceNetworks.Vgg19(32, until: $"block{blocks}_pool");
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var parameter in network.Layers.Where(layer => layer.Name.StartsWith("block", StringComparison.Ordinal))
            .SelectMany(layer => layer.Parameters))
        {
            var values = new float[parameter.Shape.Length];
            var key = CounterRandom.Key((uint)tensors.Count);
            for (var i = 0; i < values.Length; i++)
                values[i] = parameter.Shape.Rank == 1 ? 0
                    : (CounterRandom.Bits(key, (uint)i) / (float)uint.MaxValue - 0.5f) * MathF.Sqrt(24f / (9 * parameter.Shape[2]));
            tensors.Add(parameter.Name, new StoredTensor([.. parameter.Shape.Sizes], values));
        }
        WeightFile.WriteNpz(Of($"blocks{blocks}.npz"), tensors);
        return Of($"blocks{blocks}.npz");
    }

    private string[] Head(string run, params string[] more) =>
    [
        "train", "--model", "vgg19", "--pixels", "16", "--until", "block1_pool", "--weights",
            Weights(1), "--head", "8", "--limit", "12", "--batch", "4", "--epochs", "2",
        "--preprocessing", "caffe", "--learning-rate", "1e-3", "--json", "--out", Of(run), .. more,
    ];

    // The same values in torchvision's form: layers by number, kernels [out,in,rows,columns].
    private string TorchvisionWeights()
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach ((var name, var tensor) in WeightFile.Read(Weights(1)).Tensors)
        {
            var layer = name.StartsWith("block1_conv1", StringComparison.Ordinal) ? "features.0" : "features.2";
            if (tensor.Shape is not [var rows, var columns, var inputs, var outputs])
            {
                tensors.Add(layer + ".bias", tensor);
                continue;
            }
            var values = new float[tensor.Values.Length];
            for (var o = 0; o < outputs; o++)
                for (var i = 0; i < inputs; i++)
                    for (var p = 0; p < rows * columns; p++)
                        values[(o * inputs + i) * rows * columns + p] = tensor.Values[(p * inputs + i) * outputs + o];
            tensors.Add(layer + ".weight", new StoredTensor([outputs, inputs, rows, columns], values));
        }
        WeightFile.WriteSafeTensors(Of("torchvision.safetensors"), tensors, TensorLayout.Unsaid);
        return Of("torchvision.safetensors");
    }

    private byte[] Best(string run) => File.ReadAllBytes(Path.Combine(Of(run), "best.safetensors"));

    private JsonNode Config(string run) => JsonNode.Parse(File.ReadAllText(Path.Combine(Of(run), "config.json")))!;

    [SkippableFact]
    public async Task AHeadOnFeaturesLearnsTheSameAgainFromTheCacheAndAfterAStop()
    {
        OpenCl.SkipIfMissing();
        var first = await CommandRun.Succeeding(Head("first", "--features"));
        Assert.Contains("features: 36 computed, 0 found", first.Errors);
        var second = await CommandRun.Succeeding(Head("second", "--features"));
        Assert.Contains("features: 0 computed, 36 found", second.Errors);
        Assert.Equal(Best("first"), Best("second"));
        // The run's file contains base and head; only the head was trained.
        var stored = Checkpoint.Read(Path.Combine(Of("first"), "best.safetensors"));
        var given = WeightFile.Read(Weights(1)).Tensors;
        foreach ((var name, var tensor) in given) Assert.Equal(tensor.Values, stored.Parameters.Single(p => p.Key == name).Value.Values);
        var ofHead = 8 * 8 * 64 * 8 + 8 + 8 + 1;
        Assert.Equal(ofHead, (int)first.Json["trainable"]!);
        Assert.Equal(ofHead + given.Values.Sum(tensor => tensor.Values.Length), (int)first.Json["parameters"]!);

        var stopped = await CommandRun.StoppedAt("epoch 1/2", TimeSpan.Zero, Head("stopped", "--features"));
        Assert.Equal(130, stopped.Code);
        await CommandRun.Succeeding(Head("stopped", "--features", "--resume"));
        Assert.Equal(Best("first"), Best("stopped"));
        // Other preprocessing, other features.
        var rescaled = await CommandRun.Succeeding(
            [.. Head("rescaled", "--features").Where(word => word is not ("--preprocessing" or "caffe"))]);
        Assert.Contains("features: 36 computed, 0 found", rescaled.Errors);
    }

    [SkippableFact]
    public async Task FeaturesBeyondTheLimitAreRemovedAndThatIsSaid()
    {
        OpenCl.SkipIfMissing();
        string[] Folders() => Directory.GetDirectories(Path.Combine(Of("cache"), "features"));
        // 36 files of 8·8·64 numbers and a checksum: 577 KiB.
        var first = await CommandRun.Succeeding(Head("first", "--features"));
        var old = Assert.Single(Folders());
        Assert.DoesNotContain(FeatureFolder.LimitVariable, first.Errors);
        Environment.SetEnvironmentVariable(FeatureFolder.LimitVariable, "0.001");
        string[] rescaled = [.. Head("rescaled", "--features").Where(word => word is not ("--preprocessing" or "caffe"))];
        var second = await CommandRun.Succeeding(rescaled);
        var note = Assert.Single(second.ErrorLines, line => line.Contains(FeatureFolder.LimitVariable));
        Assert.Matches(@"^features: removed \d+ files not used for longest, 1 MiB: .*features may hold 0.001 GiB", note);
        Assert.InRange(Directory.GetFiles(old).Length, 1, 35);
        Environment.SetEnvironmentVariable(FeatureFolder.LimitVariable, "0");
        var third = await CommandRun.Succeeding([.. rescaled.Select(word => word == Of("rescaled") ? Of("again") : word)]);
        Assert.Contains("features: 0 computed, 36 found", third.Errors);
        Assert.Contains("warning: features: ", Assert.Single(third.ErrorLines, line => line.Contains("all in use")));
        Assert.DoesNotContain(old, Folders());
        Assert.Equal(Best("rescaled"), Best("again"));
        foreach (var wrong in new[] { "much", "-1", "NaN" })
        {
            Environment.SetEnvironmentVariable(FeatureFolder.LimitVariable, wrong);
            Assert.Contains($"{FeatureFolder.LimitVariable}: '{wrong}' is not a size",
                await Refused("--model vgg19 --features --weights", Weights(1)));
        }
    }

    [SkippableFact]
    public async Task WhatAHeadLearnedOnFeaturesHoldsForImages()
    {
        OpenCl.SkipIfMissing();
        folder.WithXrays("data/train", 12).WithXrays("data/test", 10, seed: 2);
        string[] withoutLimit = [.. Head("run", "--features", "--data", Of("data")).Where(word => word is not ("--limit" or "12"))];
        var run = await CommandRun.Succeeding(withoutLimit);
        var evaluated = await CommandRun.Succeeding("evaluate", "--run", Of("run"), "--data", Of("data"), "--json");
        Assert.Equal((double)run.Json["test"]!["loss"]!, (double)evaluated.Json["loss"]!, 1e-3);
        Assert.Equal((double)run.Json["test"]!["auc"]!, (double)evaluated.Json["auc"]!, 1e-3);
        Assert.Equal("caffe", (string?)Config("run")["preprocessing"]);
    }

    [SkippableFact]
    public async Task FineTuningStartsFromATrainedHeadAndKeepsItsPreprocessing()
    {
        OpenCl.SkipIfMissing();
        var head = await CommandRun.Succeeding(Head("head"));
        var best = Path.Combine(Of("head"), "best.safetensors");
        string[] tune = ["train", "--model", "vgg19", "--pixels", "16", "--until", "block1_pool", "--head", "8", "--limit", "12", "--batch",
            "4", "--epochs", "1", "--json", "--weights", best];
        var bestEpoch = (int)head.Json["bestEpoch"]!;
        // A rate so small that nothing changes: the validation loss is that of the head.
        var still = await CommandRun.Succeeding([.. tune, "--freeze", "none", "--learning-rate", "1e-12", "--out", Of("still")]);
        Assert.Equal((double)head.Json["epochs"]![bestEpoch - 1]!["valLoss"]!, (double)still.Json["epochs"]![0]!["valLoss"]!, 1e-4);
        Assert.Equal("caffe", (string?)Config("still")["preprocessing"]);
        Assert.Equal((int)still.Json["parameters"]!, (int)still.Json["trainable"]!);

        var tuned = await CommandRun.Succeeding(
            [.. tune, "--freeze", "block1_conv1", "--base-learning-rate", "1e-5", "--learning-rate", "1e-3", "--out", Of("tuned")]);
        Assert.Equal((int)tuned.Json["parameters"]! - (3 * 3 * 3 * 64 + 64), (int)tuned.Json["trainable"]!);
        var before = Checkpoint.Read(best).Parameters.ToDictionary(p => p.Key, p => p.Value.Values);
        var after = Checkpoint.Read(Path.Combine(Of("tuned"), "last.safetensors")).Parameters.ToDictionary(p => p.Key, p => p.Value.Values);
        Assert.Equal(before["block1_conv1/kernel"], after["block1_conv1/kernel"]);
        // RMSprop changes every trained number by a few learning rates.
        Assert.InRange(Moved("block1_conv2/kernel"), 1e-6, 1e-3);
        Assert.InRange(Moved("dense1/kernel"), 1.01e-3, 1e-1);

        double Moved(string name) => before[name].Zip(after[name], (a, b) => Math.Abs((double)a - b)).Max();
    }

    [SkippableFact]
    public async Task WeightsOfTorchvisionGetItsPreprocessingUnlessAnotherIsAskedFor()
    {
        OpenCl.SkipIfMissing();
        const string remark =
            "images are prepared by torchvision, because its tensors have the names of torchvision's VGG (--preprocessing)";
        var file = TorchvisionWeights();
        string[] Training(string run, params string[] more) =>
            [.. Head(run, more).Where(word => word is not ("--preprocessing" or "caffe")).Select(word => word == Weights(1) ? file : word)];
        var found = await CommandRun.Succeeding(Training("found"));
        Assert.Equal($"{file}: {remark}", Assert.Single(found.ErrorLines, line => line.Contains("prepared by")));
        Assert.Equal("torchvision", (string?)Config("found")["preprocessing"]);
        Assert.Equal("torchvision", (string?)Checkpoint.Read(Path.Combine(Of("found"), "best.safetensors")).Application["preprocessing"]);
        var asked = await CommandRun.Succeeding([.. Training("asked"), "--preprocessing", "torchvision"]);
        Assert.DoesNotContain("prepared by", asked.Errors);
        Assert.Equal(Best("found"), Best("asked"));
        var other = await CommandRun.Succeeding([.. Training("other"), "--preprocessing", "rescale"]);
        Assert.DoesNotContain("prepared by", other.Errors);
        Assert.Equal("rescale", (string?)Config("other")["preprocessing"]);
        Assert.NotEqual(Best("found"), Best("other"));

        // It predicts with the preprocessing that it was trained with, in every command.
        folder.WithXrays("xrays", 6);
        var scores = (await CommandRun.Succeeding("evaluate", "--run", Of("found"), "--data", Of("xrays"), "--json")).Json;
        var answers = (await CommandRun.Succeeding("predict", "--run", Of("found"), Of("xrays"), "--json")).Json;
        var right = answers.AsArray()
            .Average(answer => Math.Log((double)answer!["probabilities"]![((string)answer["path"]!).Contains("NORMAL") ? 0 : 1]!));
        Assert.Equal((double)scores["loss"]!, -right, 1e-4);
        var image = Directory.EnumerateFiles(Of("xrays"), "*.png", SearchOption.AllDirectories).First();
        await CommandRun.Succeeding("explain", "--run", Of("found"), image, "--out", Of("explained"));
        Assert.Contains("was trained with torchvision", await Refused(
            "--model vgg19 --pixels 16 --until block1_pool --head 8 --preprocessing caffe --weights",
            Path.Combine(Of("found"), "best.safetensors")));
    }

    [Fact]
    public void ImagenetIsThePublishedFileWithItsOwnPreprocessingUnlessAnotherIsAskedFor()
    {
        var bytes = File.ReadAllBytes(Weights(1));
        var path = folder.Add(Path.Combine("cache", "weights", "blocks1.npz"), bytes);
        var md5 = Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(bytes));
        PublishedWeights[] catalogue =
        [
            new("missing", "missing.npz", "", "", 1, "", Preprocessing.Rescale, Md5: "", Original: true),
            new("of-others", "blocks1.npz", "", "", bytes.Length, "", Preprocessing.Torchvision, Md5: md5),
            new("made-up", "blocks1.npz", "", "", bytes.Length, "", Preprocessing.Caffe, Md5: md5, Original: true),
        ];
        using var network = ReferenceNetworks.Vgg19(16, head: 8, until: "block1_pool");
        var settings = new TrainSettings { Weights = StartingWeights.ImageNet };
        StartingWeights Read(Preprocessing? asked) =>
            StartingWeights.Read(asked is { } said ? settings with { Preprocessing = said } : settings,
            network, ModelChoice.BaseLength(ModelKind.Vgg19, network), SyntheticXrays.Classes, catalogue)!;
        Assert.Equal(Preprocessing.Caffe, Read(null).Preprocessing);
        Assert.Equal($"{path}: images are prepared by caffe, because it is the published made-up (--preprocessing)", Read(null).Remark);
        Assert.Equal((null, null), (Read(Preprocessing.Rescale).Preprocessing, Read(Preprocessing.Rescale).Remark));
    }

    [Fact]
    public async Task AFileThatDoesNotFillTheBaseIsAnErrorThatSaysWhatIsMissingAndWhereToCut()
    {
        var line = await Refused("--model vgg19 --pixels 32 --weights", Weights(2));
        foreach (var mention in new[] { "blocks2.npz", "missing block3_conv1/kernel", "and 18 more", "--until block2_pool" })
            Assert.Contains(mention, line);
    }

    [Fact]
    public async Task ThePublishedWeightsAreAskedForByNamePlaceAndAddress()
    {
        var line = await Refused("--model vgg19 --weights", "imagenet");
        var smallest = WeightCatalogue.Entries.Where(entry => entry.Original).MinBy(entry => entry.Bytes)!;
        foreach (var mention in new[] { smallest.File, smallest.Address, Path.Combine(Of("cache"), "weights") })
            Assert.Contains(mention, line);
        var place = Path.Combine(Of("cache"), "weights", smallest.File);
        folder.Add(Path.Combine("cache", "weights", smallest.File), "not it");
        line = await Refused("--model vgg19 --weights", "imagenet");
        Assert.Contains($"{place} is not the published file: it has 6 bytes", line);
    }

    [Fact]
    public async Task WeightsThatDoNotFitAreRefused()
    {
        Assert.Contains("no such file", await Refused("--model vgg19 --weights", Of("none.h5")));
        Assert.Contains("is no weight file", await Refused("--model vgg19 --weights", folder.Add("broken.h5", "no weights")));
        Assert.Contains("missing dense1/kernel", await Refused("--model mlp --pixels 16 --weights", Weights(1)));
    }

    private async Task<string> Refused(string options, string last)
    {
        var before = folder.Listing();
        var run = await CommandRun.Of(["train", .. options.Split(' '), last, "--limit", "4", "--out", Of("refused")]);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Equal(before, folder.Listing());
        return Assert.Single(run.ErrorLines);
    }

    [SkippableFact]
    public async Task ACheckpointOfOtherClassesSizeOrPreprocessingIsRefused()
    {
        OpenCl.SkipIfMissing();
        await CommandRun.Succeeding(Head("head"));
        var best = Path.Combine(Of("head"), "best.safetensors");
        const string same = "--model vgg19 --pixels 16 --until block1_pool --head 8";
        Assert.Contains("dense1/kernel is [4096,8] instead of [4096,9]", await Refused(same.Replace("8", "9") + " --weights", best));
        Assert.Contains("was trained with caffe", await Refused(same + " --preprocessing rescale --weights", best));
        Assert.Contains("was trained with bilinear; give that one", await Refused(same + " --resize area --weights", best));
        folder.WithXrays("data", 12);
        Directory.Move(Path.Combine(Of("data"), "NORMAL"), Path.Combine(Of("data"), "HEALTHY"));
        Assert.Contains("NORMAL, PNEUMONIA", await Refused($"{same} --data {Of("data")} --weights", best));
    }
}
