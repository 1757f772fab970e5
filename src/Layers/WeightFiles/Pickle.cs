using System.Buffers.Binary;
using System.Text;

namespace Convolve.Layers.WeightFiles;

/// <summary>A tensor of a PyTorch file before its numbers are read: a view into a storage.</summary>
/// <param name="Storage">Where the numbers are.</param>
/// <param name="Offset">Index of the first one.</param>
/// <param name="Size">The shape.</param>
/// <param name="Stride">Elements from one index to the next, per dimension.</param>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Size, long[] Stride);

/// <summary>A storage of a PyTorch file: numbers in a row.</summary>
/// <param name="Type">Their type.</param>
/// <param name="Key">Their name in the file.</param>
/// <param name="Offset">Index in the named storage where this one begins.</param>
/// <param name="Length">How many there are.</param>
internal sealed record PickledStorage(ElementType Type, string Key, long Offset, long Length);

/// <summary>A pickled dictionary, in order.</summary>
internal sealed class PickledMap
{
    /// <summary>Keys and values.</summary>
    public List<(object? Key, object? Value)> Entries { get; } = [];
}

/// <summary>
/// Reads Python pickles as <c>torch.save</c> writes them, without Python: builds numbers, strings, lists, tuples, dictionaries and tensors,
/// nothing else. A pickle is a program that may call any function by name; here every name but those of tensors and storages is refused.
/// Opcodes: Python's <c>pickletools</c>.
/// </summary>
internal sealed class Pickle
{
    /// <summary>What a name in a pickle may stand for.</summary>
    private enum Callable { OrderedDictionary, Tensor, Parameter, Size }

    private sealed class Mark;

    private static readonly Dictionary<string, object> known = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = Callable.OrderedDictionary,
        ["torch._utils._rebuild_tensor"] = Callable.Tensor,
        ["torch._utils._rebuild_tensor_v2"] = Callable.Tensor,
        ["torch._utils._rebuild_parameter"] = Callable.Parameter,
        ["torch.Size"] = Callable.Size,
        ["torch.DoubleStorage"] = ElementType.Float64,
        ["torch.FloatStorage"] = ElementType.Float32,
        ["torch.HalfStorage"] = ElementType.Float16,
        ["torch.BFloat16Storage"] = ElementType.BFloat16,
        ["torch.LongStorage"] = ElementType.Int64,
        ["torch.IntStorage"] = ElementType.Int32,
        ["torch.ShortStorage"] = ElementType.Int16,
        ["torch.CharStorage"] = ElementType.Int8,
        ["torch.ByteStorage"] = ElementType.UInt8,
        ["torch.BoolStorage"] = ElementType.Bool,
    };

    private static readonly Mark mark = new();

    // The cost of an entry of a growing list or stack, and the least cost of an object: one byte of a pickle may create one.
    private const long BytesOfAPlace = 32, BytesOfAnObject = 96;

    private readonly byte[] bytes;
    private readonly AllocationBudget budget;
    private readonly List<object?> stack = [];
    private readonly Dictionary<int, object?> memo = [];
    private int position;

    private Pickle(byte[] bytes, int position, AllocationBudget budget)
    {
        this.bytes = bytes;
        this.position = position;
        this.budget = budget;
    }

    /// <summary>Reads one pickle.</summary>
    /// <param name="bytes">Holds the pickle.</param>
    /// <param name="position">Its first byte; afterwards the byte behind it.</param>
    /// <param name="budget">The memory that reading may take.</param>
    /// <exception cref="FormatException">It is truncated, malformed, exceeds the budget, or names something that is no tensor.</exception>
    public static object? Read(byte[] bytes, ref int position, AllocationBudget budget)
    {
        var pickle = new Pickle(bytes, position, budget);
        var value = pickle.Run();
        position = pickle.position;
        return value;
    }

    private object? Run()
    {
        while (true)
        {
            var start = position;
            var code = (char)Byte();
            Take(CostOf(code));
            switch (code)
            {
                case '.': return Pop();
                case '\x80': Byte(); break;                                     // PROTO
                case '\x95': Next(8); break;                                    // FRAME
                case '(': stack.Add(mark); break;
                case 'N': stack.Add(null); break;
                case '\x88': stack.Add(true); break;
                case '\x89': stack.Add(false); break;
                case 'K': stack.Add((long)Byte()); break;
                case 'M': stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Next(2))); break;
                case 'J': stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Next(4))); break;
                case '\x8a': stack.Add(Long(Byte())); break;
                case 'G': stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Next(8))); break;
                case 'X': stack.Add(Text(BinaryPrimitives.ReadInt32LittleEndian(Next(4)))); break;
                case '\x8c': stack.Add(Text(Byte())); break;
                case 'U': stack.Add(Text(Byte())); break;                       // SHORT_BINSTRING
                case 'T': stack.Add(Text(BinaryPrimitives.ReadInt32LittleEndian(Next(4)))); break;
                case ')': stack.Add(Array.Empty<object?>()); break;
                case '\x85': Tuple(1); break;
                case '\x86': Tuple(2); break;
                case '\x87': Tuple(3); break;
                case 't': stack.Add(PopToMark()); break;
                case ']': stack.Add(new List<object?>()); break;
                case 'l': stack.Add(PopToMark().ToList()); break;
                case 'a': { var value = Pop(); Top<List<object?>>("APPEND").Add(value); break; }
                case 'e': { var values = PopToMark(); Top<List<object?>>("APPENDS").AddRange(values); break; }
                case '}': stack.Add(new PickledMap()); break;
                case 's': { var value = Pop(); var key = Pop(); Top<PickledMap>("SETITEM").Entries.Add((key, value)); break; }
                case 'u': { var values = PopToMark(); SetItems(Top<PickledMap>("SETITEMS"), values); break; }
                case 'q': memo[Byte()] = Top(); break;
                case 'r': memo[BinaryPrimitives.ReadInt32LittleEndian(Next(4))] = Top(); break;
                case '\x94': memo[memo.Count] = Top(); break;
                case 'h': stack.Add(Remembered(Byte())); break;
                case 'j': stack.Add(Remembered(BinaryPrimitives.ReadInt32LittleEndian(Next(4)))); break;
                case '0': Pop(); break;
                case '2': stack.Add(Top()); break;
                case 'c': stack.Add(Named($"{Line()}.{Line()}")); break;
                case '\x93': { var name = Pop(); stack.Add(Named($"{Pop()}.{name}")); break; }
                case 'Q': stack.Add(Storage(Pop())); break;
                case 'R': { var arguments = Pop(); stack.Add(Call(Pop(), arguments)); break; }
                // The state of an ordered dictionary or a tensor is about versions or hooks.
                case 'b': { Pop(); if (Top() is not (PickledMap or PickledTensor)) throw Malformed("BUILD"); break; }
                default:
                    throw new FormatException(
                    $"has the pickle instruction 0x{(int)code:X2} at byte {start}, which no file of tensors needs; refused");
            }
        }
    }

    // Before the instruction runs. Marks, constants and memoized values exist already.
    private static long CostOf(char code) => code switch
    {
        '.' or '\x80' or '\x95' or '0' or 'b' => 0,
        '(' or 'N' or '\x88' or '\x89' or 'h' or 'j' or '2' => BytesOfAPlace,
        _ => BytesOfAnObject + BytesOfAPlace,
    };

    private static object Named(string name) => known.TryGetValue(name, out var value)
        ? value
        : throw new FormatException(
        $"asks for {name}, which is no tensor; refused (save the state_dict alone: torch.save(model.state_dict(), …))");

    private object Call(object? callable, object? arguments)
    {
        if (arguments is not object?[] values) throw Malformed("REDUCE");
        switch (callable)
        {
            case Callable.OrderedDictionary when values.Length == 0: return new PickledMap();
            case Callable.OrderedDictionary when values is [List<object?> pairs]:
                // The same list may be turned into a dictionary repeatedly.
                Take(BytesOfAPlace * pairs.Count);
                var map = new PickledMap();
                foreach (var pair in pairs)
                    map.Entries.Add(pair is IList<object?> { Count: 2 } two ? (two[0], two[1]) : throw Malformed("OrderedDict"));
                return map;
            case Callable.Size when values is [object?[] sizes]: return sizes;
            case Callable.Parameter when values is [PickledTensor tensor, ..]: return tensor;
            case Callable.Tensor when values is [PickledStorage storage, long offset, object?[] size, object?[] stride, ..]:
                Take(sizeof(long) * ((long)size.Length + stride.Length));
                return new PickledTensor(storage, offset, Whole(size), Whole(stride));
            default: throw Malformed($"REDUCE of {callable}");
        }
    }

    // ('storage', type, key, device, length) and, in old files, where in another storage this one lies: None or (key, offset, length).
    private static PickledStorage Storage(object? identity)
    {
        if (identity is not object?[] { Length: 5 or 6 } fields
            || fields is not ["storage", ElementType type, string key, _, long length, ..])
            throw Malformed("BINPERSID");
        if (length < 0) throw new FormatException($"storage {key} has the negative length {length}");
        return fields.Length == 6 && fields[5] is object?[] view
            ? view is [_, long offset, long viewed] && offset >= 0 && viewed >= 0 && viewed <= length - offset
                ? new PickledStorage(type, key, offset, viewed)
                : throw new FormatException($"storage {key} is viewed outside of its {length} elements")
            : new PickledStorage(type, key, 0, length);
    }

    private static void SetItems(PickledMap map, object?[] values)
    {
        if (values.Length % 2 != 0) throw Malformed("SETITEMS");
        for (var i = 0; i < values.Length; i += 2) map.Entries.Add((values[i], values[i + 1]));
    }

    private static long[] Whole(object?[] values) => [.. values.Select(value => value is long whole ? whole : throw Malformed("a size"))];

    private static FormatException Malformed(string what) => new($"has a malformed pickle ({what})");

    private void Take(long cost) => budget.Take(cost, "the pickle");

    private byte Byte() => Next(1)[0];

    private ReadOnlySpan<byte> Next(int count)
    {
        if (count < 0 || count > bytes.Length - position) throw new FormatException($"has a pickle that is cut off at byte {bytes.Length}");
        position += count;
        return bytes.AsSpan(position - count, count);
    }

    private string Text(int length)
    {
        var text = Next(length);
        Take(sizeof(char) * (long)length);
        return Encoding.UTF8.GetString(text);
    }

    private string Line()
    {
        var end = Array.IndexOf(bytes, (byte)'\n', position);
        if (end < 0) throw new FormatException($"has a pickle that is cut off at byte {bytes.Length}");
        var line = Encoding.UTF8.GetString(bytes, position, end - position);
        position = end + 1;
        return line;
    }

    // Two's complement of any length; only the magic number of old files needs more than eight bytes.
    private object Long(int length)
    {
        var number = new System.Numerics.BigInteger(Next(length));
        return number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number;
    }

    private object? Top() => stack.Count > 0 && stack[^1] is not Mark ? stack[^1] : throw Malformed("empty stack");

    private T Top<T>(string instruction) => Top() is T value ? value : throw Malformed(instruction);

    private object? Pop()
    {
        var value = Top();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    private object?[] PopToMark()
    {
        var start = stack.FindLastIndex(value => value is Mark);
        if (start < 0) throw Malformed("no mark");
        object?[] values = [.. stack.Skip(start + 1)];
        stack.RemoveRange(start, stack.Count - start);
        return values;
    }

    private void Tuple(int count)
    {
        var values = new object?[count];
        for (var i = count - 1; i >= 0; i--) values[i] = Pop();
        stack.Add(values);
    }

    private object? Remembered(int index) =>
        memo.TryGetValue(index, out var value) ? value : throw Malformed($"nothing remembered as {index}");
}
