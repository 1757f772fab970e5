using System.Numerics;
using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>Accesses to memory of a launch that only counts. Arrays of global memory have addresses there, but no values.</summary>
internal static unsafe class CountingInstructions
{
    public static void Global(Warp warp, int number) => Counters(warp).CountGlobal(warp, Access(warp, number));

    public static void Shared(Warp warp, int number) => Counters(warp).CountShared(warp, Access(warp, number));

    public static void Matrices(Warp warp, int number) => Counters(warp).CountMatrices(warp, Access(warp, number));

    /// <summary>cp.async: reads global and writes shared memory.</summary>
    public static void Copy(Warp warp, int number)
    {
        var access = Access(warp, number);
        Counters(warp).CountShared(warp, access);
        Counters(warp).CountGlobal(warp, access.From!);
    }

    /// <summary>A load whose value decides about a branch or an address: it is zero.</summary>
    public static void LoadZeros(Warp warp, int number)
    {
        Global(warp, number);
        var access = Access(warp, number);
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
            foreach (var row in access.Rows)
            {
                var to = warp.Rows + row + BitOperations.TrailingZeroCount(mask) * access.RowStride;
                if (access.RowStride == sizeof(ulong)) *(ulong*)to = 0;
                else *(uint*)to = 0;
            }
    }

    private static LaunchCounters Counters(Warp warp) => warp.Group.Launch.Counters!;

    private static MemoryAccess Access(Warp warp, int number) => warp.Group.Launch.Program.Accesses[number];
}
