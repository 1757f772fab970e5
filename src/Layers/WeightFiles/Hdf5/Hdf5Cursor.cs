using System.Buffers.Binary;

namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>Reads one structure of an HDF5 file sequentially: little-endian numbers, none beyond its end.</summary>
/// <param name="bytes">The structure.</param>
/// <param name="what">Its name in messages.</param>
internal ref struct Hdf5Cursor(ReadOnlySpan<byte> bytes, string what)
{
    private readonly int length = bytes.Length;
    private ReadOnlySpan<byte> rest = bytes;

    /// <summary>Bytes that were read.</summary>
    public readonly int Position => length - rest.Length;

    /// <summary>Bytes that are left.</summary>
    public readonly int Left => rest.Length;

    /// <summary>The next bytes.</summary>
    /// <exception cref="FormatException">The structure ends before.</exception>
    public ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)rest.Length) throw new FormatException($"{what} is cut off");
        var taken = rest[..(int)count];
        rest = rest[(int)count..];
        return taken;
    }

    /// <summary>Skips bytes.</summary>
    public void Skip(ulong count) => Take(count);

    /// <summary>Skips padding to a multiple of eight bytes from the beginning.</summary>
    public void SkipToEight() => Skip((ulong)(-Position & 7));

    /// <summary>The next byte.</summary>
    public byte Byte() => Take(1)[0];

    /// <summary>The next two bytes.</summary>
    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    /// <summary>The next four bytes.</summary>
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    /// <summary>The next eight bytes: a length, or an address.</summary>
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>A number of one to eight bytes.</summary>
    public ulong UInt(int width)
    {
        if (width is < 1 or > 8) throw new FormatException($"{what} has a number of {width} bytes");
        ulong value = 0;
        var taken = Take((ulong)width);
        for (var i = width - 1; i >= 0; i--) value = value << 8 | taken[i];
        return value;
    }

    /// <summary>Checks that the signature and the version of a structure come next.</summary>
    /// <exception cref="FormatException">Something else does.</exception>
    public void Expect(ReadOnlySpan<byte> signature, byte version)
    {
        if (!Take((ulong)signature.Length).SequenceEqual(signature)) throw new FormatException($"has no {what} where one should be");
        if (Byte() is var found && found != version) throw new FormatException($"{what} is of version {found}, which is not read");
    }
}
