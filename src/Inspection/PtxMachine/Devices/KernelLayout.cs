using System.Reflection;
using System.Runtime.InteropServices;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;
using ILGPU;
using ILGPU.Runtime;
using static Convolve.Engine.Kernels.Rounding;

namespace Convolve.Inspection.PtxMachine.Devices;

/// <summary>
/// Where the fields of a kernel lie in its one argument, as ILGPU compiles it: in the order of their declaration, each at a multiple of its
/// own size. A view is its address and its length, of eight bytes each.
/// </summary>
/// <typeparam name="TKernel">The kernel.</typeparam>
internal sealed class KernelLayout<TKernel> where TKernel : struct
{
    private readonly List<(FieldInfo[] Path, int Offset)> fields = [];
    private readonly PtxKernel kernel;

    /// <summary>Lays the fields out.</summary>
    /// <exception cref="InvalidOperationException">ILGPU lays them out otherwise.</exception>
    public KernelLayout(PtxKernel kernel)
    {
        this.kernel = kernel;
        var (end, alignment) = Collect(typeof(TKernel), [], 0);
        if (RoundUp(end, alignment) != kernel.ParameterBytes)
            throw new InvalidOperationException($"{kernel.Name}: its fields take {RoundUp(end, alignment)} bytes, but its PTX has "
                + $"{kernel.ParameterBytes} bytes of arguments");
    }

    /// <summary>The bytes of an argument; the arrays of its views become arrays of a launch's memory.</summary>
    public ReadOnlySpan<byte> Bytes(TKernel argument, GlobalMemory memory)
    {
        var bytes = new byte[kernel.ParameterBytes];
        foreach (var (path, offset) in fields)
        {
            var value = path.Aggregate((object)argument, (owner, field) => field.GetValue(owner)!);
            if (value.GetType().IsGenericType)
            {
                var view = (IViewArgument)Activator.CreateInstance(
                    typeof(ViewArgument<>).MakeGenericType(value.GetType().GetGenericArguments()))!;
                var (address, length) = view.Map(value, string.Join('.', path.Select(field => field.Name)), memory);
                MemoryMarshal.Write(bytes.AsSpan(offset), address);
                MemoryMarshal.Write(bytes.AsSpan(offset + sizeof(ulong)), length);
            }
            else
            {
                var raw = value is bool flag ? [flag ? (byte)1 : (byte)0] : RawBytes(value);
                raw.CopyTo(bytes.AsSpan(offset));
            }
        }
        return bytes;
    }

    /// <summary>Finds the fields of a struct from an offset on.</summary>
    /// <returns>Where they end, and what the struct begins at a multiple of.</returns>
    private (int End, int Alignment) Collect(Type type, FieldInfo[] path, int offset)
    {
        var alignment = 1;
        foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .OrderBy(field => field.MetadataToken))
        {
            FieldInfo[] inner = [.. path, field];
            if (IsView(field.FieldType))
            {
                offset = Add(inner, offset, 2 * sizeof(long), sizeof(long));
                alignment = sizeof(long);
            }
            else if (field.FieldType.IsPrimitive || field.FieldType.IsEnum)
            {
                var bytes = field.FieldType == typeof(bool) ? 1
                    : Marshal.SizeOf(field.FieldType.IsEnum ? field.FieldType.GetEnumUnderlyingType() : field.FieldType);
                offset = Add(inner, offset, bytes, bytes);
                alignment = Math.Max(alignment, bytes);
            }
            else
            {
                offset = RoundUp(offset, AlignmentOf(field.FieldType));
                var (end, of) = Collect(field.FieldType, inner, offset);
                offset = RoundUp(end, of);
                alignment = Math.Max(alignment, of);
            }
        }
        return (offset, alignment);
    }

    private int Add(FieldInfo[] path, int offset, int bytes, int alignment)
    {
        offset = RoundUp(offset, alignment);
        fields.Add((path, offset));
        return offset + bytes;
    }

    private static int AlignmentOf(Type type) =>
        IsView(type) ? sizeof(long)
        : type == typeof(bool) ? 1
        : type.IsEnum ? Marshal.SizeOf(type.GetEnumUnderlyingType())
        : type.IsPrimitive ? Marshal.SizeOf(type)
        : type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Select(field => AlignmentOf(field.FieldType))
            .DefaultIfEmpty(1).Max();

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static byte[] RawBytes(object value)
    {
        if (value.GetType().IsEnum)
            value = System.Convert.ChangeType(value, value.GetType().GetEnumUnderlyingType(),
                System.Globalization.CultureInfo.InvariantCulture);
        var bytes = new byte[Marshal.SizeOf(value)];
        var pin = GCHandle.Alloc(value, GCHandleType.Pinned);
        Marshal.Copy(pin.AddrOfPinnedObject(), bytes, 0, bytes.Length);
        pin.Free();
        return bytes;
    }
}
