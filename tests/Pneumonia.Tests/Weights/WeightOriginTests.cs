using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Tests.Weights;

/// <summary>Who made a file is told from its tensors' names; no device is needed.</summary>
public sealed class WeightOriginTests
{
    // Names and ranks are all that counts.
    private static WeightFile FileOf(IEnumerable<string> kernels)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (string kernel in kernels) tensors.Add(kernel, new StoredTensor([0, 3, 3, 3], []));
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
    public void Vgg_of_torchvision_is_known_by_its_names_cut_short_or_sorted_as_well(string places)
    {
        WeightFile file = FileOf(Features(places));
        Assert.Equal(Preprocessing.Torchvision, WeightOrigin.Of(file, channels: 3)!.Preprocessing);
        Assert.Null(WeightOrigin.Of(file, channels: 1));
    }

    [Theory]
    [InlineData("0 3 6 9")]
    [InlineData("0 3 7 10 14 17")]
    [InlineData("2 5")]
    public void A_network_of_ones_own_is_not_taken_for_it(string places) => Assert.Null(WeightOrigin.Of(FileOf(Features(places)), channels: 3));

    [Fact]
    public void Names_of_Keras_and_no_kernels_say_nothing()
    {
        Assert.Null(WeightOrigin.Of(FileOf(["block1_conv1/kernel", "block1_conv2/kernel"]), channels: 3));
        Assert.Null(WeightOrigin.Of(FileOf([]), channels: 3));
    }
}
