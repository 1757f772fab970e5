using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convolve.Layers.WeightFiles;

/// <summary>A tensor of a weight file, converted to float32.</summary>
/// <param name="Shape">Its sizes; empty for a single number.</param>
/// <param name="Values">Row-major values.</param>
/// <param name="Type">What the file stores its numbers as.</param>
public sealed record StoredTensor(int[] Shape, float[] Values, ElementType Type = ElementType.Float32)
{
    /// <summary>Whether no value is NaN or infinite.</summary>
    public bool IsFinite
    {
        get
        {
            foreach (var value in Values)
                if (!float.IsFinite(value)) return false;
            return true;
        }
    }
}

/// <summary>A weight file is broken or not what it is taken for. The message is one line and names the file.</summary>
public sealed class WeightFileException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The safetensors format: eight bytes of header length, a JSON header of names, types, shapes and offsets, then the raw data.
/// See github.com/huggingface/safetensors.
/// </summary>
public sealed class SafeTensors
{
    /// <summary>A header larger than this is taken for garbage rather than read (the reference implementation's own limit).</summary>
    private const long LargestHeader = 100_000_000;

    private readonly SortedDictionary<string, StoredTensor> tensors = new(StringComparer.Ordinal);

    /// <summary>Free text by key, from the header's <c>__metadata__</c>.</summary>
    public SortedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => tensors;

    /// <summary>Adds a tensor, or replaces one.</summary>
    /// <exception cref="ArgumentException">The shape does not have as many elements as there are values.</exception>
    public void Add(string name, int[] shape, float[] values) => Add(name, shape, values, ElementType.Float32);

    private void Add(string name, int[] shape, float[] values, ElementType type)
    {
        if (shape.Aggregate(1L, (product, s) => checked(product * s)) != values.LongLength)
            throw new ArgumentException($"tensor {name}: {values.Length} values do not fill the shape [{string.Join(',', shape)}]");
        tensors[name] = new StoredTensor(shape, values, type);
    }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="WeightFileException">The file is missing, truncated or malformed.</exception>
    public static SafeTensors Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightFileException($"{path}: cannot be read: {e.Message}", e);
        }
        try
        {
            return Parse(bytes);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or OverflowException or ArgumentException)
        {
            throw new WeightFileException($"{path}: is no intact safetensors file: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>Writes a whole file (<see cref="WholeFile"/>). The bytes depend on nothing but the content.</summary>
    /// <exception cref="WeightFileException">The folder cannot be written to.</exception>
    public void Write(string path)
    {
        var header = new JsonObject();
        if (Metadata.Count > 0)
            header["__metadata__"] = new JsonObject(Metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        long offset = 0;
        foreach (var (name, tensor) in tensors)
        {
            var length = tensor.Values.LongLength * sizeof(float);
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. tensor.Shape.Select(s => (JsonNode)s)]),
                ["data_offsets"] = new JsonArray(offset, offset + length),
            };
            offset += length;
        }
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        // The data starts at a multiple of eight, so that a reader may map it; the padding is spaces.
        var padded = new byte[(json.Length + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        json.CopyTo(padded, 0);
        WeightFile.Write(path, stream =>
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(prefix, padded.Length);
            stream.Write(prefix);
            stream.Write(padded);
            foreach (var tensor in tensors.Values) stream.Write(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
        });
    }

    private static SafeTensors Parse(byte[] bytes)
    {
        if (bytes.Length < 8) throw new FormatException($"{bytes.Length} bytes are too few for a header");
        var headerLength = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        if (headerLength < 2 || headerLength > LargestHeader || headerLength > bytes.Length - 8)
            throw new FormatException($"the header would be {headerLength} bytes long in a file of {bytes.Length}");
        var header = JsonNode.Parse(bytes.AsSpan(8, (int)headerLength))?.AsObject() ?? throw new FormatException("the header is null");
        var data = bytes.AsMemory(8 + (int)headerLength);
        var file = new SafeTensors();
        var ranges = new List<(long From, long To, string Name)>();
        foreach (var (name, node) in header)
        {
            if (node is null) throw new FormatException($"tensor {name} has no description");
            if (name == "__metadata__")
            {
                foreach (var (key, value) in node.AsObject()) file.Metadata[key] = (string?)value ?? "";
                continue;
            }
            var type = (string?)node["dtype"] ?? throw new FormatException($"tensor {name} has no dtype");
            var shape = node["shape"]?.AsArray().Select(s => (int?)s ?? throw new FormatException($"tensor {name} has a size null")).ToArray()
                ?? throw new FormatException($"tensor {name} has no shape");
            var offsets = node["data_offsets"]?.AsArray().Select(s => (long?)s ?? -1).ToArray();
            if (offsets is not [var from, var to] || from < 0 || to < from) throw new FormatException($"tensor {name} has no valid data_offsets");
            if (to > data.Length)
                throw new FormatException($"truncated: tensor {name} ends at byte {to} of the data, of which there are {data.Length}");
            if (shape.Any(s => s < 0)) throw new FormatException($"tensor {name} has a negative size");
            var length = shape.Aggregate(1L, (product, s) => checked(product * s));
            var element = TypeOf(name, type);
            file.Add(name, shape, Convert(name, element, data.Span[(int)from..(int)to], length), element);
            ranges.Add((from, to, name));
        }
        // Tensors lie side by side: where they overlap or leave a hole, the offsets are wrong, and so may be the values.
        long end = 0;
        foreach (var (from, to, name) in ranges.Order())
        {
            if (from != end) throw new FormatException($"tensor {name} begins at byte {from} of the data, where the one before it ends at {end}");
            end = to;
        }
        if (end != data.Length) throw new FormatException($"{data.Length - end} bytes of data belong to no tensor");
        return file;
    }

    private static ElementType TypeOf(string name, string type) => type switch
    {
        "F64" => ElementType.Float64,
        "F32" => ElementType.Float32,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        "I64" => ElementType.Int64,
        "U64" => ElementType.UInt64,
        "I32" => ElementType.Int32,
        "U32" => ElementType.UInt32,
        "I16" => ElementType.Int16,
        "U16" => ElementType.UInt16,
        "I8" => ElementType.Int8,
        "U8" => ElementType.UInt8,
        "BOOL" => ElementType.Bool,
        _ => throw new FormatException($"tensor {name} has the unknown dtype {type}"),
    };

    private static float[] Convert(string name, ElementType type, ReadOnlySpan<byte> bytes, long length)
    {
        if (length * type.Width() != bytes.Length)
            throw new FormatException($"tensor {name} has {bytes.Length} bytes where its shape needs {length * type.Width()}");
        return type.ToFloats(bytes);
    }
}
