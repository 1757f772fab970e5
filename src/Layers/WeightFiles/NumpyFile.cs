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
    // NumPy's own limit; headers have about a hundred bytes, and are searched with patterns.
    private const int LongestHeader = 10_000;

    private sealed record Header(ElementType Type, bool BigEndian, bool ColumnMajor, long[] Shape);

    /// <summary>Reads an array.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="stream">The array with its header.</param>
    /// <param name="length">Bytes of both.</param>
    /// <param name="budget">The memory that reading may take.</param>
    /// <exception cref="FormatException">It is no array, or not one of numbers.</exception>
    public static StoredTensor ReadArray(string name, Stream stream, long length, AllocationBudget budget) =>
        ReadArray(name, stream, length, budget, passOverTexts: false)!;

    /// <summary>Reads every array of numbers of an archive, under its name without ".npy"; arrays of text are skipped.</summary>
    /// <exception cref="FormatException">One is none.</exception>
    public static OrderedDictionary<string, StoredTensor> ReadArchive(ZipContent archive, AllocationBudget budget)
    {
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var entry in archive.Entries)
        {
            if (!entry.EndsWith(".npy", StringComparison.Ordinal)) throw new FormatException($"holds {entry}, which is no .npy array");
            var tensor = archive.Read(entry, (stream, length) => ReadArray(entry, stream, length, budget, passOverTexts: true));
            if (tensor is not null && !tensors.TryAdd(entry[..^4], tensor)) throw new FormatException($"holds {entry} twice");
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

    private static StoredTensor? ReadArray(string name, Stream stream, long length, AllocationBudget budget, bool passOverTexts)
    {
        var start = new byte[12];
        if (stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || start[0] != 0x93
            || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            throw new FormatException($"{name} does not begin like an array");
        var wide = start[6] >= 2;
        long headerLength = wide ? BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8))
            : BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8));
        var headerStart = wide ? 12 : 10;
        if (headerLength > length - headerStart) throw new FormatException($"{name} is cut off in its header");
        if (headerLength is < 2 or > LongestHeader)
            throw new FormatException($"{name} has a header of {headerLength} bytes; {LongestHeader} are the most");
        var bytes = new byte[headerLength];
        var there = start.Length - headerStart;
        start.AsSpan(headerStart).CopyTo(bytes);
        stream.ReadExactly(bytes.AsSpan(there));
        var text = Encoding.Latin1.GetString(bytes);
        var description = Description().Match(text);
        if (passOverTexts && description.Success && description.Groups[2].Value[0] is 'U' or 'S') return null;
        var header = HeaderOf(name, text, description);
        // Read before anything is allocated: a header may claim any shape.
        var (data, needed) = (length - headerStart - headerLength,
            (long)ElementConversion.ElementsOf(name, header.Shape) * header.Type.Width());
        if (data != needed)
            throw new FormatException($"{name} has {data} bytes of data where its shape [{string.Join(',', header.Shape)}] needs {needed}");
        var values = new float[budget.TakeTensor(name, header.Shape, reordered: true)];
        header.Type.ReadFloats(stream, values, header.BigEndian);
        int[] shape = [.. header.Shape.Select(size => (int)size)];
        if (!header.ColumnMajor || values.Length == 0) return new StoredTensor(shape, values, header.Type);
        budget.Take((long)values.Length * sizeof(float), $"tensor {name}");
        return new StoredTensor(shape, RowMajor(shape, values), header.Type);
    }

    private static Header HeaderOf(string name, string text, Match description)
    {
        var order = FortranOrder().Match(text);
        var sizes = ShapeTuple().Match(text);
        if (!description.Success || !order.Success || !sizes.Success)
            throw new FormatException($"{name} is no array of numbers: its header is {text.Trim()[..Math.Min(80, text.Trim().Length)]}");
        long[] shape = [.. sizes.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(size => Size(name, size))];
        return new Header(TypeOf(name, description.Groups[2].Value), description.Groups[1].Value == ">", order.Groups[1].Value == "True",
            shape);
    }

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
