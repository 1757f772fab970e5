using System.Numerics;
using System.Runtime.CompilerServices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>ld and st. Every address is checked: it lies inside one array and is a multiple of what a lane moves.</summary>
/// <remarks>PTX ISA, 9.7.9 "ld", "st"; 6.4.1 on alignment.</remarks>
internal static unsafe class MemoryInstructions
{
    /// <summary>ld.param: all lanes read the same argument.</summary>
    public static void LoadParameter(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        fixed (byte* parameters = warp.Group.Launch.Parameters)
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
                Load(warp, access, BitOperations.TrailingZeroCount(mask), parameters + access.Offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LoadGlobal(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        warp.Group.Launch.Counters?.CountGlobal(warp, access);
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            Load(warp, access, lane, Global(warp, access, lane, AccessKind.Read));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreGlobal(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        warp.Group.Launch.Counters?.CountGlobal(warp, access);
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            Store(warp, access, lane, Global(warp, access, lane, AccessKind.Write));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LoadShared(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        warp.Group.Launch.Counters?.CountShared(warp, access);
        fixed (byte* shared = warp.Group.Shared)
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                Load(warp, access, lane, shared + SharedPlace(warp, access, lane, access.Bytes, reads: true));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreShared(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        warp.Group.Launch.Counters?.CountShared(warp, access);
        fixed (byte* shared = warp.Group.Shared)
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                Store(warp, access, lane, shared + SharedPlace(warp, access, lane, access.Bytes, reads: false));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LoadLocal(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        fixed (byte* local = warp.Local)
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                var place = LocalPlace(warp, access, lane);
                if (warp.Group.Launch.Options.Sanitize && warp.LocalWritten.AsSpan(place, access.Bytes).Contains(false))
                    warp.Group.Launch.Report(FindingKind.UninitializedRead, warp, access.Instruction, lane,
                        warp.Group.Launch.Program.Local.Describe(Address(warp, access, lane)),
                            "reads local memory that the thread has not written");
                Load(warp, access, lane, local + place);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreLocal(Warp warp, int number)
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        fixed (byte* local = warp.Local)
            for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                var place = LocalPlace(warp, access, lane);
                warp.LocalWritten.AsSpan(place, access.Bytes).Fill(true);
                Store(warp, access, lane, local + place);
            }
    }

    /// <summary>A lane's address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(Warp warp, MemoryAccess access, int lane)
    {
        var row = warp.Rows + access.Address;
        return unchecked(access.AddressStride == 8 ? Row.Get<ulong>(row, lane) + (ulong)access.Offset
            : Row.Get<uint>(row, lane) + (uint)access.Offset);
    }

    /// <summary>Where a lane's bytes of global memory lie on the host.</summary>
    public static byte* Global(Warp warp, MemoryAccess access, int lane, AccessKind kind) =>
        Global(warp, access, lane, access.Bytes, access.Bytes, kind);

    /// <summary>The same for a number of bytes and an alignment of their own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Global(Warp warp, MemoryAccess access, int lane, int bytes, int alignment, AccessKind kind)
    {
        var launch = warp.Group.Launch;
        var address = Address(warp, access, lane);
        var array = launch.Memory.Find(address);
        var offset = array is null ? -1 : (long)(address - array.Address);
        if (array is null || offset < 0 || offset + bytes > array.Bytes)
            throw launch.Fault(FindingKind.OutOfBounds, warp, access.Instruction, lane, launch.Memory.Describe(address),
                $"{(kind == AccessKind.Read ? "reads" : "writes")} {bytes} bytes outside every array");
        RequireAligned(warp, access, lane, address, alignment, array.Name);
        if (launch.GlobalAccesses?.Access(kind, (nint)(array.Host + offset), bytes, warp.FirstThread + lane, warp.Epoch) is { } race)
            launch.Report(FindingKind.Race, warp, access.Instruction, lane, launch.Memory.Describe(address), race);
        if (kind == AccessKind.Write) array.MarkWritten(offset, bytes);
        else if (launch.Options.Sanitize && !array.IsWritten(offset, bytes))
            launch.Report(FindingKind.UninitializedRead, warp, access.Instruction, lane, launch.Memory.Describe(address),
                "reads global memory that has not been written");
        return array.Host + offset;
    }

    /// <summary>Where a lane's bytes lie in the group's shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int SharedPlace(Warp warp, MemoryAccess access, int lane, int bytes, bool reads)
    {
        var place = SharedPlace(warp, access, lane, bytes);
        var group = warp.Group;
        if (!group.Launch.Options.Sanitize) return place;
        var thread = warp.FirstThread + lane;
        if ((reads ? group.Shadow.Read(place, bytes, thread, warp.Epoch)
            : group.Shadow.Write(place, bytes, thread, warp.Epoch)) is { } finding)
            group.Launch.Report(finding.Kind, warp, access.Instruction, lane,
                group.Launch.Program.Shared.Describe(Address(warp, access, lane)), finding.Detail);
        return place;
    }

    /// <summary>The same without the sanitizer's checks of other accesses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int SharedPlace(Warp warp, MemoryAccess access, int lane, int bytes)
    {
        var address = Address(warp, access, lane);
        var launch = warp.Group.Launch;
        var place = launch.Program.Shared.Place(address, bytes);
        if (place < 0)
            throw launch.Fault(FindingKind.OutOfBounds, warp, access.Instruction, lane, launch.Program.Shared.Describe(address),
                $"accesses {bytes} bytes outside every shared array");
        RequireAligned(warp, access, lane, (ulong)place, bytes, "shared memory");
        return place;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(Warp warp, MemoryAccess access, int lane, byte* from)
    {
        var bytes = access.Type.Bytes;
        foreach (var row in access.Rows)
        {
            var to = warp.Rows + row + lane * access.RowStride;
            // A value shorter than its register is extended to the register's width.
            var value = bytes switch
            {
                4 => access.Type.Kind == 's' ? (ulong)*(int*)from : *(uint*)from,
                8 => *(ulong*)from,
                2 => access.Type.Kind == 's' ? (ulong)*(short*)from : *(ushort*)from,
                _ => access.Type.Kind == 's' ? (ulong)*(sbyte*)from : *from,
            };
            if (access.RowStride == 8) *(ulong*)to = value;
            else *(uint*)to = (uint)value;
            from += bytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Warp warp, MemoryAccess access, int lane, byte* to)
    {
        var bytes = access.Type.Bytes;
        foreach (var row in access.Rows)
        {
            var from = warp.Rows + row + lane * access.RowStride;
            switch (bytes)
            {
                case 4: *(uint*)to = *(uint*)from; break;
                case 8: *(ulong*)to = *(ulong*)from; break;
                case 2: *(ushort*)to = *(ushort*)from; break;
                default: *to = *from; break;
            }
            to += bytes;
        }
    }

    private static int LocalPlace(Warp warp, MemoryAccess access, int lane)
    {
        var address = Address(warp, access, lane);
        var launch = warp.Group.Launch;
        var place = launch.Program.Local.Place(address, access.Bytes);
        if (place < 0)
            throw launch.Fault(FindingKind.OutOfBounds, warp, access.Instruction, lane, launch.Program.Local.Describe(address),
                $"accesses {access.Bytes} bytes outside every local array");
        RequireAligned(warp, access, lane, (ulong)place, access.Bytes, "local memory");
        return lane * launch.Program.Local.Bytes + place;
    }

    private static void RequireAligned(Warp warp, MemoryAccess access, int lane, ulong address, int bytes, string where)
    {
        if ((address & (ulong)(bytes - 1)) != 0)
            throw warp.Group.Launch.Fault(FindingKind.Misaligned, warp, access.Instruction, lane, $"address 0x{address:x} in {where}",
                $"moves {bytes} bytes at an address that is not a multiple of {bytes}");
    }
}
