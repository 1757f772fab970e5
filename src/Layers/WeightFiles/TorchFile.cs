using System.Buffers.Binary;
using System.Numerics;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Files of <c>torch.save</c>: since PyTorch 1.6 a zip archive with a pickle, <c>data.pkl</c>, and a file for each storage; before that
/// several pickles in a row, then the storages. Tensors are found in dictionaries and lists of any depth and named by their path.
/// </summary>
internal static class TorchFile
{
    private const string PickleName = "data.pkl";

    // Deeper than any checkpoint; a structure that contains itself ends there.
    private const int DeepestNesting = 64;

    // A list that contains another ten times, which contains another ten times: small in a file, endless to traverse.
    private const int MostValues = 1_000_000;

    private static readonly StoredTensor unread = new([], []);
    private static readonly BigInteger legacyMagic = BigInteger.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber);

    /// <summary>Whether an archive is one of torch.save.</summary>
    public static bool IsTorch(ZipContent archive) => archive.Entries.Any(IsPickle);

    /// <summary>Reads an archive.</summary>
    /// <exception cref="FormatException">It is malformed, or contains more than tensors.</exception>
    public static OrderedDictionary<string, StoredTensor> ReadArchive(ZipContent archive, AllocationBudget budget)
    {
        var pickle = archive.Entries.First(IsPickle);
        var folder = pickle[..^PickleName.Length];
        var bigEndian = archive.Holds(folder + "byteorder") && archive.Read(folder + "byteorder").AsSpan().StartsWith("big"u8);
        var position = 0;
        var found = Find(Pickle.Read(archive.Read(pickle), ref position, budget), budget);
        return Tensors(found, budget, bigEndian, key => archive.Read($"{folder}data/{key}"));
    }

    /// <summary>
    /// Reads a file from before PyTorch 1.6: magic number, version, system, the pickle, the storages' keys, the storages.
    /// </summary>
    /// <exception cref="FormatException">It is malformed, or contains more than tensors.</exception>
    public static OrderedDictionary<string, StoredTensor> ReadLegacy(byte[] file, AllocationBudget budget)
    {
        var position = 0;
        if (Pickle.Read(file, ref position, budget) is not BigInteger magic || magic != legacyMagic)
            throw new FormatException("is a pickle, but not one of torch.save");
        if (Pickle.Read(file, ref position, budget) is not 1001L)
            throw new FormatException("is of a version of torch.save that is not known");
        var bigEndian = Pickle.Read(file, ref position, budget) is PickledMap system && system.Entries.Contains(("little_endian", false));
        var found = Find(Pickle.Read(file, ref position, budget), budget);
        if (Pickle.Read(file, ref position, budget) is not List<object?> keys) throw new FormatException("does not list its storages");
        // Only the tensors tell the type of a storage's elements.
        var widths = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (_, tensor) in found) widths[tensor.Storage.Key] = tensor.Storage.Type.Width();
        var storages = new Dictionary<string, (int Start, long Length)>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            if (key is not string name || !widths.TryGetValue(name, out var width))
                throw new FormatException($"lists the storage {key}, which no tensor uses");
            if (file.Length - position < sizeof(long)) throw new FormatException($"is cut off before storage {name}");
            var elements = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(position));
            position += sizeof(long);
            if (elements < 0 || elements > (file.Length - position) / width)
                throw new FormatException($"is cut off: storage {name} has {elements} elements, {file.Length - position} bytes are left");
            storages[name] = (position, elements * width);
            position += (int)(elements * width);
        }
        return Tensors(found, budget, bigEndian, key => storages.TryGetValue(key, out var place)
            ? file.AsMemory(place.Start, (int)place.Length)
            : throw new FormatException($"has no storage {key}"));
    }

    private static bool IsPickle(string entry) =>
        entry == PickleName || (entry.EndsWith("/" + PickleName, StringComparison.Ordinal) && entry.Count(c => c == '/') == 1);

    // One storage at a time, so that only one is in memory; the tensors keep the order of the file.
    private static OrderedDictionary<string, StoredTensor> Tensors(
        List<(string Name, PickledTensor Tensor)> found, AllocationBudget budget, bool bigEndian, Func<string, ReadOnlyMemory<byte>> read)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in found)
        {
            // Many views may repeat one small storage.
            budget.TakeTensor(name, tensor.Size, ConvolveLayout.MayTurn(name, tensor.Size.Length));
            if (!tensors.TryAdd(name, unread)) throw new FormatException($"holds {name} twice");
        }
        foreach (var views in found.GroupBy(view => view.Tensor.Storage.Key, StringComparer.Ordinal))
        {
            var bytes = read(views.Key);
            foreach (var (name, tensor) in views)
            {
                var storage = tensor.Storage;
                if (storage.Length > bytes.Length / storage.Type.Width() - storage.Offset)
                    throw new FormatException(
                        $"storage {storage.Key} has {bytes.Length} bytes where {storage.Length} elements from {storage.Offset} on are "
                        + "needed");
                tensors[name] = Materialize(name, tensor, bytes.Span, bigEndian);
            }
        }
        return tensors;
    }

    // In row-major order, for any strides.
    private static StoredTensor Materialize(string name, PickledTensor tensor, ReadOnlySpan<byte> bytes, bool bigEndian)
    {
        var (storage, size, stride) = (tensor.Storage, tensor.Size, tensor.Stride);
        var length = ElementConversion.ElementsOf(name, size);
        if (size.Length != stride.Length) throw new FormatException($"tensor {name} has {size.Length} sizes and {stride.Length} strides");
        int[] shape = [.. size.Select(s => (int)s)];
        if (length == 0) return new StoredTensor(shape, [], storage.Type);
        long last = tensor.Offset, dense = 1;
        var contiguous = true;
        for (var d = size.Length - 1; d >= 0; d--)
        {
            if (stride[d] < 0) throw new FormatException($"tensor {name} has the negative stride {stride[d]}");
            last = checked(last + (size[d] - 1) * stride[d]);
            contiguous &= size[d] == 1 || stride[d] == dense;
            dense *= size[d];
        }
        if (tensor.Offset < 0 || last >= storage.Length)
            throw new FormatException($"tensor {name} reaches from element {tensor.Offset} to {last} of a storage of {storage.Length}");
        var start = (int)(storage.Offset + tensor.Offset);
        var values = new float[length];
        if (contiguous)
        {
            storage.Type.ToFloats(bytes[(start * storage.Type.Width())..], values, bigEndian);
            return new StoredTensor(shape, values, storage.Type);
        }
        var index = new int[shape.Length];
        for (var i = 0; i < length; i++)
        {
            long at = start;
            for (var d = 0; d < shape.Length; d++) at += index[d] * stride[d];
            values[i] = storage.Type.ToFloat(bytes, (int)at, bigEndian);
            for (var d = shape.Length - 1; d >= 0 && ++index[d] == shape[d]; d--) index[d] = 0;
        }
        return new StoredTensor(shape, values, storage.Type);
    }

    /// <summary>Every tensor under its path, such as <c>state_dict.features.0.weight</c>; a single one is called "tensor".</summary>
    private static List<(string Name, PickledTensor Tensor)> Find(object? root, AllocationBudget budget)
    {
        var found = new List<(string, PickledTensor)>();
        // Paths become text only for tensors: a million values may be below a key of a million characters.
        var path = new List<string>();
        var values = 0;
        Visit(root);
        return found;

        void Visit(object? value)
        {
            if (++values > MostValues || path.Count > DeepestNesting) throw new FormatException("is nested without end");
            if (value is PickledTensor tensor)
            {
                budget.TakeText(path.Sum(key => (long)key.Length + 1), "the tensors' names");
                found.Add((path.Count == 0 ? "tensor" : string.Join('.', path), tensor));
            }
            else if (value is PickledMap map)
                foreach (var (key, entry) in map.Entries) Below(key, entry);
            else if (value is IEnumerable<object?> list)
            {
                long i = 0;
                foreach (var entry in list) Below(i++, entry);
            }
        }

        void Below(object? key, object? entry)
        {
            path.Add(entry is PickledTensor or PickledMap or IEnumerable<object?> ? key?.ToString() ?? "None" : "");
            Visit(entry);
            path.RemoveAt(path.Count - 1);
        }
    }
}
