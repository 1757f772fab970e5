using System.Runtime.CompilerServices;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>
/// A register of a warp: the values of its 32 lanes, one behind the other. Values of 64 bits take eight bytes a lane, all others four. A
/// predicate's row is one word with a bit for each lane.
/// </summary>
internal static unsafe class Row
{
    /// <summary>Lanes of a warp.</summary>
    public const int Lanes = 32;

    /// <summary>The set of all lanes.</summary>
    public const uint AllLanes = uint.MaxValue;

    /// <summary>Bytes from one lane to the next of values of a type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Stride<T>() where T : unmanaged => sizeof(T) == 8 ? 8 : 4;

    /// <summary>The value of a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(byte* row, int lane) where T : unmanaged => *(T*)(row + lane * Stride<T>());

    /// <summary>Sets the value of a lane; what is shorter than the lane fills it, with its sign if it has one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(byte* row, int lane, T value) where T : unmanaged
    {
        var to = row + lane * Stride<T>();
        if (typeof(T) == typeof(sbyte)) *(int*)to = (sbyte)(object)value;
        else if (typeof(T) == typeof(short)) *(int*)to = (short)(object)value;
        else if (typeof(T) == typeof(byte)) *(uint*)to = (byte)(object)value;
        else if (typeof(T) == typeof(ushort)) *(uint*)to = (ushort)(object)value;
        else *(T*)to = value;
    }

    /// <summary>Sets all lanes.</summary>
    public static void Fill<T>(byte* row, T value) where T : unmanaged
    {
        for (var lane = 0; lane < Lanes; lane++) Set(row, lane, value);
    }
}
