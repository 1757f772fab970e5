using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>
/// HDF5 files built byte by byte, with content that no library would write. Checksums are zero, because
/// the reader does not check them.
/// </summary>
public sealed class MadeHdf5
{
    public const ulong Nowhere = ulong.MaxValue;

    private readonly List<byte> bytes = [.. new byte[96]];

    /// <summary>Appends a structure.</summary>
    /// <returns>Its address.</returns>
    public ulong Add(params byte[] structure)
    {
        var address = (ulong)bytes.Count;
        bytes.AddRange(structure);
        while (bytes.Count % 8 != 0) bytes.Add(0);
        return address;
    }

    /// <summary>Reserves space for a structure that needs its own address.</summary>
    public ulong Reserve(int length) => Add(new byte[length]);

    /// <summary>Writes to reserved space.</summary>
    public void Put(ulong address, byte[] structure)
    {
        for (var i = 0; i < structure.Length; i++) bytes[(int)address + i] = structure[i];
    }

    /// <summary>The file with a superblock of version 2 in front.</summary>
    public byte[] File(ulong root)
    {
        byte[] superblock = [0x89, .. "HDF\r\n"u8, 0x1A, 0x0A, 2, 8, 8, 0, .. Eight(0), .. Eight(Nowhere), .. Eight((ulong)bytes.Count),
            .. Eight(root), 0, 0, 0, 0];
        Put(0, superblock);
        return [.. bytes];
    }

    /// <summary>An object header of version 2.</summary>
    public static byte[] Header(params byte[][] messages)
    {
        byte[] content = [.. messages.SelectMany(message => message)];
        return [.. "OHDR"u8, 2, 2, .. Four((uint)content.Length), .. content, 0, 0, 0, 0];
    }

    /// <summary>An object header of version 1.</summary>
    public static byte[] OldHeader(params (ushort Kind, byte[] Data)[] messages)
    {
        byte[] content = [.. messages.SelectMany(message =>
            (byte[])[.. Two(message.Kind), .. Two((ushort)message.Data.Length), 0, 0, 0, 0, .. message.Data])];
        return [1, 0, .. Two((ushort)messages.Length), .. Four(1), .. Four((uint)content.Length), 0, 0, 0, 0, .. content];
    }

    public static byte[] Message(byte kind, params byte[] data) => [kind, .. Two((ushort)data.Length), 0, .. data];

    /// <summary>A group with its links in the header.</summary>
    public static byte[] Group(params byte[][] links) => Header([LinkInfo(Nowhere, Nowhere), .. links]);

    public static byte[] LinkInfo(ulong heap, ulong tree) => Message(0x02, [0, 0, .. Eight(heap), .. Eight(tree)]);

    public static byte[] Link(string name, ulong address) =>
        Message(0x06, [1, 1, .. Two((ushort)name.Length), .. Ascii(name), .. Eight(address)]);

    public static byte[] SoftLink(string name, string path) =>
        Message(0x06, [1, 9, 1, .. Two((ushort)name.Length), .. Ascii(name), .. Two((ushort)path.Length), .. Ascii(path)]);

    public static byte[] ExternalLink(string name, string file, string path) =>
        Message(0x06, [1, 8, 64, (byte)name.Length, .. Ascii(name), .. Two((ushort)(file.Length + path.Length + 3)), 0, .. Ascii(file), 0,
        .. Ascii(path), 0]);

    public static byte[] Continuation(ulong address, ulong length) => Message(0x10, [.. Eight(address), .. Eight(length)]);

    public static byte[] Dataspace(params ulong[] sizes) => Message(0x01, Space(sizes));

    public static byte[] Space(params ulong[] sizes) => [2, (byte)sizes.Length, 0, 1, .. sizes.SelectMany(Eight)];

    public static byte[] Float32 => Message(0x03, [0x11, 0x20, 0x1F, 0, .. Four(4), 0, 0, 32, 0, 23, 8, 0, 23, .. Four(127)]);

    public static byte[] Contiguous(ulong address, ulong length) => Message(0x08, [3, 1, .. Eight(address), .. Eight(length)]);

    /// <summary>Chunks in a B-tree; the last size is that of an element.</summary>
    public static byte[] Chunked(ulong tree, params uint[] sizes) =>
        Message(0x08, [3, 2, (byte)sizes.Length, .. Eight(tree), .. sizes.SelectMany(Four)]);

    public static byte[] Filters(params ushort[] filters) =>
        Message(0x0B, [2, (byte)filters.Length, .. filters.SelectMany(id => (byte[])[.. Two(id), .. id >= 256 ? Two(0) : [], 0, 0, 0, 0])]);

    /// <summary>A node of a B-tree of version 1.</summary>
    public static byte[] Tree(byte type, byte level, int keyLength, params (byte[] Key, ulong Child)[] entries) =>
        [.. "TREE"u8, type, level, .. Two((ushort)entries.Length), .. Eight(Nowhere), .. Eight(Nowhere),
            .. entries.SelectMany(entry => (byte[])[.. entry.Key, .. Eight(entry.Child)]), .. new byte[keyLength]];

    /// <summary>The key of a chunk.</summary>
    public static byte[] ChunkKey(uint stored, params ulong[] start) =>
        [.. Four(stored), .. Four(0), .. start.SelectMany(Eight), .. Eight(0)];

    /// <summary>The header of a B-tree of version 2.</summary>
    public static byte[] Tree2(byte type, uint nodeLength, ushort recordLength, ushort depth, ulong root, ushort records) =>
        [.. "BTHD"u8, 0, type, .. Four(nodeLength), .. Two(recordLength), .. Two(depth), 100, 40, .. Eight(root), .. Two(records),
        .. Eight(records), 0, 0, 0, 0];

    /// <summary>The header of a fractal heap.</summary>
    public static byte[] FractalHeap(ushort width, ulong first, ulong largest, ushort bits, ulong root, ushort rows) =>
        [.. "FRHP"u8, 0, 7, 0, 0, 0, 0, .. Four(4096), .. new byte[96], .. Two(width), .. Eight(first), .. Eight(largest), .. Two(bits),
        .. Two(1), .. Eight(root), .. Two(rows), 0, 0, 0, 0];

    /// <summary>An attribute of version 3.</summary>
    public static byte[] Attribute(string name, byte[] type, byte[] space, params byte[] data) =>
        Message(0x0C, [3, 0, .. Two((ushort)(name.Length + 1)), .. Two((ushort)type.Length), .. Two((ushort)space.Length), 0,
        .. Ascii(name), 0, .. type, .. space, .. data]);

    public static byte[] Text(uint length) => [0x13, 0, 0, 0, .. Four(length)];

    public static byte[] TextOfAnyLength => [0x19, 1, 0, 0, .. Four(16), 0x10, 0, 0, 0, .. Four(1), 0, 0, 8, 0];

    /// <summary>A global heap of texts, numbered from 1.</summary>
    public static byte[] GlobalHeap(params byte[][] texts)
    {
        byte[] content = [.. texts.SelectMany((text, i) => (byte[])
            [.. Two((ushort)(i + 1)), .. Two(1), 0, 0, 0, 0, .. Eight((ulong)text.Length), .. text, .. new byte[-text.Length & 7]])];
        return [.. "GCOL"u8, 1, 0, 0, 0, .. Eight((ulong)content.Length + 16), .. content];
    }

    public static byte[] Deflated(byte[] content)
    {
        using var target = new MemoryStream();
        using (var deflate = new ZLibStream(target, CompressionLevel.SmallestSize)) deflate.Write(content);
        return target.ToArray();
    }

    public static byte[] Two(ushort value) => BitConverter.GetBytes(value);

    public static byte[] Four(uint value) => BitConverter.GetBytes(value);

    public static byte[] Eight(ulong value)
    {
        var eight = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(eight, value);
        return eight;
    }

    public static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
