using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Convolve.Layers.WeightFiles;

/// <summary>The type of numbers in a weight file.</summary>
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

/// <summary>Conversion of stored numbers to float32.</summary>
internal static class ElementConversion
{
    /// <summary>The most dimensions: what NumPy and PyTorch have.</summary>
    public const int MostDimensions = 64;

    /// <summary>Bytes of one number.</summary>
    public static int Width(this ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        _ => 1,
    };

    /// <summary>Converts an array of numbers; float32 is copied exactly.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="bytes">The numbers.</param>
    /// <param name="values">Receives them.</param>
    /// <param name="bigEndian">Whether the highest byte comes first.</param>
    public static void ToFloats(this ElementType type, ReadOnlySpan<byte> bytes, Span<float> values, bool bigEndian = false)
    {
        if (type == ElementType.Float32 && bigEndian != BitConverter.IsLittleEndian)
        {
            bytes[..(values.Length * sizeof(float))].CopyTo(MemoryMarshal.AsBytes(values));
            return;
        }
        for (var i = 0; i < values.Length; i++) values[i] = type.ToFloat(bytes, i, bigEndian);
    }

    /// <summary>Converts one number of an array.</summary>
    public static float ToFloat(this ElementType type, ReadOnlySpan<byte> bytes, int index, bool bigEndian)
    {
        var width = type.Width();
        scoped var item = bytes.Slice(index * width, width);
        if (bigEndian)
        {
            Span<byte> turned = stackalloc byte[8];
            item.CopyTo(turned);
            turned[..width].Reverse();
            return Value(type, turned);
        }
        return Value(type, item);
    }

    /// <summary>Reads an array of numbers without keeping its bytes.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="stream">The source.</param>
    /// <param name="values">Receives them; its length is their number.</param>
    /// <param name="bigEndian">Whether the highest byte comes first.</param>
    /// <exception cref="EndOfStreamException">The stream ends before.</exception>
    public static void ReadFloats(this ElementType type, Stream stream, Span<float> values, bool bigEndian = false)
    {
        const int AtOnce = 1 << 16;
        var asStored = type == ElementType.Float32 && bigEndian != BitConverter.IsLittleEndian;
        var buffer = asStored ? [] : new byte[Math.Min(values.Length, AtOnce) * type.Width()];
        for (var done = 0; done < values.Length; done += AtOnce)
        {
            var part = values.Slice(done, Math.Min(AtOnce, values.Length - done));
            if (asStored)
            {
                stream.ReadExactly(MemoryMarshal.AsBytes(part));
                continue;
            }
            var bytes = buffer.AsSpan(0, part.Length * type.Width());
            stream.ReadExactly(bytes);
            type.ToFloats(bytes, part, bigEndian);
        }
    }

    private static float Value(ElementType type, ReadOnlySpan<byte> item) => type switch
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

    /// <summary>The number of elements of a shape.</summary>
    /// <exception cref="FormatException">
    /// A size is negative, there are too many, or the tensor is larger than an array can be, where a size of zero does not make up for
    /// another one: what goes through all indices of the others would have no end.
    /// </exception>
    public static int ElementsOf(string name, ReadOnlySpan<long> shape)
    {
        if (shape.Length > MostDimensions)
            throw new FormatException($"tensor {name} has {shape.Length} dimensions; {MostDimensions} are the most");
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
