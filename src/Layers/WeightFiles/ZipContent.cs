using System.IO.Compression;
using System.IO.Hashing;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// The entries of a zip archive, read with care: one that unpacks to far more than it takes up, as only an attack does, is refused, and no
/// entry yields more than it declares.
/// </summary>
internal sealed class ZipContent : IDisposable
{
    private readonly ZipArchive archive;

    /// <summary>Opens an archive.</summary>
    /// <exception cref="InvalidDataException">It is none, or cut off.</exception>
    /// <exception cref="FormatException">It unpacks to too much.</exception>
    public ZipContent(Stream stream)
    {
        var length = stream.Length;
        archive = new ZipArchive(stream, ZipArchiveMode.Read);
        var unpacked = archive.Entries.Aggregate(0L, (sum, entry) => sum > long.MaxValue - entry.Length ? long.MaxValue : sum + Math.Max(0, entry.Length));
        if (unpacked <= WeightFile.LargestContent(length)) return;
        archive.Dispose();
        throw new FormatException($"unpacks to {unpacked >> 20} MiB from {length} bytes, which no weight file does");
    }

    /// <summary>The names of the entries that are files, in order.</summary>
    public IEnumerable<string> Entries => archive.Entries.Where(entry => !entry.FullName.EndsWith('/')).Select(entry => entry.FullName);

    /// <summary>Whether there is such an entry.</summary>
    public bool Holds(string name) => archive.GetEntry(name) is not null;

    /// <summary>The content of an entry.</summary>
    /// <exception cref="FormatException">There is no such entry, or it is not as long as it says, or damaged.</exception>
    public byte[] Read(string name)
    {
        var entry = archive.GetEntry(name) ?? throw new FormatException($"has no entry {name}");
        if (entry.Length > Array.MaxLength) throw new FormatException($"{name} is larger than can be read");
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        var read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (read < bytes.Length || stream.ReadByte() >= 0) throw new FormatException($"{name} is not {bytes.Length} bytes long as it says");
        if (Crc32.HashToUInt32(bytes) != entry.Crc32) throw new FormatException($"{name} is damaged: its content has another checksum than the archive says");
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => archive.Dispose();
}
