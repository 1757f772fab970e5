namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>The bytes of an HDF5 file, read where the file says that something lies. Whatever is read is taken from the file's allowance.</summary>
internal sealed class Hdf5Bytes : IDisposable
{
    /// <summary>The address of what is nowhere.</summary>
    public const ulong Nowhere = ulong.MaxValue;

    // Unbuffered: what is read next lies elsewhere.
    private readonly FileStream stream;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="allowance">What reading may cost.</param>
    public Hdf5Bytes(string path, Allowance allowance)
    {
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        Length = stream.Length;
        Allowance = allowance;
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>What reading may cost.</summary>
    public Allowance Allowance { get; }

    /// <summary>Reads bytes of the file's structure.</summary>
    /// <param name="address">Where they begin.</param>
    /// <param name="count">How many.</param>
    /// <param name="what">What they are, for the message.</param>
    /// <exception cref="FormatException">The file has no such bytes, or they are read too often.</exception>
    public byte[] Read(ulong address, ulong count, string what)
    {
        RequireWithin(address, count, what);
        Allowance.Take((long)count, what);
        var bytes = new byte[count];
        ReadInto(address, bytes, what);
        return bytes;
    }

    /// <summary>Fills a span with bytes of the file; the caller has taken them from the allowance.</summary>
    /// <exception cref="FormatException">The file has no such bytes.</exception>
    public void ReadInto(ulong address, Span<byte> target, string what)
    {
        GoTo(address, (ulong)target.Length, what);
        stream.ReadExactly(target);
    }

    /// <summary>Numbers in a row, as floats; the caller has taken them from the allowance.</summary>
    /// <exception cref="FormatException">The file has no such bytes.</exception>
    public void ReadFloats(ulong address, ElementType type, bool bigEndian, Span<float> target, string what)
    {
        GoTo(address, (ulong)target.Length * (ulong)type.Width(), what);
        type.ReadFloats(stream, target, bigEndian);
    }

    /// <summary>Sees that something lies within the file.</summary>
    /// <exception cref="FormatException">It does not.</exception>
    public void RequireWithin(ulong address, ulong count, string what)
    {
        if (address > (ulong)Length || count > (ulong)Length - address) throw new FormatException($"{what} lies outside of the file, which has {Length} bytes");
    }

    private void GoTo(ulong address, ulong count, string what)
    {
        RequireWithin(address, count, what);
        stream.Position = (long)address;
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();
}
