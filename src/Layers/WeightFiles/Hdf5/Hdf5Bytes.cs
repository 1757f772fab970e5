namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>The bytes of an HDF5 file, read at the addresses that the file gives. Every byte read is taken from the budget.</summary>
internal sealed class Hdf5Bytes : IDisposable
{
    /// <summary>The undefined address.</summary>
    public const ulong Nowhere = ulong.MaxValue;

    // Unbuffered: the next read is elsewhere.
    private readonly FileStream stream;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="budget">The memory that reading may take.</param>
    public Hdf5Bytes(string path, AllocationBudget budget)
    {
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        Length = stream.Length;
        AllocationBudget = budget;
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>The memory that reading may take.</summary>
    public AllocationBudget AllocationBudget { get; }

    /// <summary>Reads bytes of the file's structure.</summary>
    /// <param name="address">Where they begin.</param>
    /// <param name="count">How many.</param>
    /// <param name="what">Their name in the message.</param>
    /// <exception cref="FormatException">The bytes are outside the file, or the budget is used up.</exception>
    public byte[] Read(ulong address, ulong count, string what)
    {
        RequireWithin(address, count, what);
        AllocationBudget.Take((long)count, what);
        var bytes = new byte[count];
        ReadInto(address, bytes, what);
        return bytes;
    }

    /// <summary>Fills a span with bytes of the file; the caller has taken them from the budget.</summary>
    /// <exception cref="FormatException">The bytes are outside the file.</exception>
    public void ReadInto(ulong address, Span<byte> target, string what)
    {
        GoTo(address, (ulong)target.Length, what);
        stream.ReadExactly(target);
    }

    /// <summary>An array of numbers as floats; the caller has taken them from the budget.</summary>
    /// <exception cref="FormatException">The bytes are outside the file.</exception>
    public void ReadFloats(ulong address, ElementType type, bool bigEndian, Span<float> target, string what)
    {
        GoTo(address, (ulong)target.Length * (ulong)type.Width(), what);
        type.ReadFloats(stream, target, bigEndian);
    }

    /// <summary>Checks that a range is within the file.</summary>
    /// <exception cref="FormatException">It does not.</exception>
    public void RequireWithin(ulong address, ulong count, string what)
    {
        if (address > (ulong)Length || count > (ulong)Length - address)
            throw new FormatException($"{what} lies outside of the file, which has {Length} bytes");
    }

    private void GoTo(ulong address, ulong count, string what)
    {
        RequireWithin(address, count, what);
        stream.Position = (long)address;
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();
}
