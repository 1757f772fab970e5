using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>Networks are recognized by their tensors; no device is needed.</summary>
public sealed class KnownNetworksTests
{
    private static WeightFile FileOf(Sequential network, Func<string, string>? rename = null)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var parameter in network.Parameters)
            tensors.Add((rename ?? (name => name))(parameter.Name),
                new StoredTensor([.. parameter.Shape.Sizes], new float[parameter.Shape.Length]));
        return new WeightFile("file", WeightFormat.Npz, TensorLayout.Convolve, tensors);
    }

    public static TheoryData<string> Networks =>
        ["mlp", "gray mlp", "cnn", "cnn 64", "three", "same padding", "vgg19", "cut", "within a block", "compact"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void ANetworkIsFoundAgainUnderItsOwnAndUnderOtherNames(string name)
    {
        using var network = name switch
        {
            "mlp" => ReferenceNetworks.Mlp(37),
            "gray mlp" => ReferenceNetworks.Mlp(20, channels: 1),
            "cnn" => ReferenceNetworks.Cnn(150),
            "cnn 64" => ReferenceNetworks.Cnn(64, channels: 1),
            "three" => ReferenceNetworks.Cnn(150, outputs: 3),
            "same padding" => ReferenceNetworks.Cnn(150, outputs: 3, samePadding: true),
            "compact" => CompactNetwork.Build(150),
            "vgg19" => ReferenceNetworks.Vgg19(150, head: 16),
            "cut" => ReferenceNetworks.Vgg19(32, head: 9, until: "block3_pool"),
            _ => ReferenceNetworks.Vgg19(32, head: 9, until: "block2_conv1"),
        };
        var layers = network.Layers.Where(layer => layer.Parameters.Count > 0).Select(layer => layer.Name).ToList();
        foreach (var file in new[] { FileOf(network), FileOf(network, name =>
            $"stage.{layers.IndexOf(name.Split('/')[0])}.{name.Split('/')[1]}") })
        {
            using var found = KnownNetworks.Of(file);
            Assert.NotNull(found);
            Assert.Equal(network.Parameters.Select(p => (p.Name, p.Shape)), found.Parameters.Select(p => (p.Name, p.Shape)));
            Assert.Equal(network.Layers.Select(layer => layer.Name), found.Layers.Select(layer => layer.Name));
            // A 64-pixel CNN has the same tensors as a 62-pixel one; only the user can distinguish them.
            using var sized = KnownNetworks.Of(file, network.InputShape[0]);
            Assert.Equal(network.InputShape, sized!.InputShape);
        }
    }

    [Fact]
    public void WhatIsNoKnownNetworkIsNone()
    {
        using var network = ReferenceNetworks.Cnn(150);
        var file = FileOf(network);
        file.Tensors.Add("more/kernel", new StoredTensor([3], new float[3]));
        Assert.Null(KnownNetworks.Of(file));
        file.Tensors.Remove("more/kernel");
        Assert.Null(KnownNetworks.Of(file, 100));
        file.Tensors.Remove("conv2/bias");
        Assert.Null(KnownNetworks.Of(file));
    }
}
