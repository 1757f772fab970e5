using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Convolve.Engine.Files;

namespace Convolve.Layers.WeightFiles;

/// <summary>A tensor of a weight file, converted to float32.</summary>
/// <param name="Shape">Its sizes; empty for a single number.</param>
/// <param name="Values">Row-major values.</param>
/// <param name="Type">The type of its numbers in the file.</param>
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

/// <summary>A weight file is damaged, or not of the expected kind. The message is one line and names the file.</summary>
public sealed class WeightFileException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The safetensors format: eight bytes of header length, a JSON header of names, types, shapes and offsets, then the raw data.
/// See github.com/huggingface/safetensors.
/// </summary>
public sealed class SafeTensors
{
    /// <summary>The largest header that is read (the reference implementation's limit).</summary>
    private const long LargestHeader = 100_000_000;

    private const string MetadataName = "__metadata__";

    // A key with its text in two dictionaries.
    private const long BytesOfAText = 512;

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
    public static SafeTensors Read(string path) => Open(path, (stream, budget) =>
    {
        var header = ReadHeader(stream, budget);
        var file = new SafeTensors();
        foreach (var (key, text) in header.Metadata) file.Metadata[key] = text;
        // In the order of the data, which may differ from that of the header.
        foreach (var tensor in header.Tensors)
        {
            var values = new float[ElementConversion.ElementsOf(tensor.Name, tensor.Shape)];
            tensor.Type.ReadFloats(stream, values);
            file.Add(tensor.Name, [.. tensor.Shape.Select(size => (int)size)], values, tensor.Type);
        }
        return file;
    });

    /// <summary>Reads only a file's metadata.</summary>
    /// <exception cref="WeightFileException">The file is missing, truncated or malformed.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path) =>
        Open(path, (stream, budget) => ReadHeader(stream, budget).Metadata);

    /// <summary>Writes a whole file (<see cref="WholeFile"/>). The bytes depend on nothing but the content.</summary>
    /// <exception cref="WeightFileException">The folder cannot be written to.</exception>
    public void Write(string path)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json)) WriteHeader(writer);
        // The data starts at a multiple of eight, so that a reader may map it; the padding is spaces.
        while (json.Length % 8 != 0) json.WriteByte((byte)' ');
        WeightFile.Write(path, stream =>
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(prefix, json.Length);
            stream.Write(prefix);
            json.WriteTo(stream);
            foreach (var tensor in tensors.Values) stream.Write(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
        });
    }

    private void WriteHeader(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (Metadata.Count > 0)
        {
            writer.WriteStartObject(MetadataName);
            foreach (var (key, text) in Metadata) writer.WriteString(key, text);
            writer.WriteEndObject();
        }
        long offset = 0;
        foreach (var (name, tensor) in tensors)
        {
            var length = tensor.Values.LongLength * sizeof(float);
            writer.WriteStartObject(name);
            writer.WriteString("dtype", "F32");
            writer.WriteStartArray("shape");
            foreach (var size in tensor.Shape) writer.WriteNumberValue(size);
            writer.WriteEndArray();
            writer.WriteStartArray("data_offsets");
            writer.WriteNumberValue(offset);
            writer.WriteNumberValue(offset += length);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static T Open<T>(string path, Func<FileStream, AllocationBudget, T> read)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return read(stream, new AllocationBudget(stream.Length));
        }
        catch (EndOfStreamException e)
        {
            throw new WeightFileException($"{path}: changed while it was read", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightFileException($"{path}: cannot be read: {WeightFile.OneLine(e)}", e);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or OverflowException
            or ArgumentException)
        {
            throw new WeightFileException($"{path}: is no intact safetensors file: {WeightFile.OneLine(e)}", e);
        }
    }

    private sealed record Description(string Name, ElementType Type, long[] Shape, long From, long To);

    // The tensors in the order of their data; the stream stands at the first.
    private static (List<Description> Tensors, Dictionary<string, string> Metadata) ReadHeader(FileStream stream, AllocationBudget budget)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < prefix.Length) throw new FormatException($"{stream.Length} bytes are too few for a header");
        stream.ReadExactly(prefix);
        var headerLength = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (headerLength < 2 || headerLength > LargestHeader || headerLength > stream.Length - 8)
            throw new FormatException($"the header would be {headerLength} bytes long in a file of {stream.Length}");
        var bytes = new byte[headerLength];
        stream.ReadExactly(bytes);
        var dataLength = stream.Length - stream.Position;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var described = new List<Description>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        // Token by token: the tree of a header of a hundred megabytes would take gigabytes.
        var reader = new Utf8JsonReader(bytes);
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader, budget) is { } name)
        {
            if (!names.Add(name)) throw new FormatException($"holds {name} twice");
            if (name == MetadataName) ReadMetadata(ref reader, metadata, budget);
            else described.Add(Describe(ref reader, name, dataLength, budget));
        }
        if (reader.Read()) throw new FormatException("the header goes on after its end");
        // Tensors are contiguous: if they overlap or leave a gap, the offsets are wrong, and the values may be, too.
        described.Sort((a, b) => (a.From, a.To).CompareTo((b.From, b.To)) is var order and not 0 ? order
            : string.CompareOrdinal(a.Name, b.Name));
        long end = 0;
        foreach (var tensor in described)
        {
            if (tensor.From != end)
                throw new FormatException(
                    $"tensor {tensor.Name} begins at byte {tensor.From} of the data, where the one before it ends at {end}");
            end = tensor.To;
        }
        if (end != dataLength) throw new FormatException($"{dataLength - end} bytes of data belong to no tensor");
        return (described, metadata);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata, AllocationBudget budget)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader, budget) is { } key)
        {
            Expect(ref reader, JsonTokenType.String);
            budget.Take(BytesOfAText + sizeof(char) * (long)reader.ValueSpan.Length, MetadataName);
            if (!metadata.TryAdd(key, reader.GetString()!)) throw new FormatException($"{MetadataName} has {key} twice");
        }
    }

    private static Description Describe(ref Utf8JsonReader reader, string name, long dataLength, AllocationBudget budget)
    {
        string? type = null;
        List<long>? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader, budget) is { } key)
        {
            switch (key)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String);
                    type = reader.GetString();
                    break;
                case "shape" when shape is null: shape = Numbers(ref reader, name, "size"); break;
                case "data_offsets" when offsets is null: offsets = Numbers(ref reader, name, "offset"); break;
                case "dtype" or "shape" or "data_offsets": throw new FormatException($"tensor {name} has {key} twice");
                default: reader.Skip(); break;
            }
        }
        if (type is null) throw new FormatException($"tensor {name} has no dtype");
        if (shape is null) throw new FormatException($"tensor {name} has no shape");
        if (offsets is not [var from, var to] || from < 0 || to < from)
            throw new FormatException($"tensor {name} has no valid data_offsets");
        if (to > dataLength)
            throw new FormatException($"truncated: tensor {name} ends at byte {to} of the data, of which there are {dataLength}");
        var element = TypeOf(name, type);
        var sizes = shape.ToArray();
        var needed = (long)budget.TakeTensor(name, sizes, ConvolveLayout.MayTurn(name, sizes.Length)) * element.Width();
        if (needed != to - from) throw new FormatException($"tensor {name} has {to - from} bytes where its shape needs {needed}");
        return new Description(name, element, sizes, from, to);
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType token)
    {
        if (!reader.Read() || reader.TokenType != token)
            throw new FormatException($"the header has {reader.TokenType} where {token} should be");
    }

    // Null at the end of an object.
    private static string? NextName(ref Utf8JsonReader reader, AllocationBudget budget)
    {
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject) return null;
        budget.TakeText(reader.ValueSpan.Length, "the header");
        return reader.GetString();
    }

    private static List<long> Numbers(ref Utf8JsonReader reader, string name, string what)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (!reader.TryGetInt64(out var number)) throw new FormatException($"tensor {name} has a {what} that is no whole number");
            if (numbers.Count == ElementConversion.MostDimensions)
                throw new FormatException($"tensor {name} has more than {numbers.Count} dimensions");
            numbers.Add(number);
        }
        return reader.TokenType == JsonTokenType.EndArray ? numbers
            : throw new FormatException($"tensor {name} has a {what} {reader.TokenType}");
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
}
