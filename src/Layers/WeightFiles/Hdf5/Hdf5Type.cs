namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>The type of the elements of a dataset or an attribute.</summary>
/// <param name="Length">Bytes of an element.</param>
/// <param name="Number">The type of number; null if they are something else.</param>
/// <param name="BigEndian">Whether a number's highest byte comes first.</param>
/// <param name="Text">How strings are stored; null if they are something else.</param>
/// <param name="Description">A description for messages.</param>
internal sealed record Hdf5Type(int Length, ElementType? Number, bool BigEndian, Hdf5Text? Text, string Description)
{
    private const string What = "a datatype";

    /// <summary>Whether they are numbers of any kind, supported or not.</summary>
    public bool IsNumeric { get; private init; }

    /// <summary>Reads the beginning of a type, which is all that numbers and strings have.</summary>
    /// <exception cref="FormatException">It is truncated, or its length is impossible.</exception>
    public static Hdf5Type Read(ReadOnlySpan<byte> message)
    {
        var cursor = new Hdf5Cursor(message, What);
        var kind = cursor.Byte() & 0x0F;
        uint flags = cursor.Byte();
        cursor.Skip(2);
        var length = cursor.UInt32();
        if (length is 0 or > int.MaxValue) throw new FormatException($"{What} has a length of {length} bytes");
        var name = kind switch
        {
            0 => "FixedPoint",
            1 => "FloatingPoint",
            2 => "Time",
            3 => "String",
            4 => "BitField",
            5 => "Opaque",
            6 => "Compound",
            7 => "Reference",
            8 => "Enumerated",
            9 => "VariableLength",
            10 => "Array",
            _ => $"Class{kind}",
        };
        var number = kind switch
        {
            0 => Whole(ref cursor, length, signed: (flags & 0x08) != 0),
            1 => Floating(ref cursor, length, order: flags & 0x41),
            _ => null,
        };
        Hdf5Text? text = kind switch
        {
            3 => (flags & 0x0F) switch { 0 or 1 => Hdf5Text.ToZero, 2 => Hdf5Text.PaddedWithSpaces, _ => null },
            9 when (flags & 0x0F) == 1 => Hdf5Text.OfAnyLength,
            _ => null,
        };
        return new Hdf5Type((int)length, number, (flags & 0x01) != 0, text, name) { IsNumeric = kind is 0 or 1 };
    }

    // Only numbers that use all bits of their bytes are supported, as other tools write them.
    private static ElementType? Whole(ref Hdf5Cursor cursor, uint length, bool signed)
    {
        if (cursor.UInt16() != 0 || cursor.UInt16() != 8 * length) return null;
        return length switch
        {
            8 => signed ? ElementType.Int64 : ElementType.UInt64,
            4 => signed ? ElementType.Int32 : ElementType.UInt32,
            2 => signed ? ElementType.Int16 : ElementType.UInt16,
            1 => signed ? ElementType.Int8 : ElementType.UInt8,
            _ => null,
        };
    }

    // The IEEE formats and bfloat16, identified by position and size of exponent and mantissa; byte order 0x40 is the VAX's.
    private static ElementType? Floating(ref Hdf5Cursor cursor, uint length, uint order)
    {
        var (offset, precision) = (cursor.UInt16(), cursor.UInt16());
        var (exponentAt, exponent, mantissaAt, mantissa, bias) = (cursor.Byte(), cursor.Byte(), cursor.Byte(), cursor.Byte(),
            cursor.UInt32());
        if (offset != 0 || precision != 8 * length || mantissaAt != 0 || exponentAt != mantissa || order > 1) return null;
        return (length, exponent, mantissa, bias) switch
        {
            (8, 11, 52, 1023) => ElementType.Float64,
            (4, 8, 23, 127) => ElementType.Float32,
            (2, 5, 10, 15) => ElementType.Float16,
            (2, 8, 7, 127) => ElementType.BFloat16,
            _ => null,
        };
    }
}

/// <summary>How strings are stored.</summary>
internal enum Hdf5Text
{
    /// <summary>In a field, up to the first zero byte or the field's end.</summary>
    ToZero,

    /// <summary>In a field, padded with spaces.</summary>
    PaddedWithSpaces,

    /// <summary>In a heap, with any length.</summary>
    OfAnyLength,
}

/// <summary>The sizes of a dataset or an attribute.</summary>
internal static class Hdf5Dataspace
{
    private const string What = "a dataspace";

    /// <summary>Reads them.</summary>
    /// <param name="message">The description.</param>
    /// <param name="grows">Whether the dataset may grow.</param>
    /// <returns>The sizes; none for a single element, one zero for no element.</returns>
    /// <exception cref="FormatException">It is truncated, or of an unknown version.</exception>
    public static long[] Read(ReadOnlySpan<byte> message, out bool grows)
    {
        var cursor = new Hdf5Cursor(message, What);
        var (version, rank, flags) = (cursor.Byte(), cursor.Byte(), cursor.Byte());
        grows = false;
        switch (version)
        {
            case 1: cursor.Skip(5); break;
            case 2: if (cursor.Byte() == 2) return [0]; break;
            default: throw new FormatException($"{What} is of version {version}, which is not read");
        }
        if (rank > ElementConversion.MostDimensions) throw new FormatException($"{What} has {rank} dimensions");
        var sizes = new long[rank];
        for (var d = 0; d < rank; d++)
            sizes[d] = cursor.UInt64() is var size && size <= long.MaxValue ? (long)size
                : throw new FormatException($"{What} has a size of {size}");
        if ((flags & 1) != 0)
            for (var d = 0; d < rank; d++) grows |= cursor.UInt64() != (ulong)sizes[d];
        return sizes;
    }
}
