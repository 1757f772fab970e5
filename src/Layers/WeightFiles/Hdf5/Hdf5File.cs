using System.Text;

namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>A link of a group: to an object, a path of this file, or another file.</summary>
/// <param name="Address">The object's address; <see cref="Hdf5Bytes.Nowhere"/> if the link does not say one.</param>
/// <param name="Path">The path; null if the link has an address or leads out of the file.</param>
internal readonly record struct Hdf5Link(ulong Address, string? Path);

/// <summary>
/// The groups, datasets and attributes of an HDF5 file, as far as weight files need them. See the format's specification,
/// docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html.
/// </summary>
/// <remarks>
/// The libraries for this format follow links into other files, in circles, and until the stack overflows, which ends the process. Here
/// everything terminates. Objects are read once, by address; trees and chains visit each node once; soft links stay in the file and are
/// followed at most sixteen deep; every byte read and every object created is taken from the <see cref="AllocationBudget"/>. Links to other
/// files, external storage and virtual datasets are refused, and so is what weight files do not have: files in several parts, offsets that
/// are not eight bytes wide, the two chunk indexes for growing datasets, and filters other than deflate, shuffle and Fletcher's checksum.
/// </remarks>
internal sealed class Hdf5File : IDisposable
{
    private const int MostSoftLinks = 16;
    private const string SuperblockName = "the superblock", LinkName = "a link", AttributeName = "an attribute";

    private readonly Dictionary<ulong, Hdf5Object> objects = [];
    private readonly Dictionary<ulong, OrderedDictionary<string, Hdf5Link>> links = [];
    private readonly Dictionary<ulong, Dictionary<string, ReadOnlyMemory<byte>>> attributes = [];
    private readonly Dictionary<ulong, Hdf5GlobalHeap> heaps = [];

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="budget">The memory that reading may take.</param>
    /// <exception cref="FormatException">It is truncated, or of a kind that is not supported.</exception>
    public Hdf5File(string path, AllocationBudget budget)
    {
        Bytes = new Hdf5Bytes(path, budget);
        try { Root = Object(RootAddress()); }
        catch { Bytes.Dispose(); throw; }
    }

    /// <summary>The first bytes of every HDF5 file.</summary>
    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'H', (byte)'D', (byte)'F', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The file's bytes.</summary>
    public Hdf5Bytes Bytes { get; }

    /// <summary>The root group.</summary>
    public Hdf5Object Root { get; }

    /// <summary>The object with a header at an address.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    public Hdf5Object Object(ulong address)
    {
        if (!objects.TryGetValue(address, out var found)) objects.Add(address, found = Hdf5Object.Read(Bytes, address));
        return found;
    }

    /// <summary>The links of a group by name, in the order in which the file has them.</summary>
    /// <exception cref="FormatException">It is no group, or malformed.</exception>
    public OrderedDictionary<string, Hdf5Link> Links(Hdf5Object group)
    {
        if (links.TryGetValue(group.Address, out var found)) return found;
        found = new OrderedDictionary<string, Hdf5Link>(StringComparer.Ordinal);
        if (group.Single(Hdf5MessageKind.SymbolTable) is { } table) AddOfOldStyle(table, found);
        else
        {
            foreach (var message in group.Messages.Where(message => message.Kind == Hdf5MessageKind.Link))
                AddLink(message.Data.Span, found);
            var info = new Hdf5Cursor((group.Single(Hdf5MessageKind.LinkInfo)
                ?? throw new FormatException("has a group without links")).Data.Span, LinkName);
            info.Skip(1);
            if ((info.Byte() & 1) != 0) info.Skip(8);
            foreach (var link in InHeap(info.UInt64(), info.UInt64(), recordType: 5, idAt: 4)) AddLink(link, found);
        }
        links.Add(group.Address, found);
        return found;
    }

    /// <summary>The object at a path from a group; null if a part of the path is missing.</summary>
    /// <exception cref="FormatException">The path leads out of the file, or soft links form a circle.</exception>
    public Hdf5Object? Find(Hdf5Object from, string path) => Find(from, path, 0);

    /// <summary>The target of a link.</summary>
    /// <exception cref="FormatException">The target is outside the file, missing, or a circle of links.</exception>
    public Hdf5Object Follow(Hdf5Object group, string name, Hdf5Link link) => Follow(group, name, link, 0);

    /// <summary>Whether an object has an attribute.</summary>
    public bool HasAttribute(Hdf5Object of, string name) => Attributes(of).ContainsKey(name);

    /// <summary>The strings of an attribute; none if it is empty.</summary>
    /// <exception cref="FormatException">There is no such attribute, or it has no strings.</exception>
    public string[] Texts(Hdf5Object of, string name)
    {
        var message = new Hdf5Cursor(Attributes(of)[name].Span, AttributeName);
        var version = message.Byte();
        var flags = message.Byte();
        int nameLength = message.UInt16(), typeLength = message.UInt16(), spaceLength = message.UInt16();
        if (version == 3) message.Skip(1);
        if (version > 1 && (flags & 3) != 0) throw new FormatException($"the attribute {name} has its type elsewhere, which is not read");
        void Pad(ref Hdf5Cursor cursor) { if (version == 1) cursor.SkipToEight(); }
        message.Skip((ulong)nameLength);
        Pad(ref message);
        var typeBytes = message.Take((ulong)typeLength);
        Pad(ref message);
        var count = ElementConversion.ElementsOf(name, Hdf5Dataspace.Read(message.Take((ulong)spaceLength), out _));
        Pad(ref message);
        // Layers without weights have an empty list, which h5py stores as floats.
        if (count == 0) return [];
        var type = Hdf5Type.Read(typeBytes);
        if (type.Text is not { } kind) throw new FormatException($"the attribute {name} is no list of names");
        if ((long)count * type.Length > message.Left) throw new FormatException($"the attribute {name} is cut off");
        Bytes.AllocationBudget.Take(64L * count, $"the attribute {name}");
        var texts = new string[count];
        for (var i = 0; i < count; i++) texts[i] = Text(message.Take((ulong)type.Length), kind, name);
        return texts;
    }

    /// <inheritdoc/>
    public void Dispose() => Bytes.Dispose();

    private string Text(ReadOnlySpan<byte> field, Hdf5Text kind, string attribute)
    {
        if (kind == Hdf5Text.OfAnyLength)
        {
            var place = new Hdf5Cursor(field, AttributeName);
            var (length, heap, index) = (place.UInt32(), place.UInt64(), place.UInt32());
            if (length == 0) return "";
            if (!heaps.TryGetValue(heap, out var collection)) heaps.Add(heap, collection = new Hdf5GlobalHeap(Bytes, heap));
            var content = collection.Content(index);
            field = length <= content.Length ? content[..(int)length] : throw new FormatException($"the attribute {attribute} is cut off");
        }
        if (kind == Hdf5Text.PaddedWithSpaces) field = field.TrimEnd((byte)' ');
        else if (field.IndexOf((byte)0) is >= 0 and var end) field = field[..end];
        Bytes.AllocationBudget.TakeText(field.Length, $"the attribute {attribute}");
        return Encoding.UTF8.GetString(field);
    }

    // The root's address, after checking that the file is complete and supported.
    private ulong RootAddress()
    {
        if (Bytes.Length < 52) throw new FormatException($"is cut off: {Bytes.Length} bytes are too few for an HDF5 file");
        var cursor = new Hdf5Cursor(Bytes.Read(0, (ulong)Math.Min(Bytes.Length, 104), SuperblockName), SuperblockName);
        cursor.Skip((ulong)Magic.Length);
        var version = cursor.Byte();
        if (version > 3) throw new FormatException($"has a superblock of version {version}, which is not read");
        cursor.Skip(version < 2 ? 4u : 0u);
        if (cursor.Byte() != 8 | cursor.Byte() != 8)
            throw new FormatException("has offsets or lengths that are not eight bytes wide, which is not read");
        cursor.Skip(version switch { 0 => 9, 1 => 13, _ => 1 });
        var start = cursor.UInt64();
        cursor.Skip(8);
        var end = cursor.UInt64();
        if (start != 0) throw new FormatException($"has addresses that count from byte {start}, which is not read");
        if (end > (ulong)Bytes.Length) throw new FormatException($"is cut off: it has {Bytes.Length} of {end} bytes");
        if (version < 2)
        {
            if (cursor.UInt64() != Hdf5Bytes.Nowhere) throw new FormatException("is one part of several files, which is not read");
            cursor.Skip(8);
        }
        return cursor.UInt64();
    }

    private Hdf5Object? Find(Hdf5Object from, string path, int softLinks)
    {
        Bytes.AllocationBudget.Take(64 + 2L * path.Length, LinkName);
        var found = path.StartsWith('/') ? Root : from;
        foreach (var name in path.Split('/').Where(name => name.Length > 0 && name != "."))
        {
            Bytes.AllocationBudget.Take(64, LinkName);
            if (!found.IsGroup || !Links(found).TryGetValue(name, out var link)) return null;
            found = Follow(found, name, link, softLinks);
        }
        return found;
    }

    private Hdf5Object Follow(Hdf5Object group, string name, Hdf5Link link, int softLinks)
    {
        if (link.Address != Hdf5Bytes.Nowhere) return Object(link.Address);
        if (link.Path is null) throw new FormatException($"{name} is a link to another file, which is not followed");
        if (softLinks == MostSoftLinks) throw new FormatException($"{name} is a link to a link without end");
        return Find(group, link.Path, softLinks + 1)
            ?? throw new FormatException($"{name} is a link to {link.Path}, which is not in the file");
    }

    // Link: version, flags, then the fields that the flags announce: type, creation order, character set, width of the name's length.
    private void AddLink(ReadOnlySpan<byte> message, OrderedDictionary<string, Hdf5Link> found)
    {
        var cursor = new Hdf5Cursor(message, LinkName);
        cursor.Expect([], 1);
        var flags = cursor.Byte();
        var type = (flags & 0x08) != 0 ? cursor.Byte() : (byte)0;
        if ((flags & 0x04) != 0) cursor.Skip(8);
        if ((flags & 0x10) != 0) cursor.Skip(1);
        var name = Name(cursor.Take(cursor.UInt(1 << (flags & 3))));
        Add(found, name, type switch
        {
            0 => new Hdf5Link(cursor.UInt64(), null),
            1 => new Hdf5Link(Hdf5Bytes.Nowhere, Name(cursor.Take(cursor.UInt16()))),
            _ => new Hdf5Link(Hdf5Bytes.Nowhere, null),
        });
    }

    // A tree whose leaves point at tables of links; their names are in a heap.
    private void AddOfOldStyle(Hdf5Message table, OrderedDictionary<string, Hdf5Link> found)
    {
        const string What = "a table of links";
        const uint IsSoftLink = 2;
        var place = new Hdf5Cursor(table.Data.Span, What);
        var tree = place.UInt64();
        var names = new Hdf5LocalHeap(Bytes, place.UInt64());
        foreach (var (_, address) in Hdf5Trees.Version1(Bytes, tree, Hdf5Trees.Content.Links, keyLength: 8))
        {
            var prefix = new Hdf5Cursor(Bytes.Read(address, 8, What), What);
            prefix.Expect("SNOD"u8, 1);
            prefix.Skip(1);
            int count = prefix.UInt16();
            var entries = new Hdf5Cursor(Bytes.Read(address + 8, (ulong)count * 40, What), What);
            for (var i = 0; i < count; i++)
            {
                var (name, header, kind) = (Name(names.Text(entries.UInt64())), entries.UInt64(), entries.UInt32());
                entries.Skip(4);
                var target = entries.UInt32();
                entries.Skip(12);
                Add(found, name, kind == IsSoftLink ? new Hdf5Link(Hdf5Bytes.Nowhere, Name(names.Text(target)))
                    : new Hdf5Link(header, null));
            }
        }
    }

    private static void Add(OrderedDictionary<string, Hdf5Link> found, string name, Hdf5Link link)
    {
        if (!found.TryAdd(name, link)) throw new FormatException($"has two links of the name {name} in one group");
    }

    private string Name(ReadOnlySpan<byte> bytes)
    {
        Bytes.AllocationBudget.Take(128, LinkName);
        Bytes.AllocationBudget.TakeText(bytes.Length, LinkName);
        return Encoding.UTF8.GetString(bytes);
    }

    // Many links or attributes: a tree's records identify objects in a heap.
    private List<byte[]> InHeap(ulong heapAddress, ulong tree, byte recordType, int idAt)
    {
        if (heapAddress == Hdf5Bytes.Nowhere || tree == Hdf5Bytes.Nowhere) return [];
        var heap = new Hdf5FractalHeap(Bytes, heapAddress);
        return [.. Hdf5Trees.Version2(Bytes, tree, recordType).Select(record =>
            heap.Content(record.AsSpan(Math.Min(idAt, record.Length))))];
    }

    private Dictionary<string, ReadOnlyMemory<byte>> Attributes(Hdf5Object of)
    {
        if (attributes.TryGetValue(of.Address, out var found)) return found;
        found = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var message in of.Messages)
            if (message is { Kind: Hdf5MessageKind.Attribute, Shared: false }) AddAttribute(message.Data, found);
        if (of.Single(Hdf5MessageKind.AttributeInfo) is { } place)
        {
            var info = new Hdf5Cursor(place.Data.Span, AttributeName);
            info.Skip(1);
            if ((info.Byte() & 1) != 0) info.Skip(2);
            foreach (var attribute in InHeap(info.UInt64(), info.UInt64(), recordType: 8, idAt: 0)) AddAttribute(attribute, found);
        }
        attributes.Add(of.Address, found);
        return found;
    }

    private void AddAttribute(ReadOnlyMemory<byte> message, Dictionary<string, ReadOnlyMemory<byte>> found)
    {
        var cursor = new Hdf5Cursor(message.Span, AttributeName);
        var version = cursor.Byte();
        if (version is < 1 or > 3) throw new FormatException($"{AttributeName} is of version {version}, which is not read");
        cursor.Skip(1);
        ulong nameLength = cursor.UInt16();
        cursor.Skip(version == 3 ? 5u : 4u);
        var name = Name(cursor.Take(nameLength).TrimEnd((byte)0));
        if (!found.TryAdd(name, message)) throw new FormatException($"has two attributes {name} on one object");
    }
}
