using System.Text.Json.Nodes;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Tests.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Explanations;

/// <summary><c>explain</c> from the command line.</summary>
[Collection(OnADevice.Name)]
public sealed class ExplainCommandTests(TrainedRun trained) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Out => Path.Combine(folder.Path, "out");

    public void Dispose() => folder.Dispose();

    private string[] Images =>
        [.. Directory.EnumerateFiles(Path.Combine(trained.Data, "test", "PNEUMONIA")).Order(StringComparer.Ordinal).Take(2)];

    [Fact]
    public async Task ANetworkWithoutPicturesIsExplainedByOcclusionAndArithmetic()
    {
        var run = await CommandRun.Succeeding(["explain", "--run", trained.Folder, .. Images, "--out", Out, "--json"]);
        Assert.Equal("{page:string,layer:null,images:[{path:string,folder:string,class:string,probability:number,"
            + "gradCamPeak:null,hiResCamPeak:null,occlusionPeak:[number]}]}",
            JsonShape.Of(run.Json));
        Assert.Contains(run.ErrorLines, line => line.Contains("no Grad-CAM"));
        var predicted = await CommandRun.Succeeding(["predict", "--run", trained.Folder, .. Images, "--json"]);
        foreach ((var explained, var answer) in run.Json["images"]!.AsArray().Zip(predicted.Json.AsArray()))
        {
            Assert.Equal((string)answer!["class"]!, (string)explained!["class"]!);
            Assert.Equal((double)answer["probability"]!, (double)explained["probability"]!, 1e-5);
            var images = (string)explained["folder"]!;
            foreach (var file in new[] { "xray.png", "occlusion.png", "activations/02-dense1.png", "activations/05-logits.png" })
                Assert.True(ImageDecoder.Decode(Path.Combine(images, file)).Width > 1);
            Assert.Empty(Directory.EnumerateFiles(images, "*cam.png"));
        }
        Assert.Equal(Path.Combine(Out, "index.html"), (string)run.Json["page"]!);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(folder.Path),
            path => path.EndsWith(".unfinished", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PeopleAreToldWhereThePageIsAndWhatItIsNotFor()
    {
        var run = await CommandRun.Succeeding("explain", "--run", trained.Folder, Images[0], "--class", "normal", "--out", Out);
        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"\.png: P\(PNEUMONIA\) [0-9.]+ % [<≥] [0-9.]+ % → (NORMAL|PNEUMONIA); explained: NORMAL$", lines[0]);
        Assert.Equal($"page: {Path.Combine(Out, "index.html")}", lines[1]);
        Assert.Equal("Not for clinical use.", lines[2]);
    }

    [Theory]
    [InlineData("index.html.png", "index.html-2")]
    [InlineData("..png", "image")]
    public async Task AnImageCalledLikeThePageOrByItsEndingAloneHasAFolderBesideIt(string name, string expected)
    {
        var image = folder.Add(name, File.ReadAllBytes(Images[0]));
        var run = await CommandRun.Succeeding("explain", "--run", trained.Folder, image, "--out", Out, "--json");
        Assert.Equal(Path.Combine(Out, expected), (string)run.Json["images"]![0]!["folder"]!);
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(Path.Combine(Out, "index.html")), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("--layer nowhere", "--layer nowhere")]
    [InlineData("--class COVID", "its classes are NORMAL, PNEUMONIA")]
    [InlineData("--weights x.safetensors", "give either --run or --weights")]
    [InlineData("--pixels 20", "leave --pixels and --preprocessing out")]
    [InlineData("--clas NORMAL", "--class")]
    public async Task WhatCannotBeIsOneLineAndLeavesNothing(string options, string mentions)
    {
        var run = await CommandRun.Of(["explain", "--run", trained.Folder, Images[0], "--out", Out, .. options.Split(' ')]);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(mentions, Assert.Single(run.ErrorLines));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task AFolderWithSomethingInItAndDamagedImagesAreRefused()
    {
        folder.Add("out/mine.txt", [1]);
        var taken = await CommandRun.Of("explain", "--run", trained.Folder, Images[0], "--out", Out);
        Assert.Equal((2, ""), (taken.Code, taken.Output));
        Assert.Contains("exists already", Assert.Single(taken.ErrorLines));
        var damaged = folder.Add("damaged.png", [0x89, 0x50]);
        var broken = await CommandRun.Of("explain", "--run", trained.Folder, damaged, "--out", Path.Combine(folder.Path, "other"));
        Assert.Equal(2, broken.Code);
        Assert.Contains("damaged.png", Assert.Single(broken.ErrorLines));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "other")));
    }
}
