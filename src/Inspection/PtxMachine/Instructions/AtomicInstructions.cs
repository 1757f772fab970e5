using System.Numerics;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>A value that an atomic operation leaves in memory.</summary>
internal delegate T AtomicFunction<T>(T old, T operand, T second);

/// <summary>atom and red on global memory: each lane reads, computes and writes in one step, one lane after the other.</summary>
/// <remarks>PTX ISA, 9.7.13.5 "atom" and 9.7.13.6 "red".</remarks>
internal static unsafe class AtomicInstructions
{
    public static void Add32(Warp warp, int number) => Update<uint>(warp, number, (old, operand, _) => old + operand);

    public static void Add64(Warp warp, int number) => Update<ulong>(warp, number, (old, operand, _) => old + operand);

    public static void AddFloat(Warp warp, int number) => Update<float>(warp, number, (old, operand, _) => old + operand);

    public static void MinUnsigned(Warp warp, int number) => Update<uint>(warp, number, (old, operand, _) => Math.Min(old, operand));

    public static void MaxUnsigned(Warp warp, int number) => Update<uint>(warp, number, (old, operand, _) => Math.Max(old, operand));

    public static void MinSigned(Warp warp, int number) => Update<int>(warp, number, (old, operand, _) => Math.Min(old, operand));

    public static void MaxSigned(Warp warp, int number) => Update<int>(warp, number, (old, operand, _) => Math.Max(old, operand));

    public static void And32(Warp warp, int number) => Update<uint>(warp, number, (old, operand, _) => old & operand);

    public static void Or32(Warp warp, int number) => Update<uint>(warp, number, (old, operand, _) => old | operand);

    public static void Xor32(Warp warp, int number) => Update<uint>(warp, number, (old, operand, _) => old ^ operand);

    public static void Exchange32(Warp warp, int number) => Update<uint>(warp, number, (_, operand, _) => operand);

    public static void CompareAndSwap32(Warp warp, int number) =>
        Update<uint>(warp, number, (old, operand, second) => old == operand ? second : old);

    /// <summary>The method of an operation and type; null if the machine does not have it.</summary>
    public static string? MethodOf(string operation, string type) => (operation, type) switch
    {
        ("add", "u32" or "s32") => nameof(Add32),
        ("add", "u64") => nameof(Add64),
        ("add", "f32") => nameof(AddFloat),
        ("min", "u32") => nameof(MinUnsigned),
        ("min", "s32") => nameof(MinSigned),
        ("max", "u32") => nameof(MaxUnsigned),
        ("max", "s32") => nameof(MaxSigned),
        ("and", "b32") => nameof(And32),
        ("or", "b32") => nameof(Or32),
        ("xor", "b32") => nameof(Xor32),
        ("exch", "b32") => nameof(Exchange32),
        ("cas", "b32") => nameof(CompareAndSwap32),
        _ => null,
    };

    private static void Update<T>(Warp warp, int number, AtomicFunction<T> function) where T : unmanaged
    {
        var access = warp.Group.Launch.Program.Accesses[number];
        warp.Group.Launch.Counters?.CountGlobal(warp, access);
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            var place = (T*)MemoryInstructions.Global(warp, access, lane, AccessKind.Atomic);
            var old = *place;
            var operand = Row.Get<T>(warp.Rows + access.Others[0], lane);
            *place = function(old, operand, access.Others.Count > 1 ? Row.Get<T>(warp.Rows + access.Others[1], lane) : operand);
            if (access.Rows.Count > 0) Row.Set(warp.Rows + access.Rows[0], lane, old);
        }
    }
}
