using Convolve.Engine.Files;

namespace Convolve.Layers.WeightFiles;

/// <summary>The formats of weight files that are read.</summary>
public enum WeightFormat
{
    /// <summary>.safetensors.</summary>
    SafeTensors,

    /// <summary>One NumPy array, .npy.</summary>
    Npy,

    /// <summary>An archive of NumPy arrays, .npz.</summary>
    Npz,

    /// <summary>HDF5, as Keras writes it, .h5.</summary>
    Hdf5,

    /// <summary>torch.save since PyTorch 1.6, .pth or .pt.</summary>
    Torch,

    /// <summary>torch.save before PyTorch 1.6.</summary>
    TorchLegacy,
}

/// <summary>The order of the values in a file's tensors; see <see cref="ConvolveLayout"/>.</summary>
public enum TensorLayout
{
    /// <summary>The tensors' names decide.</summary>
    Unsaid,

    /// <summary>That of PyTorch.</summary>
    Torch,

    /// <summary>That of Convolve and Keras.</summary>
    Convolve,
}

/// <summary>A weight file of any tool: its tensors under their own names, as float32, in the layout in which they are stored.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Format">Its format, by its first bytes.</param>
/// <param name="Layout">The order of the numbers in its tensors.</param>
/// <param name="Tensors">Its tensors in order.</param>
public sealed record WeightFile(string Path, WeightFormat Format, TensorLayout Layout, OrderedDictionary<string, StoredTensor> Tensors)
{
    // In .safetensors files of Convolve: the layout of the tensors, whose names may be PyTorch's.
    private const string LayoutKey = "layout";

    /// <summary>Reads a file.</summary>
    /// <exception cref="WeightFileException">It is missing, damaged, or of no known format; the message is one line.</exception>
    public static WeightFile Read(string path)
    {
        var format = FormatOf(path);
        try
        {
            var file = Content(path, format);
            return file.Tensors.Count > 0 ? file : throw new FormatException("holds no tensor");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not EndOfStreamException)
        {
            throw new WeightFileException($"{path}: cannot be read: {OneLine(e)}", e);
        }
        catch (FormatException e)
        {
            throw new WeightFileException($"{path}: {OneLine(e)}", e);
        }
        catch (Exception e) when (e is not WeightFileException)
        {
            // Libraries throw all kinds of exceptions for damaged bytes, such as for an array of impossible size.
            // Only a readable archive shows which of the two kinds it is.
            var kind = format == WeightFormat.Npz ? $"{Name(format)} or {Name(WeightFormat.Torch)}" : Name(format);
            throw new WeightFileException($"{path}: is damaged, or uses what is not read of {kind} files: {OneLine(e)}", e);
        }
    }

    /// <summary>The name of a format for people and scripts.</summary>
    public static string Name(WeightFormat format) => format switch
    {
        WeightFormat.SafeTensors => "safetensors",
        WeightFormat.Npy => "npy",
        WeightFormat.Npz => "npz",
        WeightFormat.Hdf5 => "hdf5",
        WeightFormat.Torch => "pytorch",
        _ => "pytorch-legacy",
    };

    /// <summary>Writes tensors as .safetensors; see <see cref="SafeTensors.Write"/>.</summary>
    /// <exception cref="WeightFileException">The file cannot be written, or a name is not possible in it.</exception>
    public static void WriteSafeTensors(string path, OrderedDictionary<string, StoredTensor> tensors, TensorLayout layout)
    {
        var file = new SafeTensors();
        if (layout != TensorLayout.Unsaid) file.Metadata[LayoutKey] = layout.ToString().ToLowerInvariant();
        foreach (var (name, tensor) in tensors)
        {
            if (name == "__metadata__") throw new WeightFileException($"{path}: a .safetensors file can hold no tensor called {name}");
            file.Add(name, tensor.Shape, tensor.Values);
        }
        file.Write(path);
    }

    /// <summary>Writes tensors as .npz, a whole file (<see cref="WholeFile"/>).</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void WriteNpz(string path, IEnumerable<KeyValuePair<string, StoredTensor>> tensors) =>
        Write(path, stream => NumpyFile.WriteArchive(stream, tensors));

    /// <summary>Writes a whole file of any format.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    internal static void Write(string path, Action<Stream> write)
    {
        try { WholeFile.Write(path, write); }
        catch (Exception e) when (e is IOException
            or UnauthorizedAccessException)
        { throw new WeightFileException($"{path}: cannot be written: {e.Message}", e); }
    }

    private static WeightFile Content(string path, WeightFormat format)
    {
        switch (format)
        {
            case WeightFormat.Hdf5: return new(path, format, TensorLayout.Convolve, KerasFile.Read(path, Allowed(path)));
            case WeightFormat.Npy:
                var name = System.IO.Path.GetFileNameWithoutExtension(path);
                using (var stream = File.OpenRead(path))
                    return new(path, format, TensorLayout.Unsaid,
                        new(StringComparer.Ordinal)
                        {
                            [name] = NumpyFile
                        .ReadArray(name, stream, stream.Length, new AllocationBudget(stream.Length))
                        });
            case WeightFormat.TorchLegacy:
                return new(path, format, TensorLayout.Torch,
                TorchFile.ReadLegacy(File.ReadAllBytes(path), Allowed(path)));
            case WeightFormat.SafeTensors:
                var file = SafeTensors.Read(path);
                Enum.TryParse(file.Metadata.GetValueOrDefault(LayoutKey), ignoreCase: true, out TensorLayout layout);
                return new(path, format, layout, InNaturalOrder(file.Tensors));
            default:
                using (var stream = File.OpenRead(path))
                {
                    var budget = new AllocationBudget(stream.Length);
                    using var archive = new ZipContent(stream, budget);
                    return TorchFile.IsTorch(archive)
                        ? new(path, WeightFormat.Torch, TensorLayout.Torch, TorchFile.ReadArchive(archive, budget))
                        : new(path, format, TensorLayout.Unsaid, NumpyFile.ReadArchive(archive, budget));
                }
        }
    }

    private static WeightFormat FormatOf(string path)
    {
        Span<byte> start = stackalloc byte[9];
        int length;
        try
        {
            using var stream = File.OpenRead(path);
            length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new WeightFileException($"{path}: no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightFileException($"{path}: cannot be read: {OneLine(e)}", e);
        }
        start = start[..length];
        if (start.StartsWith(Hdf5.Hdf5File.Magic)) return WeightFormat.Hdf5;
        if (start.StartsWith("PK\u0003\u0004"u8) || start.StartsWith("PK\u0005\u0006"u8)) return WeightFormat.Npz;
        if (length > 5 && start[0] == 0x93 && start[1..6].SequenceEqual("NUMPY"u8)) return WeightFormat.Npy;
        // Before pickles: a header's length may begin with the same two bytes, but a header is shorter than 4 GiB.
        if (length == 9 && start[8] == '{' && start[4..8].IndexOfAnyExcept((byte)0) < 0) return WeightFormat.SafeTensors;
        if (length > 1 && start[0] == 0x80 && start[1] is >= 2 and <= 5) return WeightFormat.TorchLegacy;
        throw new WeightFileException(length == 0
            ? $"{path}: is empty"
            : $"{path}: is no weight file that can be read: it begins neither like .safetensors, .h5, .npz, .npy nor like a file of "
            + "torch.save");
    }

    // Follows links: the length of a link is not that of its file.
    private static AllocationBudget Allowed(string path)
    {
        using var stream = File.OpenRead(path);
        return new AllocationBudget(stream.Length);
    }

    // The reference implementation sorts tensors by name as text, where features.10 comes before features.2.
    private static OrderedDictionary<string, StoredTensor> InNaturalOrder(IReadOnlyDictionary<string, StoredTensor> tensors) =>
        new(tensors.OrderBy(tensor => tensor.Key, new NaturalOrder()), StringComparer.Ordinal);

    /// <summary>What went wrong, for a message of one line: names in a file may be of any length.</summary>
    internal static string OneLine(Exception e)
    {
        const int Longest = 400;
        var line = e.Message.AsSpan(0, e.Message.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? end : e.Message.Length);
        return line.Length > Longest ? $"{line[..(Longest / 2)]}…{line[^(Longest / 2)..]}" : line.ToString();
    }

    // Digits compare as numbers of any length, everything else as text.
    private sealed class NaturalOrder : IComparer<string>
    {
        public int Compare(string? a, string? b)
        {
            ReadOnlySpan<char> x = a, y = b;
            while (x.Length > 0 && y.Length > 0)
            {
                if (!char.IsAsciiDigit(x[0]) || !char.IsAsciiDigit(y[0]))
                {
                    if (x[0] != y[0]) return x[0].CompareTo(y[0]);
                    x = x[1..];
                    y = y[1..];
                    continue;
                }
                var m = Number(ref x);
                var n = Number(ref y);
                if (m.Length != n.Length) return m.Length.CompareTo(n.Length);
                if (m.SequenceCompareTo(n) is var order and not 0) return order;
            }
            return x.Length != y.Length ? x.Length.CompareTo(y.Length) : string.CompareOrdinal(a, b);
        }

        private static ReadOnlySpan<char> Number(ref ReadOnlySpan<char> text)
        {
            var end = text.IndexOfAnyExceptInRange('0', '9');
            var digits = end < 0 ? text : text[..end];
            text = text[digits.Length..];
            return digits.TrimStart('0');
        }
    }
}
