using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;

namespace Convolve.Pneumonia.Tests.Models;

/// <summary>A file's origin is recognized by its tensors' names; no device is needed.</summary>
public sealed class WeightOriginTests
{
    // Only names and ranks matter.
    private static WeightFile FileOf(IEnumerable<string> kernels)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var kernel in kernels) tensors.Add(kernel, new StoredTensor([0, 3, 3, 3], []));
        tensors.Add("classifier.0.weight", new StoredTensor([0, 8], []));
        return new WeightFile("none.pth", WeightFormat.Torch, TensorLayout.Torch, tensors);
    }

    private static IEnumerable<string> Features(string places) => places.Split(' ').Select(place => $"features.{place}.weight");

    [Theory]
    [InlineData("0 2 5 7 10 12 14 16 19 21 23 25 28 30 32 34")]
    [InlineData("0 10 12 14 16 19 2 21 23 25 28 30 32 34 5 7")]
    [InlineData("0 2 5 7 10 12 14 16")]
    [InlineData("0 2 5 7 10 12 14 17 19 21 24 26 28")]
    [InlineData("0 3 6 8 11 13 16 18")]
    public void VggOfTorchvisionIsKnownByItsNamesCutShortOrSortedAsWell(string places)
    {
        var file = FileOf(Features(places));
        Assert.Equal(Preprocessing.Torchvision, WeightOrigin.Of(file, channels: 3)!.Preprocessing);
        Assert.Null(WeightOrigin.Of(file, channels: 1));
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("model.")]
    [InlineData("state_dict.")]
    [InlineData("backbone.")]
    [InlineData("_orig_mod.")]
    [InlineData("net.")]
    [InlineData("encoder.")]
    [InlineData("state_dict.module.")]
    [InlineData("model_state_dict.model.backbone.0.")]
    [InlineData("vgg/")]
    [InlineData("my own name, with commas.")]
    public void VggOfTorchvisionIsKnownWithinWhateverHeldIt(string prefix)
    {
        foreach (var places in new[] { "0 2", "0 2 5 7 10 12 14 16 19 21 23 25 28 30 32 34" })
        {
            Assert.Equal(Preprocessing.Torchvision,
                WeightOrigin.Of(FileOf(Features(places).Select(name => prefix + name)), channels: 3)!.Preprocessing);
            // DataParallel around the convolutions only.
            Assert.Equal(Preprocessing.Torchvision, WeightOrigin.Of(FileOf(
                Features(places).Select(name => prefix + name.Replace("features.", "features.module."))), channels: 3)!.Preprocessing);
        }
        // Two networks, and one with a similar name.
        Assert.Null(WeightOrigin.Of(FileOf(["features.0.weight", prefix + "features.2.weight"]), channels: 3));
        Assert.Null(WeightOrigin.Of(FileOf([prefix + "myfeatures.0.weight", prefix + "myfeatures.2.weight"]), channels: 3));
    }

    [Theory]
    [InlineData("0 3 7 10 14 17 20 23 27 30 33 36 40 43 46 49")]
    [InlineData("0 3 7 10")]
    [InlineData("0 4 8 11 15 18 22 25")]
    public void VggWithNormalizationsOfTorchvisionIsKnownByThem(string places)
    {
        var file = FileOf(Features(places));
        Assert.Null(WeightOrigin.Of(file, channels: 3));
        foreach (var place in places.Split(' '))
            file.Tensors.Add($"features.{int.Parse(place) + 1}.running_mean", new StoredTensor([0], []));
        Assert.Equal(Preprocessing.Torchvision, WeightOrigin.Of(file, channels: 3)!.Preprocessing);
    }

    // The first filter of Keras' VGG19, rounded; the other 63 are zero.
    private static readonly float[] firstFilter =
    [
        0.3412f, 0.4642f, 0.3942f, 0.34f, 0.4181f, 0.3774f, -0.0448f, -0.0481f, -0.0459f, 0.2322f, 0.3051f, 0.2671f, 0.0898f, 0.1039f,
        0.0999f, -0.3033f, -0.3731f, -0.341f, -0.0726f, -0.0765f, -0.0757f, -0.2467f, -0.3107f, -0.2803f, -0.3368f, -0.4645f, -0.416f,
    ];

    private static float[] Spread(bool torch, float change)
    {
        var values = new float[27 * 64];
        for (var pixel = 0; pixel < 9; pixel++)
            for (var channel = 0; channel < 3; channel++)
                values[torch ? channel * 9 + pixel : (pixel * 3 + channel) * 64] = firstFilter[pixel * 3 + channel] + change;
        return values;
    }

    [Fact]
    public void WeightsOfKerasAreKnownByTheirNumbersInAnyFormatAndUnderAnyName()
    {
        WeightFile Kernel(string name, bool torch, float change) => new("none", WeightFormat.Npz, TensorLayout.Unsaid,
            new(StringComparer.Ordinal)
            {
                [name] = new StoredTensor(torch ? [64, 3, 3, 3] : [3, 3, 3, 64], Spread(torch, change)),
                ["other"] = new StoredTensor([1], [0])
            });
        foreach (var change in new[] { 0, 0.005f })
        {
            Assert.Equal(Preprocessing.Caffe,
                WeightOrigin.Of(Kernel("block1_conv1/kernel", torch: false, change), channels: 3)!.Preprocessing);
            Assert.Equal(Preprocessing.Caffe,
                WeightOrigin.Of(Kernel("features.0.weight", torch: true, change), channels: 3)!.Preprocessing);
        }
        Assert.Null(WeightOrigin.Of(Kernel("block1_conv1/kernel", torch: false, 0.02f), channels: 3));
        Assert.Equal(Preprocessing.Torchvision,
            WeightOrigin.Of(Kernel("features.0.weight", torch: true, 0.02f), channels: 3)!.Preprocessing);
        Assert.Null(WeightOrigin.Of(Kernel("block1_conv1/kernel", torch: false, 0), channels: 1));
    }

    [SkippableFact]
    public void TheRealWeightsOfKerasAreKnown()
    {
        RealXrays.SkipIfMissing();
        var path = Path.Combine(RealXrays.Folder!, "..", "weights", "vgg19", "vgg19_imagenet_block1to3_HWIO.npz");
        Skip.IfNot(File.Exists(path), $"no {path}");
        Assert.Equal("its first convolution is that of the published VGG19 of Keras",
            WeightOrigin.Of(WeightFile.Read(path), channels: 3)!.Reason);
    }

    [Theory]
    [InlineData("vgg19_weights_tf_dim_ordering_tf_kernels_notop (1).h5", "vgg19-keras-notop")]
    [InlineData("VGG19_weights_tf_dim_ordering_tf_kernels_notop.H5", "vgg19-keras-notop")]
    [InlineData("vgg19_weights_tf_dim_ordering_tf_kernels(12).h5", "vgg19-keras")]
    [InlineData("vgg19-dcbb9e9d.pth.1", "vgg19-torchvision")]
    [InlineData("vgg19-dcbb9e9d - Copy (2).pth", "vgg19-torchvision")]
    [InlineData("my-vgg19-dcbb9e9d.pth", null)]
    public void ANameThatABrowserChangedIsThatOfThePublishedFile(string name, string? id) =>
        Assert.Equal(id, WeightCatalogue.NamedLike("/some/where/" + name)?.Id);

    [Theory]
    [InlineData("0 3 6 9")]
    [InlineData("0 3 7 10 14 17")]
    [InlineData("2 5")]
    public void ANetworkOfOnesOwnIsNotTakenForIt(string places) => Assert.Null(WeightOrigin.Of(FileOf(Features(places)), channels: 3));

    [Fact]
    public void NamesOfKerasAndNoKernelsSayNothing()
    {
        Assert.Null(WeightOrigin.Of(FileOf(["block1_conv1/kernel", "block1_conv2/kernel"]), channels: 3));
        Assert.Null(WeightOrigin.Of(FileOf([]), channels: 3));
    }
}
