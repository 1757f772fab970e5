using System.Numerics;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>
/// Finds reads of registers that have not been written. If every path to a read passes a write, the register needs no check; for the others
/// the machine records which lanes have written them.
/// </summary>
/// <remarks>"Definite assignment": Aho, Lam, Sethi and Ullman, Compilers, 9.2, as a forward analysis of what is certain.</remarks>
internal sealed class UnassignedRegisters
{
    private readonly PtxProgram program;
    private readonly Dictionary<PtxRegister, int> watched = [];

    public UnassignedRegisters(PtxProgram program)
    {
        this.program = program;
        var blocks = program.Flow.Blocks;
        var before = blocks.Select(_ => (HashSet<PtxRegister>?)null).ToArray();
        if (before.Length > 0) before[0] = [];
        var open = new Queue<int>([0]);
        while (open.TryDequeue(out var index))
        {
            var certain = new HashSet<PtxRegister>(before[index]!);
            foreach (var instruction in InstructionsOf(blocks[index]))
                if (instruction.Guard is null) certain.UnionWith(instruction.Writes);
            foreach (var next in blocks[index].Successors.Where(next => next < before.Length))
            {
                if (before[next] is not { } known)
                {
                    before[next] = [.. certain];
                }
                else
                {
                    var count = known.Count;
                    known.IntersectWith(certain);
                    if (known.Count == count) continue;
                }
                open.Enqueue(next);
            }
        }
        foreach (var block in blocks)
        {
            if (before[block.Index] is not { } certain) continue;
            foreach (var instruction in InstructionsOf(block))
            {
                foreach (var register in instruction.Reads)
                    if (!certain.Contains(register)) watched.TryAdd(register, watched.Count);
                if (instruction.Guard is null) certain.UnionWith(instruction.Writes);
            }
        }
    }

    /// <summary>Registers to be watched.</summary>
    public int Count => watched.Count;

    /// <summary>What has to be checked before an instruction.</summary>
    public IReadOnlyList<WarpCall> Checks(PtxInstruction instruction, int index) =>
        [.. instruction.Reads.Where(watched.ContainsKey).Distinct().Select(
            register => new WarpCall(typeof(UnassignedRegisters).GetMethod(nameof(Check))!, [watched[register], register.Index, index]))];

    /// <summary>What has to be noted after it.</summary>
    public IReadOnlyList<WarpCall> Notes(PtxInstruction instruction) =>
        [.. instruction.Writes.Where(watched.ContainsKey)
            .Select(register => new WarpCall(typeof(UnassignedRegisters).GetMethod(nameof(Note))!, [watched[register]]))];

    /// <summary>Reports lanes that read a register they have not written.</summary>
    public static void Check(Warp warp, int watched, int register, int instruction)
    {
        var lanes = warp.Mask & ~warp.Assigned[watched];
        if (lanes == 0) return;
        var kernel = warp.Group.Launch.Program.Kernel;
        warp.Group.Launch.Report(FindingKind.UninitializedRegister, warp, kernel.Instructions[instruction],
            BitOperations.TrailingZeroCount(lanes), "",
            $"reads {kernel.Registers[register]}, which the thread has not written");
    }

    /// <summary>Records the lanes that write a register.</summary>
    public static void Note(Warp warp, int watched) => warp.Assigned[watched] |= warp.Mask;

    private IEnumerable<PtxInstruction> InstructionsOf(BasicBlock block) => Enumerable.Range(block.First, block.End - block.First)
        .Select(i => program.Kernel.Instructions[i]);
}
