using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>An estimate of the registers that NVIDIA's assembler gives to a thread.</summary>
/// <param name="Count">32-bit registers of a thread.</param>
/// <param name="Limit">The most that the kernel's launch bounds leave, 255 without any.</param>
/// <param name="Needed">
/// What the values take that are alive at once in the order of the text, without those that loops could compute again at every turn.
/// </param>
/// <param name="Wanted">The same where loads are moved ahead as far as they can be, which hides their latency.</param>
public sealed record RegisterEstimate(int Count, int Limit, int Needed, int Wanted)
{
    /// <summary>Registers are given to warps in units of so many for a thread.</summary>
    private const int Unit = 8;

    /// <summary>Fitted: what the assembler needs besides the values of the kernel.</summary>
    private const int Own = 1;

    /// <summary>Registers of the values that are alive at once, without what the assembler needs besides.</summary>
    public int Alive => Needed - Own;

    /// <summary>Bytes of a thread that do not fit into registers and go to local memory.</summary>
    public int SpilledBytes => Math.Max(0, Needed - Limit) * sizeof(float);

    /// <summary>Estimates the registers of a kernel.</summary>
    public static RegisterEstimate Of(PtxKernel kernel) => MachineCode.Of(kernel).Registers;

    internal static RegisterEstimate Of(PtxKernel kernel, ControlFlow flow, IReadOnlyList<Operation>[] blocks)
    {
        var needed = Pressure(flow, blocks, value => value.Writer is not { IsMoved: true }) + Own;
        var wanted = Math.Max(Pressure(flow, blocks, _ => true), Pressure(flow, [.. blocks.Select(LoadsFirst)], _ => true)) + Own;
        var limit = LimitOf(kernel);
        return new RegisterEstimate(Math.Min(limit, wanted), limit, needed, wanted);
    }

    /// <summary>The most registers that leave room for the groups of the kernel's launch bounds.</summary>
    private static int LimitOf(PtxKernel kernel)
    {
        if (kernel.MaximalThreads is not { } threads) return CudaTarget.RegistersPerThread;
        var groups = Math.Max(1, kernel.GroupsPerMultiprocessor ?? 1);
        var share = CudaTarget.RegistersPerMultiprocessor / (groups * Rounding.CeilDiv(threads, Row.Lanes) * Row.Lanes) / Unit * Unit;
        return Math.Min(CudaTarget.RegistersPerThread, share);
    }

    private static int Pressure(ControlFlow flow, IReadOnlyList<Operation>[] blocks, Func<Value, bool> counts)
    {
        var liveness = new Liveness(flow, blocks);
        var most = 0;
        for (var block = 0; block < blocks.Length; block++)
            liveness.Walk(block, (operation, alive) => most = Math.Max(most,
                alive.Concat(operation.Results.Where(result => !alive.Contains(result))).Where(counts).Sum(value => value.Size)));
        return most;
    }

    /// <summary>A block with its loads as early as what they need and barriers and stores before them allow.</summary>
    internal static IReadOnlyList<Operation> LoadsFirst(IReadOnlyList<Operation> block)
    {
        var order = new List<Operation>();
        var begin = 0;
        for (var i = 0; i < block.Count; i++)
            if (block[i].HasEffect || block[i].Instruction.Operation is "cp" || i == block.Count - 1)
            {
                Arrange(begin, i);
                order.Add(block[i]);
                begin = i + 1;
            }
        return order;

        void Arrange(int first, int end)
        {
            var written = new Dictionary<Value, int>();
            for (var i = first; i < end; i++)
                foreach (var result in block[i].Results) written[result] = i;
            var ahead = new bool[end - first];
            // Written in a part of the block: what a load needs goes before it, unless another write of the same value would come between.
            for (var i = end - 1; i >= first; i--)
                if (block[i].Instruction.Operation is "ld" or "ldmatrix" && IsWrittenOnce(i)) ahead[i - first] = true;
            for (var i = end - 1; i >= first; i--)
                if (ahead[i - first])
                    foreach (var read in block[i].Reads)
                        if (written.TryGetValue(read, out var writer) && writer < i) ahead[writer - first] = true;
            for (var i = first; i < end; i++)
                if (ahead[i - first]) order.Add(block[i]);
            for (var i = first; i < end; i++)
                if (!ahead[i - first]) order.Add(block[i]);

            bool IsWrittenOnce(int load) => block[load].Results.All(result => result.Writers.Count == 1);
        }
    }
}
