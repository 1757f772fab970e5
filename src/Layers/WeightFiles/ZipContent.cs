using System.IO.Compression;
using System.IO.Hashing;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// The entries of an untrusted zip archive: what unpacks to far more than its compressed size is refused, and no entry yields more or less
/// than it declares.
/// </summary>
internal sealed class ZipContent : IDisposable
{
    // An entry and its name in the library's objects.
    private const long BytesOfAnEntry = 1024;

    // The comment at an archive's end.
    private const int LongestComment = ushort.MaxValue;

    private readonly ZipArchive archive;
    private readonly AllocationBudget budget;

    /// <summary>Opens an archive.</summary>
    /// <param name="stream">The archive.</param>
    /// <param name="budget">The memory that reading may take.</param>
    /// <exception cref="InvalidDataException">It is no archive, or truncated.</exception>
    /// <exception cref="FormatException">It unpacks to too many bytes, or lists too many entries.</exception>
    public ZipContent(Stream stream, AllocationBudget budget)
    {
        this.budget = budget;
        budget.Take(BytesOfAnEntry * ListedEntries(stream), "the list of entries");
        stream.Position = 0;
        archive = new ZipArchive(stream, ZipArchiveMode.Read);
        try
        {
            long unpacked = 0;
            foreach (var entry in archive.Entries)
            {
                budget.TakeText(entry.FullName.Length, "the list of entries");
                unpacked = entry.Length >= 0 && unpacked <= long.MaxValue - entry.Length ? unpacked + entry.Length : long.MaxValue;
            }
            if (unpacked > budget.Left)
                throw new FormatException($"unpacks to {unpacked >> 20} MiB from {stream.Length} bytes, which no weight file does");
        }
        catch { archive.Dispose(); throw; }
    }

    /// <summary>The names of the files, in order.</summary>
    public IEnumerable<string> Entries => archive.Entries.Where(entry => !entry.FullName.EndsWith('/')).Select(entry => entry.FullName);

    /// <summary>Whether there is such an entry.</summary>
    public bool Holds(string name) => archive.GetEntry(name) is not null;

    /// <summary>The content of an entry. Bytes beyond its compressed size are taken from the budget.</summary>
    /// <exception cref="FormatException">There is no such entry, its length is not the declared one, or it is damaged.</exception>
    public byte[] Read(string name)
    {
        var entry = Entry(name);
        if (entry.Length > Array.MaxLength) throw new FormatException($"{name} is larger than can be read");
        budget.Take(Math.Max(0, entry.Length - entry.CompressedLength), name);
        return Read(name, (stream, length) =>
        {
            var bytes = new byte[length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    /// <summary>Streams an entry. Bytes that the reader leaves are read and discarded.</summary>
    /// <param name="name">The entry.</param>
    /// <param name="read">Receives the content and its length.</param>
    /// <exception cref="FormatException">There is no such entry, its length is not the declared one, or it is damaged.</exception>
    public T Read<T>(string name, Func<Stream, long, T> read)
    {
        var entry = Entry(name);
        using var content = new CheckedStream(entry.Open(), entry.Length);
        T result;
        try { result = read(content, entry.Length); }
        catch (EndOfStreamException) { throw new FormatException($"{name} is not {entry.Length} bytes long as it says"); }
        if (!content.Finish()) throw new FormatException($"{name} is not {entry.Length} bytes long as it says");
        if (content.Checksum != entry.Crc32)
            throw new FormatException($"{name} is damaged: its content has another checksum than the archive says");
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => archive.Dispose();

    private ZipArchiveEntry Entry(string name) => archive.GetEntry(name) ?? throw new FormatException($"has no entry {name}");

    // How often the mark of a listed entry occurs from where the list begins: the library makes an object for each before it counts them.
    private static long ListedEntries(Stream stream)
    {
        const int EndLength = 22, LocatorLength = 20;
        var tail = new byte[(int)Math.Min(stream.Length, EndLength + LongestComment + LocatorLength)];
        stream.Position = stream.Length - tail.Length;
        stream.ReadExactly(tail);
        var end = tail.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        // Without an end the library refuses the archive. In an archive beyond 4 GiB the list's place is said elsewhere; all of it is
        // looked through.
        if (end < 0 || tail.Length - end < EndLength) return 0;
        var list = BitConverter.ToUInt32(tail, end + 16);
        stream.Position = list == uint.MaxValue || list > stream.Length ? 0 : list;
        var buffer = new byte[1 << 16];
        long found = 0;
        for (var kept = 0; ;)
        {
            var read = stream.Read(buffer, kept, buffer.Length - kept);
            if (read == 0) return found;
            var window = buffer.AsSpan(0, kept + read);
            found += window.Count("PK\u0001\u0002"u8);
            // The signature may be split between two reads.
            kept = Math.Min(3, window.Length);
            window[^kept..].CopyTo(buffer);
        }
    }

    // Counts and checksums the bytes, and stops at the declared length.
    private sealed class CheckedStream(Stream content, long length) : Stream
    {
        private readonly Crc32 checksum = new();
        private long left = length;

        public uint Checksum => checksum.GetCurrentHashAsUInt32();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        // Whether the content ends at the declared length.
        public bool Finish()
        {
            var rest = left > 0 ? new byte[Math.Min(left, 1 << 16)] : [];
            while (left > 0 && Read(rest, 0, rest.Length) > 0) { }
            return left == 0 && content.ReadByte() < 0;
        }

        public override int Read(Span<byte> buffer)
        {
            var read = content.Read(buffer[..(int)Math.Min(buffer.Length, left)]);
            checksum.Append(buffer[..read]);
            left -= read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) content.Dispose();
            base.Dispose(disposing);
        }
    }
}
