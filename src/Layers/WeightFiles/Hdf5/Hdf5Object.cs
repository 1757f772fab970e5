namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>The kinds of messages in an object's header, with the specification's numbers.</summary>
internal enum Hdf5MessageKind : ushort
{
    /// <summary>The sizes of a dataset.</summary>
    Dataspace = 0x01,

    /// <summary>Where a group's links are if they are not in its header.</summary>
    LinkInfo = 0x02,

    /// <summary>The type of a dataset's elements.</summary>
    Datatype = 0x03,

    /// <summary>The value of elements that were never written.</summary>
    FillValue = 0x05,

    /// <summary>A link of a group.</summary>
    Link = 0x06,

    /// <summary>Other files with a dataset's data.</summary>
    ExternalFiles = 0x07,

    /// <summary>The location of a dataset's data.</summary>
    DataLayout = 0x08,

    /// <summary>The filters of its chunks.</summary>
    FilterPipeline = 0x0B,

    /// <summary>An attribute.</summary>
    Attribute = 0x0C,

    /// <summary>The continuation of the header.</summary>
    Continuation = 0x10,

    /// <summary>Where the links of an old-style group are.</summary>
    SymbolTable = 0x11,

    /// <summary>Where attributes are if they are not in the header.</summary>
    AttributeInfo = 0x15,
}

/// <summary>A message in the header of an object.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Shared">Whether this is only a reference to it.</param>
/// <param name="Data">Its content.</param>
internal readonly record struct Hdf5Message(Hdf5MessageKind Kind, bool Shared, ReadOnlyMemory<byte> Data);

/// <summary>A group, dataset or type of an HDF5 file: its header, which is a list of messages.</summary>
/// <param name="Address">The header's address, which identifies the object.</param>
/// <param name="Messages">Its messages in order.</param>
internal sealed record Hdf5Object(ulong Address, IReadOnlyList<Hdf5Message> Messages)
{
    private const string What = "an object header";

    // The cost of a message besides its bytes.
    private const long BytesOfAMessage = 64;

    /// <summary>Whether it contains other objects.</summary>
    public bool IsGroup => Messages.Any(message => message.Kind is Hdf5MessageKind.SymbolTable or Hdf5MessageKind.LinkInfo);

    /// <summary>Whether it contains numbers or strings.</summary>
    public bool IsDataset => Messages.Any(message => message.Kind == Hdf5MessageKind.DataLayout);

    /// <summary>The only message of a kind; null if there is none.</summary>
    /// <exception cref="FormatException">There are several.</exception>
    public Hdf5Message? Single(Hdf5MessageKind kind)
    {
        Hdf5Message? found = null;
        foreach (var message in Messages)
        {
            if (message.Kind != kind) continue;
            if (found is not null) throw new FormatException($"{What} at {Address} has several messages {kind}");
            found = message;
        }
        return found;
    }

    /// <summary>Reads a header with all its continuations.</summary>
    /// <exception cref="FormatException">It is malformed, or its continuations do not end.</exception>
    public static Hdf5Object Read(Hdf5Bytes file, ulong address)
    {
        var start = file.Read(address, Math.Min(16, (ulong)Math.Max(0, file.Length - (long)Math.Min(address, long.MaxValue))), What);
        var isNew = start.AsSpan().StartsWith("OHDR"u8);
        var messages = new List<Hdf5Message>();
        var continuations = new Queue<(ulong Address, ulong Length)>();
        var hasOrder = false;
        if (isNew)
        {
            var prefix = new Hdf5Cursor(start, What);
            prefix.Expect("OHDR"u8, 2);
            var flags = prefix.Byte();
            hasOrder = (flags & 0x04) != 0;
            var lengthAt = 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
            var width = 1 << (flags & 3);
            var length = new Hdf5Cursor(file.Read(address + (ulong)lengthAt, (ulong)width, What), What).UInt(width);
            Collect(file.Read(address + (ulong)(lengthAt + width), length, What));
        }
        else
        {
            var prefix = new Hdf5Cursor(start, What);
            prefix.Expect([], 1);
            prefix.Skip(7);
            Collect(file.Read(address + 16, prefix.UInt32(), What));
        }
        var visited = new HashSet<ulong>();
        while (continuations.TryDequeue(out var next))
        {
            if (!visited.Add(next.Address)) throw new FormatException($"{What} at {address} goes on without end");
            var block = file.Read(next.Address, next.Length, What);
            if (!isNew)
            {
                Collect(block);
                continue;
            }
            if (block.Length < 8 || !block.AsSpan().StartsWith("OCHK"u8))
                throw new FormatException($"{What} at {address} does not go on where it should");
            Collect(block.AsMemory(4..^4));
        }
        return new Hdf5Object(address, messages);

        void Collect(ReadOnlyMemory<byte> block)
        {
            var cursor = new Hdf5Cursor(block.Span, What);
            var smallest = isNew ? hasOrder ? 6 : 4 : 8;
            while (cursor.Left >= smallest)
            {
                var kind = (Hdf5MessageKind)(isNew ? cursor.Byte() : cursor.UInt16());
                int length = cursor.UInt16();
                var flags = cursor.Byte();
                cursor.Skip(isNew ? hasOrder ? 2u : 0u : 3u);
                var data = block.Slice(cursor.Position, Math.Min(length, cursor.Left));
                cursor.Skip((ulong)length);
                file.AllocationBudget.Take(BytesOfAMessage, What);
                if (kind == Hdf5MessageKind.Continuation)
                {
                    var place = new Hdf5Cursor(data.Span, What);
                    continuations.Enqueue((place.UInt64(), place.UInt64()));
                }
                else if (kind != 0)
                {
                    messages.Add(new Hdf5Message(kind, (flags & 0x02) != 0, data));
                }
            }
        }
    }
}
