using System.Buffers.Binary;
using System.IO.Compression;

namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>Datasets of numbers, read as floats.</summary>
/// <param name="file">The file.</param>
internal sealed class Hdf5Datasets(Hdf5File file)
{
    private const ushort Deflate = 1, Shuffle = 2, Fletcher = 3;
    private const string LayoutName = "a data layout", FilterName = "a filter", FillName = "a fill value", IndexName = "an index of chunks";

    // The cost of inflating and copying a chunk, besides its numbers.
    private const int PartOfAChunk = 4;
    private const int MostFilters = 8;

    // A chunk as stored, and the output of a filter.
    private byte[] content = [], changed = [];

    /// <summary>The type of a dataset's elements.</summary>
    /// <exception cref="FormatException">The file does not tell.</exception>
    public Hdf5Type TypeOf(Hdf5Object dataset)
    {
        var message = dataset.Single(Hdf5MessageKind.Datatype) ?? throw new FormatException("has a dataset without a type");
        if (!message.Shared) return Hdf5Type.Read(message.Data.Span);
        // A shared type, to which datasets point: version, kind of location, address.
        var place = new Hdf5Cursor(message.Data.Span, "a shared type");
        var version = place.Byte();
        var kind = place.Byte();
        if (version == 1) place.Skip(6);
        if (version is < 1 or > 3 || (version == 3 && kind != 2))
            throw new FormatException("has a type in a table of shared messages, which is not read");
        return file.Object(place.UInt64()).Single(Hdf5MessageKind.Datatype) is { Shared: false } committed
            ? Hdf5Type.Read(committed.Data.Span)
            : throw new FormatException("has a dataset whose type is not where it should be");
    }

    /// <summary>Reads a dataset.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dataset">The dataset.</param>
    /// <exception cref="FormatException">It is malformed, contains no numbers, or is stored in other files.</exception>
    public StoredTensor Read(string name, Hdf5Object dataset)
    {
        if (dataset.Messages.Any(message => message.Kind == Hdf5MessageKind.ExternalFiles))
            throw new FormatException($"tensor {name} is stored in another file, which is not opened");
        var type = TypeOf(dataset);
        if (type.Number is not { } number)
            throw new FormatException($"tensor {name} is of the type {type.Description} with {type.Length} bytes, which is not read");
        if (dataset.Messages.Any(message => message.Shared && message.Kind is Hdf5MessageKind.Dataspace or Hdf5MessageKind.DataLayout
            or Hdf5MessageKind.FilterPipeline))
            throw new FormatException($"tensor {name} is described elsewhere, which is not read");
        var shape = Hdf5Dataspace
            .Read((dataset.Single(Hdf5MessageKind.Dataspace) ?? throw new FormatException($"tensor {name} has no sizes")).Data.Span,
            out var grows);
        var values = new float[file.Bytes.AllocationBudget.TakeTensor(name, shape, reordered: false)];
        if (values.Length > 0 && !ReadValues(name, dataset, type, number, shape, grows, values))
            values.AsSpan().Fill(FillValue(dataset, type, number));
        return new StoredTensor([.. shape.Select(size => (int)size)], values, number);
    }

    // False if nothing was ever written.
    private bool ReadValues(string name, Hdf5Object dataset, Hdf5Type type, ElementType number, long[] shape, bool grows, float[] values)
    {
        var length = (ulong)values.Length * (ulong)type.Length;
        var layout = new Hdf5Cursor(dataset.Single(Hdf5MessageKind.DataLayout)!.Value.Data.Span, LayoutName);
        var version = layout.Byte();
        if (version is not (3 or 4)) throw new FormatException($"tensor {name} has {LayoutName} of version {version}, which is not read");
        switch (layout.Byte())
        {
            case 0:
                var size = layout.UInt16();
                if (size < length) throw new FormatException($"tensor {name} has {size} bytes where its shape needs {length}");
                number.ToFloats(layout.Take(length), values, type.BigEndian);
                return true;
            case 1:
                var (address, there) = (layout.UInt64(), layout.UInt64());
                if (address == Hdf5Bytes.Nowhere) return false;
                if (there < length) throw new FormatException($"tensor {name} has {there} bytes where its shape needs {length}");
                file.Bytes.ReadFloats(address, number, type.BigEndian, values, $"tensor {name}");
                return true;
            case 2:
                values.AsSpan().Fill(FillValue(dataset, type, number));
                ReadChunks(name, Chunks(name, ref layout, version, shape, grows, type, FiltersOf(name, dataset)), type, number, shape,
                    values);
                return true;
            case 3: throw new FormatException($"tensor {name} is a virtual dataset, put together from other files, which are not opened");
            case var unknown: throw new FormatException($"tensor {name} has {LayoutName} of the class {unknown}, which is not read");
        }
    }

    private readonly record struct Chunk(long[] Start, ulong Address, ulong Length, uint SkippedFilters);

    private readonly record struct ChunkList(int[] Sizes, int ElementLength, int Length, ushort[] Filters, IEnumerable<Chunk> Chunks);

    private ChunkList Chunks(string name, ref Hdf5Cursor layout, byte version, long[] shape, bool grows, Hdf5Type type, ushort[] filters)
    {
        byte flags = version == 4 ? layout.Byte() : (byte)0, dimensions = layout.Byte();
        if (dimensions != shape.Length + 1)
            throw new FormatException($"tensor {name} has chunks of {dimensions - 1} dimensions, itself {shape.Length}");
        var address = version == 3 ? layout.UInt64() : 0;
        var width = version == 3 ? sizeof(uint) : layout.Byte();
        var sizes = new int[shape.Length];
        ulong length = 1;
        for (var d = 0; d <= shape.Length; d++)
        {
            var size = layout.UInt(width);
            if (size is 0 or > int.MaxValue || (length *= size) > int.MaxValue)
                throw new FormatException($"tensor {name} has chunks that are too large");
            if (d < shape.Length) sizes[d] = (int)size;
            else if (size != (ulong)type.Length)
                throw new FormatException($"tensor {name} has chunks of elements of {size} bytes, itself of {type.Length}");
        }
        IEnumerable<Chunk> chunks;
        if (version == 3) chunks = InTree(address, shape.Length);
        else
        {
            var index = layout.Byte();
            if (grows || index is < 1 or > 3)
                throw new FormatException(
                    $"tensor {name} has an index of chunks for data that grow, which is not read; write it with h5py's libver='earliest'");
            // Bit 0: partial chunks at the end are not filtered.
            if ((flags & 1) != 0 && filters.Length > 0)
                throw new FormatException($"tensor {name} leaves some chunks unfiltered, which is not read");
            var filtered = filters.Length > 0;
            switch (index)
            {
                case 1:
                    var (one, skipped) = (flags & 2) != 0 ? (layout.UInt64(), layout.UInt32()) : (length, 0u);
                    address = layout.UInt64();
                    chunks = address == Hdf5Bytes.Nowhere ? [] : [new Chunk(new long[shape.Length], address, one, skipped)];
                    break;
                case 2:
                    address = layout.UInt64();
                    if (filtered) throw new FormatException($"tensor {name} has filters without an index of chunks");
                    chunks = address == Hdf5Bytes.Nowhere ? []
                        : Starts(shape, sizes).Select((start, i) => new Chunk(start, address + (ulong)i * length, length, 0));
                    break;
                default:
                    layout.Skip(1);
                    address = layout.UInt64();
                    chunks = address == Hdf5Bytes.Nowhere ? [] : InArray(name, address, shape, sizes, length, filtered);
                    break;
            }
        }
        return new ChunkList(sizes, type.Length, (int)length, filters, chunks);
    }

    // Key: stored bytes, filter mask, and the chunk's offsets, with a zero for the offset within an element.
    private IEnumerable<Chunk> InTree(ulong root, int rank)
    {
        foreach (var (key, address) in Hdf5Trees.Version1(file.Bytes, root, Hdf5Trees.Content.Chunks, 8 + 8 * (rank + 1)))
        {
            var start = new long[rank];
            for (var d = 0; d < rank; d++) start[d] = BinaryPrimitives.ReadInt64LittleEndian(key.AsSpan(8 + 8 * d));
            yield return new Chunk(start, address, BinaryPrimitives.ReadUInt32LittleEndian(key),
                BinaryPrimitives.ReadUInt32LittleEndian(key.AsSpan(4)));
        }
    }

    // An array of all chunks, in pages if there are many.
    private List<Chunk> InArray(string name, ulong address, long[] shape, int[] sizes, ulong length, bool filtered)
    {
        var header = new Hdf5Cursor(file.Bytes.Read(address, 28, IndexName), IndexName);
        header.Expect("FAHD"u8, 0);
        header.Skip(1);
        int width = header.Byte(), pageBits = header.Byte();
        var (count, block) = (header.UInt64(), header.UInt64());
        ulong expected = 1;
        for (var d = 0; d < sizes.Length; d++) expected *= (ulong)((shape[d] + sizes[d] - 1) / sizes[d]);
        if (count != expected || pageBits is < 1 or > 30 || width != (filtered ? Math.Clamp(width, 13, 20) : 8))
            throw new FormatException($"tensor {name} has {IndexName} for {count} chunks where there are {expected}");
        var chunks = new List<Chunk>();
        if (block == Hdf5Bytes.Nowhere) return chunks;
        var perPage = 1UL << pageBits;
        var pages = count > perPage ? (count + perPage - 1) / perPage : 0;
        var prefixLength = 14 + (pages + 7) / 8;
        var prefixBytes = file.Bytes.Read(block, prefixLength, IndexName);
        new Hdf5Cursor(prefixBytes, IndexName).Expect("FADB"u8, 0);
        var starts = Starts(shape, sizes).GetEnumerator();
        for (ulong page = 0, done = 0; done < count; page++)
        {
            var here = pages == 0 ? count : Math.Min(perPage, count - done);
            var at = pages == 0 ? block + prefixLength : block + prefixLength + 4 + page * (perPage * (ulong)width + 4);
            // A page that was never written has no data.
            var written = pages == 0 || (prefixBytes[14 + (int)(page / 8)] & 0x80 >> (int)(page % 8)) != 0;
            var entries = new Hdf5Cursor(written ? file.Bytes.Read(at, here * (ulong)width, IndexName) : [], IndexName);
            for (ulong i = 0; i < here; i++, done++)
            {
                starts.MoveNext();
                if (!written) continue;
                file.Bytes.AllocationBudget.Take(128, IndexName);
                var place = entries.UInt64();
                var (size, skipped) = filtered ? (entries.UInt(width - 12), entries.UInt32()) : (length, 0u);
                if (place != Hdf5Bytes.Nowhere) chunks.Add(new Chunk(starts.Current, place, size, skipped));
            }
        }
        return chunks;
    }

    // The offsets of a tensor's chunks, the last dimension fastest.
    private static IEnumerable<long[]> Starts(long[] shape, int[] sizes)
    {
        var start = new long[shape.Length];
        while (true)
        {
            yield return [.. start];
            var d = shape.Length - 1;
            for (; d >= 0 && (start[d] += sizes[d]) >= shape[d]; d--) start[d] = 0;
            if (d < 0) yield break;
        }
    }

    private void ReadChunks(string name, ChunkList list, Hdf5Type type, ElementType number, long[] shape, float[] values)
    {
        var last = shape.Length - 1;
        if (last < 0) throw new FormatException($"tensor {name} is a single number in chunks");
        var at = new long[shape.Length];
        foreach (var chunk in list.Chunks)
        {
            // Many entries may point at the same few bytes, which would be unpacked each time.
            file.Bytes.AllocationBudget.Take((list.Length + (long)Math.Min(chunk.Length, int.MaxValue)) / PartOfAChunk, $"tensor {name}");
            for (var d = 0; d < shape.Length; d++)
                if (chunk.Start[d] < 0 || chunk.Start[d] >= shape[d] || chunk.Start[d] % list.Sizes[d] != 0)
                    throw new FormatException($"tensor {name} has a chunk at {chunk.Start[d]}, where none can be");
            var unfiltered = Unfilter(name, chunk, list);
            // Row by row; elements beyond the tensor's end are dropped.
            Array.Clear(at);
            while (true)
            {
                long source = 0, target = 0;
                for (var d = 0; d <= last; d++)
                {
                    source = source * list.Sizes[d] + at[d];
                    target = target * shape[d] + chunk.Start[d] + at[d];
                }
                var run = (int)Math.Min(list.Sizes[last], shape[last] - chunk.Start[last]);
                number.ToFloats(unfiltered.Slice((int)source * type.Length, run * type.Length), values.AsSpan((int)target, run),
                    type.BigEndian);
                var outer = last - 1;
                for (; outer >= 0 && (++at[outer] == list.Sizes[outer] || chunk.Start[outer] + at[outer] == shape[outer]); outer--)
                    at[outer] = 0;
                if (outer < 0) break;
            }
        }
    }

    private static ushort[] FiltersOf(string name, Hdf5Object dataset)
    {
        if (dataset.Single(Hdf5MessageKind.FilterPipeline) is not { } message) return [];
        var cursor = new Hdf5Cursor(message.Data.Span, FilterName);
        var (version, count) = (cursor.Byte(), cursor.Byte());
        if (version is not (1 or 2)) throw new FormatException($"{FilterName} is of version {version}, which is not read");
        if (count > MostFilters) throw new FormatException($"tensor {name} has {count} filters");
        if (version == 1) cursor.Skip(6);
        var filters = new ushort[count];
        for (var i = 0; i < count; i++)
        {
            var id = filters[i] = cursor.UInt16();
            var nameLength = version == 1 || id >= 256 ? cursor.UInt16() : (ushort)0;
            cursor.Skip(2);
            var parameters = cursor.UInt16();
            cursor.Skip((ulong)(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength) + 4u * parameters
                + (version == 1 && parameters % 2 != 0 ? 4u : 0u));
            if (id is not (Deflate or Shuffle or Fletcher))
                throw new FormatException($"tensor {name} is compressed by the filter {id}, which is not read; use h5py's gzip");
        }
        return filters;
    }

    // Undoes the filters, the last one first, alternating between two buffers.
    private ReadOnlySpan<byte> Unfilter(string name, Chunk chunk, ChunkList list)
    {
        file.Bytes.RequireWithin(chunk.Address, chunk.Length, $"tensor {name}");
        if (chunk.Length > (ulong)Array.MaxLength) throw new FormatException($"tensor {name} has a chunk that is too large");
        var length = (int)chunk.Length;
        Grow(ref content, length);
        file.Bytes.ReadInto(chunk.Address, content.AsSpan(0, length), $"tensor {name}");
        for (var i = list.Filters.Length - 1; i >= 0; i--)
        {
            if ((chunk.SkippedFilters & 1u << i) != 0) continue;
            switch (list.Filters[i])
            {
                case Fletcher:
                    length -= sizeof(uint);
                    if (length < 0 || BinaryPrimitives
                        .ReadUInt32LittleEndian(content.AsSpan(length)) != Checksum(content.AsSpan(0, length)))
                        throw new FormatException($"tensor {name} is damaged: a chunk has another checksum than the file says");
                    break;
                case Deflate:
                    // Checksums added before compression have four bytes each.
                    var most = list.Length + sizeof(uint) * MostFilters;
                    Grow(ref changed, most);
                    using (var inflated = new ZLibStream(new MemoryStream(content, 0, length, writable: false), CompressionMode.Decompress))
                    {
                        length = inflated.ReadAtLeast(changed.AsSpan(0, most), most, throwOnEndOfStream: false);
                        if (inflated.ReadByte() >= 0)
                            throw new FormatException($"tensor {name} has a chunk that unpacks to more than a chunk");
                    }
                    (content, changed) = (changed, content);
                    break;
                default:
                    Grow(ref changed, length);
                    Unshuffle(content.AsSpan(0, length), changed, list.ElementLength);
                    (content, changed) = (changed, content);
                    break;
            }
        }
        return length == list.Length ? content.AsSpan(0, length)
            : throw new FormatException($"tensor {name} has a chunk of {length} bytes where {list.Length} are needed");
    }

    // The first bytes of all elements, then all second ones, …; the remainder is at the end.
    private static void Unshuffle(ReadOnlySpan<byte> shuffled, Span<byte> target, int width)
    {
        var count = shuffled.Length / width;
        for (var part = 0; part < width; part++)
            for (var i = 0; i < count; i++) target[i * width + part] = shuffled[part * count + i];
        shuffled[(count * width)..].CopyTo(target[(count * width)..]);
    }

    private void Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length >= length) return;
        file.Bytes.AllocationBudget.Take(length - buffer.Length, "a chunk");
        buffer = new byte[length];
    }

    // Fletcher's checksum over big-endian words of two bytes. The carry is added again, so a sum of 65535 differs from 0.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint first = 0, second = 0;
        for (var i = 0; i < bytes.Length; i += 2)
        {
            first = Folded(first + (uint)(bytes[i] << 8 | (i + 1 < bytes.Length ? bytes[i + 1] : 0)));
            second = Folded(second + first);
        }
        return second << 16 | first;

        static uint Folded(uint sum) => (sum & 0xFFFF) + (sum >> 16);
    }

    private static float FillValue(Hdf5Object dataset, Hdf5Type type, ElementType number)
    {
        if (dataset.Single(Hdf5MessageKind.FillValue) is not { Shared: false } message) return 0;
        var cursor = new Hdf5Cursor(message.Data.Span, FillName);
        var version = cursor.Byte();
        bool defined;
        if (version == 3) defined = (cursor.Byte() & 0x20) != 0;
        else if (version is 1 or 2)
        {
            cursor.Skip(2);
            defined = cursor.Byte() != 0;
        }
        else throw new FormatException($"{FillName} is of version {version}, which is not read");
        if (!defined || cursor.UInt32() is var length && length != (uint)type.Length) return 0;
        Span<float> value = stackalloc float[1];
        number.ToFloats(cursor.Take(length), value, type.BigEndian);
        return value[0];
    }
}
