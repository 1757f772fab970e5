using System.Numerics;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.PtxMachine.Instructions;

/// <summary>What the sanitizer asks of integers.</summary>
internal static unsafe class IntegerChecks
{
    /// <summary>Reports lanes that divide by zero.</summary>
    /// <param name="warp">The warp.</param>
    /// <param name="instruction">The instruction's number.</param>
    /// <param name="row">The row of divisors.</param>
    /// <param name="bytes">Bytes of a divisor.</param>
    public static void Divisor(Warp warp, int instruction, int row, int bytes)
    {
        for (var mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            var lane = BitOperations.TrailingZeroCount(mask);
            if ((bytes == 8 ? Row.Get<ulong>(warp.Rows + row, lane) : Row.Get<uint>(warp.Rows + row, lane)) != 0) continue;
            warp.Group.Launch.Report(FindingKind.DivisionByZero, warp, warp.Group.Launch.Program.Kernel.Instructions[instruction],
                lane, "", "divides an integer by zero");
            return;
        }
    }
}
