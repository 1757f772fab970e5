using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Convolve.Layers.WeightFiles;

/// <summary>What a weight file stores a number as.</summary>
public enum ElementType
{
    /// <summary>IEEE double precision.</summary>
    Float64,

    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>IEEE half precision.</summary>
    Float16,

    /// <summary>The upper half of a <see cref="Float32"/>.</summary>
    BFloat16,

    /// <summary>Signed, 8 bytes.</summary>
    Int64,

    /// <summary>Unsigned, 8 bytes.</summary>
    UInt64,

    /// <summary>Signed, 4 bytes.</summary>
    Int32,

    /// <summary>Unsigned, 4 bytes.</summary>
    UInt32,

    /// <summary>Signed, 2 bytes.</summary>
    Int16,

    /// <summary>Unsigned, 2 bytes.</summary>
    UInt16,

    /// <summary>Signed, 1 byte.</summary>
    Int8,

    /// <summary>Unsigned, 1 byte.</summary>
    UInt8,

    /// <summary>A byte: 0 or 1.</summary>
    Bool,
}

/// <summary>Stored numbers as float32, in which Convolve computes.</summary>
internal static class ElementConversion
{
    /// <summary>Bytes of one number.</summary>
    public static int Width(this ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        _ => 1,
    };

    /// <summary>Converts numbers that lie side by side; float32 stays what it is, bit for bit.</summary>
    /// <param name="type">What they are.</param>
    /// <param name="bytes">The numbers.</param>
    /// <param name="bigEndian">Whether the highest byte comes first.</param>
    public static float[] ToFloats(this ElementType type, ReadOnlySpan<byte> bytes, bool bigEndian = false)
    {
        var width = type.Width();
        var values = new float[bytes.Length / width];
        if (type == ElementType.Float32 && bigEndian != BitConverter.IsLittleEndian)
        {
            bytes[..(values.Length * width)].CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
        Span<byte> turned = stackalloc byte[8];
        for (var i = 0; i < values.Length; i++)
        {
            scoped var item = bytes.Slice(i * width, width);
            if (bigEndian)
            {
                item.CopyTo(turned);
                turned[..width].Reverse();
                item = turned;
            }
            values[i] = type switch
            {
                ElementType.Float64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(item),
                ElementType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(item),
                ElementType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(item),
                ElementType.BFloat16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16LittleEndian(item) << 16),
                ElementType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(item),
                ElementType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(item),
                ElementType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(item),
                ElementType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(item),
                ElementType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(item),
                ElementType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(item),
                ElementType.Int8 => (sbyte)item[0],
                _ => item[0],
            };
        }
        return values;
    }

    /// <summary>The number of elements of a shape.</summary>
    /// <exception cref="FormatException">A size is negative, or the tensor is larger than an array can be.</exception>
    public static int ElementsOf(string name, ReadOnlySpan<long> shape)
    {
        long product = 1;
        var empty = false;
        foreach (var size in shape)
        {
            if (size < 0) throw new FormatException($"tensor {name} has the negative size {size}");
            empty |= size == 0;
            product = size == 0 ? product : checked(product * size);
            if (size > Array.MaxLength || product > Array.MaxLength)
                throw new FormatException($"tensor {name} of [{string.Join(',', shape.ToArray())}] is too large");
        }
        return empty ? 0 : (int)product;
    }
}
