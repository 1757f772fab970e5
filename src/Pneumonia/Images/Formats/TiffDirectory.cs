using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>The numbers in the first directory of a TIFF (version 6.0, section 2), each entry within the file.</summary>
internal sealed class TiffDirectory
{
    private const int EntryLength = 12, Short = 3, Long = 4;

    private readonly byte[] file;
    private readonly bool little;
    private readonly Dictionary<int, (int Type, int Count, int At)> entries = [];

    private TiffDirectory(byte[] file, bool little) => (this.file, this.little) = (file, little);

    /// <summary>Reads the first directory, and counts all of them: each is a page.</summary>
    /// <exception cref="InvalidDataException">An entry lies outside the file, the entries together are larger than it, or directories go in
    /// circles.</exception>
    public static (TiffDirectory First, int Pages) Read(byte[] file)
    {
        if (file.Length < 8) throw new InvalidDataException("no directory");
        var directory = new TiffDirectory(file, file[0] == 'I');
        var seen = new HashSet<uint>();
        var at = directory.UInt32(4);
        while (at != 0)
        {
            if (!seen.Add(at)) throw new InvalidDataException("directories that lead in a circle");
            if (at > file.Length - 6) throw new InvalidDataException("a directory outside the file");
            var count = directory.UInt16((int)at);
            var next = at + 2L + (long)count * EntryLength;
            if (next > file.Length - 4) throw new InvalidDataException("a directory outside the file");
            if (seen.Count == 1) directory.ReadEntries((int)at + 2, count);
            at = directory.UInt32((int)next);
        }
        if (seen.Count == 0) throw new InvalidDataException("no directory");
        return (directory, seen.Count);
    }

    /// <summary>The whole numbers of an entry, null where it is missing or holds something else.</summary>
    public IReadOnlyList<long>? Numbers(int tag)
    {
        if (!entries.TryGetValue(tag, out var entry) || entry.Type is not (Short or Long) || entry.Count == 0) return null;
        var numbers = new long[entry.Count];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = entry.Type == Short ? UInt16(entry.At + 2 * i) : UInt32(entry.At + 4 * i);
        return numbers;
    }

    private void ReadEntries(int at, int count)
    {
        long total = 0;
        for (var i = 0; i < count; i++, at += EntryLength)
        {
            var type = UInt16(at + 2);
            // BYTE, ASCII, SHORT, LONG, RATIONAL, and from 6 on the same with a sign, FLOAT, DOUBLE; a type of unknown size is skipped by
            // decoders.
            var size = type switch { 1 or 2 or 6 or 7 => 1, 3 or 8 => 2, 4 or 9 or 11 or 13 => 4, 5 or 10 or 12 => 8, _ => 0 };
            var length = (long)UInt32(at + 4) * size;
            total += length;
            long place = length <= 4 ? at + 8 : UInt32(at + 8);
            if (place + length > file.Length || total > file.Length) throw new InvalidDataException("an entry outside the file");
            if (size == 0 && UInt32(at + 4) > file.Length) throw new InvalidDataException("an entry outside the file");
            entries.TryAdd(UInt16(at), (type, size == 0 ? 0 : (int)UInt32(at + 4), (int)place));
        }
    }

    private int UInt16(int at) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at)) : BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at));

    private uint UInt32(int at) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
}
