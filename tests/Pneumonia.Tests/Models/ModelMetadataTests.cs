using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Devices;

namespace Convolve.Pneumonia.Tests.Models;

/// <summary>A checkpoint's metadata is untrusted.</summary>
public sealed class ModelMetadataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string File => Path.Combine(folder.Path, "model.safetensors");

    public void Dispose() => folder.Dispose();

    private ModelMetadata Read(string application)
    {
        using var network = new Sequential(new Shape(1), [new Dense(1) { Name = "logits" }]);
        var file = new SafeTensors();
        file.Metadata["format"] = "convolve-1";
        file.Metadata["network"] = NetworkDescription.ToJson(network).ToJsonString();
        file.Metadata["application"] = application;
        file.Add("logits/kernel", [1, 1], [1]);
        file.Add("logits/bias", [1], [2]);
        file.Write(File);
        return ModelMetadata.Read(Checkpoint.Read(File), File, 1);
    }

    [Fact]
    public void WhatWasWrittenIsRead()
    {
        var metadata = new ModelMetadata(["NORMAL", "PNEUMONIA"], ResizeMethod.Area, LabelScheme.Three, Preprocessing.Standardize, 0.25);
        var read = Read(metadata.ToJson().ToJsonString());
        Assert.Equal(metadata.Classes, read.Classes);
        Assert.Equal(metadata with { Classes = null }, read with { Classes = null });
        Assert.Equal(new ModelMetadata(null, ResizeMethod.Bilinear, LabelScheme.Folders, Preprocessing.Rescale), Read("{}"));
    }

    [Theory]
    [InlineData("{\"classes\":[\"a\"]}", "has 2 classes")]
    [InlineData("{\"classes\":[\"a\",\"a\"]}", "has 2 classes")]
    [InlineData("{\"classes\":[\"a\",null]}", "a class has no name")]
    [InlineData("{\"classes\":[1,2]}", "")]
    [InlineData("{\"classes\":\"x\"}", "")]
    [InlineData("{\"resize\":\"9\"}", "resize is \"9\", expected one of nearest, bilinear, area")]
    [InlineData("{\"preprocessing\":\"magic\"}", "preprocessing is \"magic\"")]
    [InlineData("{\"preprocessing\":3}", "")]
    [InlineData("{\"threshold\":7}", "the threshold 7 is not a probability")]
    public void WhatCannotBeIsRefused(string application, string mention)
    {
        var error = Assert.Throws<WeightFileException>(() => Read(application));
        Assert.StartsWith($"{File}: its metadata cannot be used: ", error.Message);
        Assert.Contains(mention, error.Message);
    }

    [SkippableTheory]
    [InlineData(20_000, 20_000, 3)]
    [InlineData(4097, 4097, 1)]
    [InlineData(8, 9, 1)]
    [InlineData(8, 8, 2)]
    public void InputsThatAreNoImagesOfASizeThatCanBeReadAreRefused(int rows, int columns, int channels)
    {
        OpenCl.SkipIfMissing();
        using var network = new Sequential(new Shape(rows, columns, channels), [new Conv2D(1, 1) { Name = "c", Bias = false }]);
        var file = new SafeTensors();
        file.Metadata["format"] = "convolve-1";
        file.Metadata["network"] = NetworkDescription.ToJson(network).ToJsonString();
        file.Add("c/kernel", [1, 1, channels, 1], new float[channels]);
        file.Write(File);
        using var opened = OpenDevice.For("auto");
        Assert.Contains("not square images of up to 4096 pixels",
            Assert.Throws<UserError>(() => TrainedModel.Load(File, opened.Device)).Message);
    }
}
