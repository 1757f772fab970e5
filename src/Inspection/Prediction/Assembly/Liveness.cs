using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>Which values are alive behind each operation of a sequence of blocks.</summary>
/// <remarks>Aho, Lam, Sethi and Ullman, Compilers, 9.2.5.</remarks>
internal sealed class Liveness
{
    private readonly IReadOnlyList<Operation>[] blocks;
    private readonly HashSet<Value>[] before, after;

    public Liveness(ControlFlow flow, IReadOnlyList<Operation>[] blocks)
    {
        this.blocks = blocks;
        before = [.. blocks.Select(_ => new HashSet<Value>())];
        after = [.. blocks.Select(_ => new HashSet<Value>())];
        for (var changed = true; changed;)
        {
            changed = false;
            for (var i = blocks.Length - 1; i >= 0; i--)
            {
                var alive = after[i];
                foreach (var next in flow.Blocks[i].Successors.Where(next => next < flow.Exit)) alive.UnionWith(before[next]);
                var begin = new HashSet<Value>(alive);
                foreach (var operation in blocks[i].Reverse()) Step(operation, begin);
                if (begin.Count == before[i].Count) continue;
                before[i] = begin;
                changed = true;
            }
        }
    }

    /// <summary>Walks through a block from its end, with the values alive behind each operation.</summary>
    public void Walk(int block, Action<Operation, IReadOnlySet<Value>> visit)
    {
        var alive = new HashSet<Value>(after[block]);
        foreach (var operation in blocks[block].Reverse())
        {
            visit(operation, alive);
            Step(operation, alive);
        }
    }

    /// <summary>From the values behind an operation to those before it.</summary>
    private static void Step(Operation operation, HashSet<Value> alive)
    {
        // Where the guard does not hold, the old value stays.
        if (operation.Guard is null || operation.HasEffect) alive.ExceptWith(operation.Results);
        foreach (var read in operation.Reads)
            if (read.Size > 0) alive.Add(read);
    }
}
