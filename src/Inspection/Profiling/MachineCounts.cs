using Convolve.Inspection.Prediction;
using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Counting;

namespace Convolve.Inspection.Profiling;

/// <summary>The machine instructions that a launch executes for each instruction of its PTX, by the model of NVIDIA's assembler.</summary>
internal sealed class MachineCounts
{
    private readonly long[] counts;
    private readonly LaunchCounts launch;

    public MachineCounts(LaunchCounts launch)
    {
        this.launch = launch;
        counts = new long[launch.Kernel.Instructions.Count];
        var code = MachineCode.Of(launch.Kernel);
        foreach (var block in code.Flow.Blocks)
            foreach (var operation in code.Block(block.Index))
                counts[operation.Index] += launch.Executions[block.First] * OperationCost.Of(operation).Instructions;
    }

    /// <summary>All of them by class.</summary>
    public IReadOnlyDictionary<InstructionClass, long> ByClass
    {
        get
        {
            var sums = new SortedDictionary<InstructionClass, long>();
            foreach (var (instruction, count) in launch.Kernel.Instructions.Zip(counts).Where(pair => pair.Second > 0))
            {
                var kind = InstructionClasses.Of(instruction);
                sums[kind] = sums.GetValueOrDefault(kind) + count;
            }
            return sums;
        }
    }

    /// <summary>Those of an instruction.</summary>
    public long Of(int index) => counts[index];
}
