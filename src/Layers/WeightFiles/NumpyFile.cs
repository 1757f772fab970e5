using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// NumPy's .npy, an array behind a short header in Python's notation, and .npz, a zip archive of them. See the format's description,
/// numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Arrays of objects, which are pickles, are refused.
/// </summary>
internal static partial class NumpyFile
{
    /// <summary>Reads an array.</summary>
    /// <exception cref="FormatException">It is none, or none of numbers.</exception>
    public static StoredTensor ReadArray(string name, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 12 || bytes[0] != 0x93 || !bytes[1..6].SequenceEqual("NUMPY"u8)) throw new FormatException($"{name} does not begin like an array");
        var wide = bytes[6] >= 2;
        var headerLength = wide ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) : BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
        var start = wide ? 12 : 10;
        if (headerLength > bytes.Length - start) throw new FormatException($"{name} is cut off in its header");
        var header = Encoding.Latin1.GetString(bytes.Slice(start, (int)headerLength));
        var description = Description().Match(header);
        var order = FortranOrder().Match(header);
        var sizes = ShapeTuple().Match(header);
        if (!description.Success || !order.Success || !sizes.Success)
            throw new FormatException($"{name} is no array of numbers: its header is {header.Trim()[..Math.Min(80, header.Trim().Length)]}");
        long[] shape = [.. sizes.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(size => Size(name, size))];
        var type = TypeOf(name, description.Groups[2].Value);
        var length = ElementConversion.ElementsOf(name, shape);
        var data = bytes[(start + (int)headerLength)..];
        if (data.Length != (long)length * type.Width())
            throw new FormatException($"{name} has {data.Length} bytes of data where its shape [{string.Join(',', shape)}] needs {(long)length * type.Width()}");
        var values = type.ToFloats(data, bigEndian: description.Groups[1].Value == ">");
        int[] inInts = [.. shape.Select(size => (int)size)];
        return new StoredTensor(inInts, order.Groups[1].Value == "True" ? RowMajor(inInts, values) : values, type);
    }

    /// <summary>Reads every array of numbers of an archive, under its name without ".npy"; texts, which are notes, are passed over.</summary>
    /// <exception cref="FormatException">One is none.</exception>
    public static OrderedDictionary<string, StoredTensor> ReadArchive(ZipContent archive)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var entry in archive.Entries)
        {
            if (!entry.EndsWith(".npy", StringComparison.Ordinal)) throw new FormatException($"holds {entry}, which is no .npy array");
            var bytes = archive.Read(entry);
            if (IsText(bytes)) continue;
            if (!tensors.TryAdd(entry[..^4], ReadArray(entry, bytes))) throw new FormatException($"holds {entry} twice");
        }
        return tensors;
    }

    /// <summary>Writes tensors as an archive of float32 arrays, not compressed; its bytes depend on nothing but the content.</summary>
    public static void WriteArchive(Stream stream, IEnumerable<KeyValuePair<string, StoredTensor>> tensors)
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var (name, tensor) in tensors)
        {
            var entry = archive.CreateEntry(name + ".npy", CompressionLevel.NoCompression);
            entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
            using var target = entry.Open();
            var shape = tensor.Shape.Length == 1 ? $"{tensor.Shape[0]}," : string.Join(", ", tensor.Shape);
            var text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}";
            // Padded with spaces, so that the data begins at a multiple of 64, and ended with a line feed.
            var header = Encoding.ASCII.GetBytes(text.PadRight((text.Length + 11 + 63) / 64 * 64 - 11) + "\n");
            target.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
            target.Write(header);
            target.Write(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
        }
    }

    private static bool IsText(ReadOnlySpan<byte> bytes) =>
        bytes.Length > 12 && Description().Match(Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 128)])) is { Success: true } description
        && description.Groups[2].Value[0] is ('U' or 'S');

    private static long Size(string name, string text) =>
        long.TryParse(text.TrimEnd('L'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var size)
            ? size
            : throw new FormatException($"{name} has the size {text}");

    private static ElementType TypeOf(string name, string code) => code switch
    {
        "f8" => ElementType.Float64,
        "f4" => ElementType.Float32,
        "f2" => ElementType.Float16,
        "i8" => ElementType.Int64,
        "u8" => ElementType.UInt64,
        "i4" => ElementType.Int32,
        "u4" => ElementType.UInt32,
        "i2" => ElementType.Int16,
        "u2" => ElementType.UInt16,
        "i1" => ElementType.Int8,
        "u1" => ElementType.UInt8,
        "b1" => ElementType.Bool,
        "O" => throw new FormatException($"{name} is an array of Python objects, which are not read"),
        _ => throw new FormatException($"{name} is an array of the type {code}, which is not read"),
    };

    // Column-major: the first index runs fastest.
    private static float[] RowMajor(int[] shape, float[] values)
    {
        var target = new float[values.Length];
        var index = new int[shape.Length];
        foreach (var value in values)
        {
            var at = 0;
            for (var d = 0; d < shape.Length; d++) at = at * shape[d] + index[d];
            target[at] = value;
            for (var d = 0; d < shape.Length && ++index[d] == shape[d]; d++) index[d] = 0;
        }
        return target;
    }

    [GeneratedRegex(@"'descr'\s*:\s*'([<>|=]?)([A-Za-z]\d*)'")]
    private static partial Regex Description();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex FortranOrder();

    [GeneratedRegex(@"'shape'\s*:\s*\(([^)]*)\)")]
    private static partial Regex ShapeTuple();
}
