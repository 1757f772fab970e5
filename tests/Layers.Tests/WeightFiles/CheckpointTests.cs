using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>Checkpoints with incomplete metadata: any tool may have rewritten the file.</summary>
public sealed class CheckpointTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public void ParametersAreWrittenWithWhateverMetadataThereIs()
    {
        string from = Path.Combine(folder, "from.safetensors"), to = Path.Combine(folder, "to.safetensors");
        Made().Write(from);
        Checkpoint.Read(from).WriteParameters(to);
        var written = SafeTensors.Read(to);
        Assert.Equal(["format", "network"], written.Metadata.Keys.Order());
        Assert.Equal(["dense/bias", "dense/kernel"], written.Tensors.Keys.Order());
        Assert.Equal(1, Checkpoint.Read(to).Describe().OutputShape.Length);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("many")]
    [InlineData("-1")]
    public void AnOptimizersStateWithoutItsStepsIsRefused(string? steps)
    {
        var path = Path.Combine(folder, "steps.safetensors");
        var file = Made();
        using var optimizer = new Adam();
        file.Metadata["optimizer"] = optimizer.Kind;
        if (steps is not null) file.Metadata["optimizer_steps"] = steps;
        file.Write(path);
        // It is refused before the device is used.
        var error = Assert.Throws<WeightFileException>(() => Checkpoint.Read(path).Restore(optimizer, null!));
        Assert.Equal($"{path}: does not say how many steps the optimizer took", error.Message);
    }

    [Theory]
    [InlineData("[[[[", "open JSON")]
    [InlineData("null", "is null")]
    [InlineData("[]", "cannot be used")]
    [InlineData("{\"input\":[2147483647,2147483647,2147483647],\"layers\":[]}", "2146435071 elements")]
    [InlineData("{\"input\":[8,8,3],\"layers\":[{\"kind\":\"conv2d\",\"name\":\"c\",\"filters\":4,"
        + "\"kernel\":3,\"stride\":1,\"padding\":\"2147483647\"}]}", "padding of 2147483647")]
    [InlineData("{\"input\":[8,8,3],\"layers\":[{\"kind\":\"conv2d\",\"name\":\"c\",\"filters\":4,"
        + "\"kernel\":3,\"stride\":0,\"padding\":\"same\",\"activation\":\"relu\"}]}", "stride 0")]
    public void DescriptionsOfWhatCannotBeAreRefused(string description, string mention)
    {
        var path = Path.Combine(folder, "described.safetensors");
        var file = Made();
        file.Metadata["network"] = description;
        file.Write(path);
        var error = Assert.Throws<WeightFileException>(() => Checkpoint.Read(path).Describe());
        Assert.Contains(mention, error.Message);
        // Two million letters would become two hundred million bytes.
        foreach (var key in new[] { "network", "application", "run" })
        {
            file = Made();
            file.Metadata[key] = "{\"a\":[" + string.Join(',', Enumerable.Repeat('1', 1_000_000)) + "]}";
            file.Write(path);
            Assert.Contains("are the most", Assert.Throws<WeightFileException>(() => Checkpoint.Read(path).Describe()).Message);
        }
    }

    private static SafeTensors Made()
    {
        using var network = new Sequential(new Shape(3), [new Dense(1) { Name = "dense" }]);
        var file = new SafeTensors();
        file.Metadata["format"] = "convolve-1";
        file.Metadata["network"] = NetworkDescription.ToJson(network).ToJsonString();
        file.Add("dense/kernel", [3, 1], [1, 2, 3]);
        file.Add("dense/bias", [1], [4]);
        return file;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
