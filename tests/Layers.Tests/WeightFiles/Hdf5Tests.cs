using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>
/// Files of the reference library (<c>Oracles/h5py_files.py</c>) in the oldest and newest format that it writes: links in tables and heaps,
/// chunks in trees and arrays, attributes inside and outside headers.
/// </summary>
public sealed class Hdf5Tests
{
    private static WeightFile Read(string name) => WeightFile.Read(Path.Combine(AppContext.BaseDirectory, "Oracles", name));

    private static float[] Values(int count) => [.. Enumerable.Range(0, count).Select(i => i * 0.5f - 3)];

    [Theory]
    [InlineData("earliest")]
    [InlineData("latest")]
    public void EveryKindOfStorageIsRead(string form)
    {
        var tensors = Read($"h5py-{form}.h5").Tensors;
        for (var i = 0; i < 50; i++)
        {
            Assert.Empty(tensors[$"many/{i}"].Shape);
            Assert.Equal([i], tensors[$"many/{i}"].Values);
        }
        foreach (var name in new[] { "plain", "packed", "all", "one" })
        {
            Assert.Equal([5, 7], tensors[$"chunks/{name}"].Shape);
            Assert.Equal(Values(35), tensors[$"chunks/{name}"].Values);
        }
        // One of 2 · 3 chunks was written.
        Assert.Equal(Enumerable.Range(0, 35).Select(i => i < 14 && i % 7 < 3 ? (i / 7 * 3 + i % 7) * 0.5f - 3 : 9),
            tensors["chunks/holes"].Values);
        foreach (var (name, type) in new[] { ("f8", ElementType.Float64), ("big-f4", ElementType.Float32), ("f2", ElementType.Float16),
            ("i8", ElementType.Int64), ("big-i2", ElementType.Int16), ("u1", ElementType.UInt8) })
        {
            Assert.Equal(type, tensors[$"kinds/{name}"].Type);
            Assert.Equal(Values(12).Select(Math.Abs).Select(v => name.Contains('f') ? v : MathF.Truncate(v)),
                tensors[$"kinds/{name}"].Values);
        }
        Assert.Equal(Values(12), tensors["kinds/committed"].Values);
        Assert.Equal(tensors["kinds/f2"].Values, tensors["kinds/alias"].Values);
        Assert.Equal([0, 4], tensors["kinds/empty"].Shape);
        Assert.Equal([2.5f, 2.5f], tensors["kinds/unwritten"].Values);
        Assert.Equal(50 + 5 + 6 + 4, tensors.Count);
    }

    [Theory]
    [InlineData("earliest")]
    [InlineData("latest")]
    public void LayersAndTheirWeightsComeInTheOrderOfTheirLists(string form)
    {
        var tensors = Read($"h5py-keras-{form}.h5").Tensors;
        Assert.Equal(["conv/conv/kernel:0", "conv/conv/bias:0", "fc/fc/kernel:0"], tensors.Keys);
        Assert.Equal(Values(6), tensors["conv/conv/kernel:0"].Values);
        Assert.Equal([2, 2], tensors["fc/fc/kernel:0"].Shape);
    }
}
