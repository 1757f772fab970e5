using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.Prediction;

/// <summary>
/// The clocks that a warp needs for each block of a kernel if it has a multiprocessor for itself: instructions are issued in their order,
/// one a clock, each when what it reads has arrived. What another block has loaded arrives after the clocks of the blocks between.
/// </summary>
internal sealed class WarpTime
{
    private readonly MachineCode code;
    private readonly Dominance dominance;
    private readonly Func<int, double> executions;
    private readonly double[] clocks;
    private readonly ILookup<int, int> before;

    private WarpTime(MachineCode code, Func<int, double> executions)
    {
        this.code = code;
        this.executions = executions;
        dominance = code.Dominance;
        clocks = new double[code.Flow.Blocks.Count];
        before = code.Flow.Blocks.SelectMany(block => block.Successors, (block, next) => (block.Index, next))
            .ToLookup(edge => edge.next, edge => edge.Index);
        foreach (var block in dominance.Blocks)
        {
            if (executions(block) == 0) continue;
            clocks[block] = Simulate(block);
            Total += executions(block) * clocks[block];
        }
    }

    /// <summary>Clocks of all blocks.</summary>
    private double Total { get; }

    /// <summary>The clocks of a warp.</summary>
    /// <param name="code">The kernel.</param>
    /// <param name="executions">How often the warp executes each block.</param>
    public static double Of(MachineCode code, Func<int, double> executions) => new WarpTime(code, executions).Total;

    private double Simulate(int block)
    {
        var ready = new Dictionary<Value, double>();
        var now = 0.0;
        // Loads go ahead where there are registers for their results.
        var registers = code.Registers;
        var order = registers.Wanted <= registers.Limit ? RegisterEstimate.LoadsFirst(code.Block(block)) : code.Block(block);
        foreach (var operation in order)
        {
            foreach (var read in operation.Reads) now = Math.Max(now, ReadyAt(read));
            var cost = OperationCost.Of(operation);
            now += cost.Instructions;
            foreach (var result in operation.Results) ready[result] = now + cost.Latency;
            if (operation.HasEffect && cost.Pipe == Pipe.Control) now += cost.Latency;
        }
        return now;

        double ReadyAt(Value value)
        {
            if (ready.TryGetValue(value, out var time)) return time;
            var latest = 0.0;
            foreach (var writer in value.Writers.Where(writer => writer.Block != block && IsLoad(writer)))
                latest = Math.Max(latest, OperationCost.Of(writer).Latency - Between(writer.Block, block));
            return ready[value] = latest;
        }
    }

    private static bool IsLoad(Operation operation) => operation.Instruction.Operation is "ld" or "ldmatrix";

    /// <summary>Clocks that pass between two blocks, on all ways from one to the other that the warp takes.</summary>
    private double Between(int from, int to)
    {
        // What is loaded behind its use is used in the next turn of a loop.
        if (dominance.Dominates(to, from)) return double.PositiveInfinity;
        var sum = 0.0;
        for (var at = to; ;)
        {
            var dominator = dominance.Immediate(at);
            if (dominator < 0) return sum;
            var ways = WaysBack(at, dominator);
            var holdsFrom = ways.Contains(from);
            // Of the ways side by side, only those through the load count.
            sum += ways.Where(way => way != from && (!holdsFrom || dominance.Dominates(from, way)))
                .Sum(way => executions(way) * clocks[way]) / executions(to);
            if (holdsFrom || dominator == from || dominance.Dominates(dominator, from)) return sum;
            sum += executions(dominator) * clocks[dominator] / executions(to);
            at = dominator;
        }
    }

    /// <summary>The blocks between a block and the one that dominates it.</summary>
    private HashSet<int> WaysBack(int block, int dominator)
    {
        var ways = new HashSet<int>();
        var open = new Stack<int>(before[block]);
        while (open.TryPop(out var way))
            // A way back into the block itself belongs to its next turn.
            if (way != dominator && way != block && !dominance.Dominates(block, way) && ways.Add(way))
                foreach (var previous in before[way]) open.Push(previous);
        return ways;
    }
}
