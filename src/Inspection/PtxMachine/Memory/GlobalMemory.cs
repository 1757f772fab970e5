using System.Runtime.InteropServices;

namespace Convolve.Inspection.PtxMachine.Memory;

/// <summary>
/// The device memory that kernels see: arrays, each at addresses of its own, far from all others. An index that leaves one array therefore
/// never lands in another, as it may on a device.
/// </summary>
public sealed unsafe class GlobalMemory : IDisposable
{
    /// <summary>The bits of an address below those that tell the array.</summary>
    private const int OffsetBits = 40;

    /// <summary>What a device's allocations begin at multiples of.</summary>
    private const nuint Alignment = 256;

    private readonly List<GlobalArray> arrays = [];

    /// <summary>Allocates an array that has not been written yet.</summary>
    /// <param name="name">Its name in findings.</param>
    /// <param name="bytes">Its length.</param>
    public GlobalArray Allocate(string name, long bytes)
    {
        var host = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
        return Add(new GlobalArray(name, host, bytes, NextAddress, new bool[bytes]));
    }

    /// <summary>Allocates an array with values.</summary>
    public GlobalArray Allocate<T>(string name, ReadOnlySpan<T> values) where T : unmanaged
    {
        var array = Allocate(name, (long)values.Length * sizeof(T));
        array.Write(values);
        return array;
    }

    /// <summary>Maps memory of the host, whose content counts as written. It must not move.</summary>
    /// <param name="name">Its name in findings.</param>
    /// <param name="host">Where it begins.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="begin">Where it begins in the allocation that it is part of, in bytes: its address here is aligned as that is.</param>
    public GlobalArray Map(string name, nint host, long bytes, long begin = 0) =>
        Add(new GlobalArray(name, (byte*)host, bytes, NextAddress + (ulong)begin, null));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var array in arrays.Where(array => array.IsOwned)) NativeMemory.AlignedFree(array.Host);
        arrays.Clear();
    }

    /// <summary>All arrays.</summary>
    internal IReadOnlyList<GlobalArray> Arrays => arrays;

    /// <summary>The array that an address belongs to; null if there is none.</summary>
    internal GlobalArray? Find(ulong address)
    {
        var index = IndexOf(address);
        return index < (ulong)arrays.Count ? arrays[(int)index] : null;
    }

    /// <summary>The number of the array that an address belongs to; that of none if there is none.</summary>
    internal static ulong IndexOf(ulong address) => (address >> OffsetBits) - 1;

    /// <summary>An address in words.</summary>
    internal string Describe(ulong address)
    {
        // An index below the first element leads into the numbers of the array before.
        var nearest = arrays.MinBy(array => Int128.Abs((Int128)address - array.Address));
        if (nearest is null || Int128.Abs((Int128)address - nearest.Address) > 1L << (OffsetBits - 1)) return $"address 0x{address:x}";
        return $"byte {(long)(address - nearest.Address)} of {nearest.Name} [{nearest.Bytes} bytes]";
    }

    private ulong NextAddress => (ulong)(arrays.Count + 1) << OffsetBits;

    private GlobalArray Add(GlobalArray array)
    {
        arrays.Add(array);
        return array;
    }
}

/// <summary>An array in <see cref="GlobalMemory"/>.</summary>
public sealed unsafe class GlobalArray
{
    private readonly bool[]? written;

    internal GlobalArray(string name, byte* host, long bytes, ulong address, bool[]? written)
    {
        Name = name;
        Host = host;
        Bytes = bytes;
        Address = address;
        this.written = written;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its length.</summary>
    public long Bytes { get; }

    /// <summary>The address of its first byte, as kernels see it.</summary>
    public ulong Address { get; }

    internal byte* Host { get; }

    internal bool IsOwned => written is not null;

    /// <summary>Writes values to its beginning.</summary>
    public void Write<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, Bytes);
        bytes.CopyTo(new Span<byte>(Host, bytes.Length));
        MarkWritten(0, bytes.Length);
    }

    /// <summary>A copy of its values.</summary>
    public T[] Read<T>() where T : unmanaged => new ReadOnlySpan<T>(Host, (int)(Bytes / sizeof(T))).ToArray();

    internal bool IsWritten(long offset, int bytes) => written is null || !written.AsSpan((int)offset, bytes).Contains(false);

    internal void MarkWritten(long offset, int bytes)
    {
        if (written is not null) Array.Fill(written, true, (int)offset, bytes);
    }
}
