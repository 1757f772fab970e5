using System.Buffers.Binary;
using PureHDF;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Keras' HDF5 files: a group with the attribute <c>layer_names</c> (the root of a weights file, <c>model_weights</c> of a whole model)
/// holds a group for each layer, whose attribute <c>weight_names</c> names its datasets in order. In other HDF5 files every dataset of
/// numbers is a tensor.
/// </summary>
internal static class KerasFile
{
    private const string LayerNames = "layer_names", WeightNames = "weight_names", WeightsOfModel = "model_weights";

    // Groups within groups: far more than any layer's path has, few enough to end where links go round in a circle.
    private const int DeepestGroup = 32;

    /// <summary>The bytes that an HDF5 file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'H', (byte)'D', (byte)'F', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Reads all tensors, under their paths below the group of the weights, in the order in which the file names them.</summary>
    /// <exception cref="FormatException">A dataset that the file names is missing, or holds no numbers.</exception>
    public static OrderedDictionary<string, StoredTensor> Read(string path)
    {
        var allowed = WeightFile.LargestContent(WholeLength(path));
        using var file = H5File.OpenRead(path);
        IH5Group weights = !HasLayers(file) && file.LinkExists(WeightsOfModel) ? file.Group(WeightsOfModel) : file;
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        if (!HasLayers(weights))
        {
            ReadAll(weights, "", 0, ref allowed, tensors);
            return tensors;
        }
        foreach (var layer in Names(weights, LayerNames))
        {
            var group = weights.Group(layer);
            foreach (var weight in Names(group, WeightNames))
            {
                if (!group.LinkExists(weight)) throw new FormatException($"layer {layer} names the weight {weight}, which is missing");
                if (group.Get(weight) is not IH5Dataset dataset) throw new FormatException($"{layer}/{weight} is no dataset");
                if (!tensors.TryAdd($"{layer}/{weight}", ReadDataset($"{layer}/{weight}", dataset, ref allowed)))
                    throw new FormatException($"names {layer}/{weight} twice");
            }
        }
        return tensors;
    }

    private static bool HasLayers(IH5Group group) => group.AttributeExists(LayerNames) || group.AttributeExists(LayerNames + "0");

    // The length of the file, links followed. The superblock says where the file ends: at byte 40 in versions 0 and 1 (44 with one more field), at byte 28 in versions 2 and 3.
    private static long WholeLength(string path)
    {
        Span<byte> superblock = stackalloc byte[52];
        using var stream = File.OpenRead(path);
        var length = stream.ReadAtLeast(superblock, superblock.Length, throwOnEndOfStream: false);
        var (sizeOfOffsets, at) = superblock[8] switch { 0 => (superblock[13], 40), 1 => (superblock[13], 44), 2 or 3 => (superblock[9], 28), _ => ((byte)0, 0) };
        if (length < superblock.Length) throw new FormatException($"is cut off: {length} bytes are too few for an HDF5 file");
        if (sizeOfOffsets != sizeof(long)) return stream.Length;
        var end = BinaryPrimitives.ReadInt64LittleEndian(superblock[at..]);
        if (end > stream.Length) throw new FormatException($"is cut off: it has {stream.Length} of {end} bytes");
        return stream.Length;
    }

    private static void ReadAll(IH5Group group, string prefix, int depth, ref long allowed, OrderedDictionary<string, StoredTensor> tensors)
    {
        if (depth > DeepestGroup) throw new FormatException($"groups are nested more than {DeepestGroup} deep at {prefix}");
        foreach (var child in group.Children())
        {
            if (child is IH5Group inner) ReadAll(inner, $"{prefix}{child.Name}/", depth + 1, ref allowed, tensors);
            else if (child is IH5Dataset dataset && dataset.Type.Class is H5DataTypeClass.FloatingPoint or H5DataTypeClass.FixedPoint)
                tensors[prefix + child.Name] = ReadDataset(prefix + child.Name, dataset, ref allowed);
        }
    }

    // Keras divides a list that is too long for one attribute among weight_names0, weight_names1, …
    private static string[] Names(IH5Group group, string attribute)
    {
        if (group.AttributeExists(attribute)) return NamesOf(group, attribute);
        var names = new List<string>();
        for (var part = 0; group.AttributeExists($"{attribute}{part}"); part++) names.AddRange(NamesOf(group, $"{attribute}{part}"));
        return [.. names];
    }

    // Layers without weights have an empty list, which h5py stores as floats.
    private static string[] NamesOf(IH5Group group, string attribute)
    {
        var names = group.Attribute(attribute);
        if (names.Space.Dimensions.Any(size => size == 0)) return [];
        return names.Type.Class is H5DataTypeClass.String or H5DataTypeClass.VariableLength
            ? names.Read<string[]>()
            : throw new FormatException($"the attribute {attribute} of {group.Name} is no list of names");
    }

    // Takes what it reads off the bytes that are allowed: a dataset may declare sizes without holding a byte.
    private static StoredTensor ReadDataset(string name, IH5Dataset dataset, ref long allowed)
    {
        var space = dataset.Space;
        if (space.Dimensions.Any(size => size > int.MaxValue)) throw new FormatException($"tensor {name} is too large");
        long[] shape = [.. space.Dimensions.Select(size => (long)size)];
        int[] sizes = [.. shape.Select(size => (int)size)];
        var type = dataset.Type;
        var elementType = (type.Class, type.Size) switch
        {
            (H5DataTypeClass.FloatingPoint, 8) => ElementType.Float64,
            (H5DataTypeClass.FloatingPoint, 4) => ElementType.Float32,
            (H5DataTypeClass.FloatingPoint, 2) => ElementType.Float16,
            (H5DataTypeClass.FixedPoint, 8) => type.FixedPoint.IsSigned ? ElementType.Int64 : ElementType.UInt64,
            (H5DataTypeClass.FixedPoint, 4) => type.FixedPoint.IsSigned ? ElementType.Int32 : ElementType.UInt32,
            (H5DataTypeClass.FixedPoint, 2) => type.FixedPoint.IsSigned ? ElementType.Int16 : ElementType.UInt16,
            (H5DataTypeClass.FixedPoint, 1) => type.FixedPoint.IsSigned ? ElementType.Int8 : ElementType.UInt8,
            _ => throw new FormatException($"tensor {name} is of the type {type.Class} with {type.Size} bytes, which is not read"),
        };
        allowed -= (long)ElementConversion.ElementsOf(name, shape) * elementType.Width();
        if (allowed < 0) throw new FormatException($"tensor {name} makes the content far larger than the file");
        if (ElementConversion.ElementsOf(name, shape) == 0) return new StoredTensor(sizes, [], elementType);
        float[] values = elementType switch
        {
            ElementType.Float64 => Convert<double>(dataset, value => (float)value),
            ElementType.Float32 => dataset.Read<float[]>(),
            ElementType.Float16 => Convert<Half>(dataset, value => (float)value),
            ElementType.Int64 => Convert<long>(dataset, value => value),
            ElementType.UInt64 => Convert<ulong>(dataset, value => value),
            ElementType.Int32 => Convert<int>(dataset, value => value),
            ElementType.UInt32 => Convert<uint>(dataset, value => value),
            ElementType.Int16 => Convert<short>(dataset, value => value),
            ElementType.UInt16 => Convert<ushort>(dataset, value => value),
            ElementType.Int8 => Convert<sbyte>(dataset, value => value),
            _ => Convert<byte>(dataset, value => value),
        };
        return new StoredTensor(sizes, values, elementType);
    }

    private static float[] Convert<T>(IH5Dataset dataset, Converter<T, float> convert) => Array.ConvertAll(dataset.Read<T[]>(), convert);
}
