using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using PureHDF;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>A tensor, written as a view of a storage.</summary>
public sealed record View(string Name, string Storage, long Offset, long[] Size, long[] Stride)
{
    public static View Of(string name, string storage, params long[] size)
    {
        var stride = new long[size.Length];
        for (var d = size.Length - 1; d >= 0; d--) stride[d] = d == size.Length - 1 ? 1 : stride[d + 1] * size[d + 1];
        return new View(name, storage, 0, size, stride);
    }
}

/// <summary>Files as other tools write them, byte by byte.</summary>
public static class MadeWeights
{
    /// <summary>A zip archive of torch.save.</summary>
    public static byte[] Torch(IReadOnlyDictionary<string, float[]> storages, params View[] views) =>
        Zip([("archive/data.pkl", [0x80, 2, .. Dictionary(storages, views, legacy: false), (byte)'.']),
            .. storages.Select(storage => ($"archive/data/{storage.Key}", Bytes(storage.Value)))]);

    /// <summary>A file of torch.save before version 1.6.</summary>
    public static byte[] TorchLegacy(IReadOnlyDictionary<string, float[]> storages, params View[] views)
    {
        using var file = new MemoryStream();
        file.Write([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        file.Write([0x80, 2, (byte)'M', .. BitConverter.GetBytes((ushort)1001), (byte)'.']);
        file.Write([0x80, 2, (byte)'}', .. Text("little_endian"), 0x88, (byte)'s', (byte)'.']);
        file.Write([0x80, 2, .. Dictionary(storages, views, legacy: true), (byte)'.']);
        file.Write([0x80, 2, (byte)']', (byte)'(', .. storages.Keys.SelectMany(Text), (byte)'e', (byte)'.']);
        foreach (var storage in storages.Values) file.Write([.. BitConverter.GetBytes((long)storage.Length), .. Bytes(storage)]);
        return file.ToArray();
    }

    /// <summary>A zip archive of torch.save with a custom pickle.</summary>
    public static byte[] TorchOf(params byte[] pickle) => Zip([("archive/data.pkl", pickle)]);

    /// <summary>A zip archive.</summary>
    public static byte[] Zip(IEnumerable<(string Name, byte[] Content)> entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name, content.Length > 100_000 ? CompressionLevel.Optimal
                    : CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        return stream.ToArray();
    }

    /// <summary>A NumPy array.</summary>
    public static byte[] Npy(string description, string shape, byte[] data, bool fortran = false)
    {
        var header = Encoding.ASCII
            .GetBytes($"{{'descr': '{description}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': {shape}, }}\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. header, .. data];
    }

    /// <summary>A Keras file: a group for each layer, with the names of its weights.</summary>
    /// <param name="inModel">Whether the groups are in <c>model_weights</c>, as in a file of <c>model.save</c>.</param>
    /// <param name="layers">Layers with their datasets.</param>
    public static byte[] Keras(bool inModel, params (string Layer, (string Weight, Array Values)[] Weights)[] layers)
    {
        var file = new H5File();
        var root = inModel ? new H5Group() : file;
        if (inModel) file["model_weights"] = root;
        root.Attributes["layer_names"] = layers.Select(layer => layer.Layer).ToArray();
        foreach (var (layer, weights) in layers)
        {
            var group = new H5Group();
            if (weights.Length > 0) group.Attributes["weight_names"] = weights.Select(weight => weight.Weight).ToArray();
            foreach (var (name, values) in weights)
            {
                var parts = name.Split('/');
                var parent = group;
                foreach (var part in parts[..^1])
                {
                    if (!parent.TryGetValue(part, out var inner)) parent[part] = inner = new H5Group();
                    parent = (H5Group)inner;
                }
                parent[parts[^1]] = values;
            }
            root[layer] = group;
        }
        using var stream = new MemoryStream();
        file.Write(stream);
        return stream.ToArray();
    }

    public static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    public static byte[] Text(string text) =>
        [(byte)'X', .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] Global(string module, string name) => [(byte)'c', .. Encoding.ASCII.GetBytes($"{module}\n{name}\n")];

    public static byte[] Whole(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return [0x8a, 8, .. bytes];
    }

    /// <summary>The call that builds a tensor of float32.</summary>
    public static byte[] Tensor(string storage, long length, long offset, long[] size, long[] stride, bool legacy = false) =>
    [
        .. Global("torch._utils", "_rebuild_tensor_v2"), (byte)'(',
        (byte)'(', .. Text("storage"), .. Global("torch", "FloatStorage"), .. Text(storage), .. Text("cpu"), .. Whole(length),
        .. legacy ? "N"u8.ToArray() : [], (byte)'t', (byte)'Q',
        .. Whole(offset), (byte)'(', .. size.SelectMany(Whole), (byte)'t', (byte)'(', .. stride.SelectMany(Whole), (byte)'t',
        0x89, .. Global("collections", "OrderedDict"), (byte)')', (byte)'R', (byte)'t', (byte)'R',
    ];

    private static byte[] Dictionary(IReadOnlyDictionary<string, float[]> storages, View[] views, bool legacy) =>
    [
        .. Global("collections", "OrderedDict"), (byte)')', (byte)'R', (byte)'(',
        .. views.SelectMany(view => (byte[])
            [.. Text(view.Name), .. Tensor(view.Storage, storages[view.Storage].Length, view.Offset, view.Size, view.Stride, legacy)]),
        (byte)'u',
    ];
}
