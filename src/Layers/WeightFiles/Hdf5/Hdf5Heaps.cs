using System.Numerics;

namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>The names of an old-style group, each terminated by a zero byte.</summary>
internal sealed class Hdf5LocalHeap
{
    private const string What = "a local heap";

    private readonly byte[] data;

    /// <summary>Reads a heap.</summary>
    /// <exception cref="FormatException">It is malformed.</exception>
    public Hdf5LocalHeap(Hdf5Bytes file, ulong address)
    {
        var header = new Hdf5Cursor(file.Read(address, 32, What), What);
        header.Expect("HEAP"u8, 0);
        header.Skip(3);
        var length = header.UInt64();
        header.Skip(8);
        data = file.Read(header.UInt64(), length, What);
    }

    /// <summary>The text that begins at an offset.</summary>
    /// <exception cref="FormatException">There is none, or it does not end.</exception>
    public ReadOnlySpan<byte> Text(ulong offset)
    {
        var rest = offset < (ulong)data.Length ? data.AsSpan((int)offset) : [];
        var end = rest.IndexOf((byte)0);
        return end >= 0 ? rest[..end] : throw new FormatException($"{What} has no text at {offset}");
    }
}

/// <summary>Strings of any length that attributes point at.</summary>
internal sealed class Hdf5GlobalHeap
{
    private const string What = "a global heap";

    private readonly Dictionary<uint, ReadOnlyMemory<byte>> objects = [];

    /// <summary>Reads a collection.</summary>
    /// <exception cref="FormatException">It is malformed.</exception>
    public Hdf5GlobalHeap(Hdf5Bytes file, ulong address)
    {
        var prefix = new Hdf5Cursor(file.Read(address, 16, What), What);
        prefix.Expect("GCOL"u8, 1);
        prefix.Skip(3);
        var length = prefix.UInt64();
        var collection = file.Read(address, length, What);
        var cursor = new Hdf5Cursor(collection, What);
        cursor.Skip(16);
        while (cursor.Left >= 16)
        {
            var index = cursor.UInt16();
            cursor.Skip(6);
            var size = cursor.UInt64();
            // Object 0 is free space.
            if (index == 0) break;
            file.AllocationBudget.Take(64, What);
            objects[index] = collection.AsMemory(cursor.Position, cursor.Take(size).Length);
            cursor.Skip(Math.Min((ulong)(-cursor.Position & 7), (ulong)cursor.Left));
        }
    }

    /// <summary>The content of an object.</summary>
    /// <exception cref="FormatException">There is no such object.</exception>
    public ReadOnlySpan<byte> Content(uint index) =>
        objects.TryGetValue(index, out var content) ? content.Span : throw new FormatException($"{What} has no object {index}");
}

/// <summary>Many links or attributes of one object: blocks that double in size, found through blocks of addresses.</summary>
internal sealed class Hdf5FractalHeap
{
    private const string What = "a fractal heap";

    private readonly Hdf5Bytes file;
    private readonly int offsetWidth, lengthWidth, tableWidth, rootRows;
    private readonly ulong firstBlock, largestBlock, root;

    /// <summary>Reads a heap's header.</summary>
    /// <exception cref="FormatException">It is malformed, or compressed.</exception>
    public Hdf5FractalHeap(Hdf5Bytes file, ulong address)
    {
        this.file = file;
        var header = new Hdf5Cursor(file.Read(address, 146, What), What);
        header.Expect("FRHP"u8, 0);
        header.Skip(2);
        if (header.UInt16() > 0) throw new FormatException($"{What} is compressed, which is not read");
        header.Skip(1);
        var largestObject = header.UInt32();
        header.Skip(12 * 8);
        (tableWidth, firstBlock, largestBlock) = (header.UInt16(), header.UInt64(), header.UInt64());
        int offsetBits = header.UInt16();
        header.Skip(2);
        (root, rootRows) = (header.UInt64(), header.UInt16());
        if (tableWidth == 0 || !BitOperations.IsPow2(tableWidth) || !BitOperations.IsPow2(firstBlock) || !BitOperations.IsPow2(largestBlock)
            || firstBlock > largestBlock || largestBlock > 1UL << 32 || offsetBits is < 1 or > 64 || largestObject > largestBlock)
            throw new FormatException($"{What} has blocks of {firstBlock} to {largestBlock} bytes in rows of {tableWidth}");
        offsetWidth = (offsetBits + 7) / 8;
        lengthWidth = Math.Min((BitOperations.Log2(largestBlock) + 7) / 8, BitOperations.Log2(Math.Max(1, largestObject)) / 8 + 1);
    }

    /// <summary>An object of the heap.</summary>
    /// <param name="id">Its location, from a tree's record.</param>
    /// <exception cref="FormatException">There is no such object, or it is outside the heap, which is not supported.</exception>
    public byte[] Content(ReadOnlySpan<byte> id)
    {
        var cursor = new Hdf5Cursor(id, What);
        var kind = cursor.Byte();
        if ((kind & 0xC0) != 0) throw new FormatException($"{What} has an object of an unknown version");
        if ((kind & 0x30) == 0x20) return cursor.Take((ulong)(kind & 0x0F) + 1).ToArray();
        if ((kind & 0x30) != 0) throw new FormatException($"{What} has an object outside of its blocks, for its size, which is not read");
        ulong offset = cursor.UInt(offsetWidth), length = cursor.UInt(lengthWidth);
        var (block, blockOffset, blockLength) = BlockOf(offset);
        if (offset - blockOffset > blockLength || length > blockLength - (offset - blockOffset))
            throw new FormatException($"{What} has an object that crosses a block's end");
        file.RequireWithin(block, blockLength, What);
        new Hdf5Cursor(file.Read(block, 5, What), What).Expect("FHDB"u8, 0);
        return file.Read(block + (offset - blockOffset), length, What);
    }

    // The block of an offset: row by row through blocks of addresses, each with fewer rows than the one before.
    private (ulong Address, ulong Offset, ulong Length) BlockOf(ulong offset)
    {
        if (rootRows == 0) return (root, 0, firstBlock);
        var (address, start, rows) = (root, 0UL, rootRows);
        while (true)
        {
            // The first two rows have blocks of the first size, each row after them blocks of twice the size.
            var (row, rowStart, size) = (0, start, firstBlock);
            while (row < rows && offset - rowStart >= size * (ulong)tableWidth)
            {
                rowStart += size * (ulong)tableWidth;
                if (row++ > 0) size *= 2;
                if (size > 1UL << 40) throw new FormatException($"{What} has no block at {offset}");
            }
            if (row >= rows) throw new FormatException($"{What} has no block at {offset}");
            var column = (offset - rowStart) / size;
            var entry = (ulong)row * (ulong)tableWidth + column;
            new Hdf5Cursor(file.Read(address, 5, What), What).Expect("FHIB"u8, 0);
            var child = new Hdf5Cursor(file.Read(address + 13 + (ulong)offsetWidth + 8 * entry, 8, What), What).UInt64();
            if (size <= largestBlock) return (child, rowStart + column * size, size);
            var childRows = BitOperations.Log2(size) - BitOperations.Log2(firstBlock) - BitOperations.Log2((uint)tableWidth) + 1;
            // Fewer than the rows above it, so that this ends.
            if (childRows < 1) throw new FormatException($"{What} has a block of addresses that has no rows");
            (address, start, rows) = (child, rowStart + column * size, childRows);
        }
    }
}
