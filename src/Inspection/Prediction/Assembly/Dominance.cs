using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>Which blocks every way to a block leads through, and the loops that this shows.</summary>
/// <remarks>
/// Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, 2001; natural loops: Aho, Lam, Sethi and Ullman, Compilers, 9.6.6.
/// </remarks>
internal sealed class Dominance
{
    private readonly int[] dominator;

    public Dominance(ControlFlow flow)
    {
        var count = flow.Blocks.Count;
        var before = Enumerable.Range(0, count).Select(_ => new List<int>()).ToArray();
        foreach (var block in flow.Blocks)
            foreach (var next in block.Successors.Where(next => next < count)) before[next].Add(block.Index);
        var order = Order(flow);
        var place = Enumerable.Repeat(-1, count).ToArray();
        for (var i = 0; i < order.Count; i++) place[order[i]] = i;
        dominator = [.. Enumerable.Repeat(-1, count)];
        dominator[0] = 0;
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var block in order.Skip(1))
            {
                var common = -1;
                foreach (var previous in before[block].Where(previous => dominator[previous] >= 0))
                    common = common < 0 ? previous : Common(common, previous);
                if (dominator[block] == common) continue;
                dominator[block] = common;
                changed = true;
            }
        }
        Blocks = order;
        Loops = FindLoops(flow, before);

        int Common(int a, int b)
        {
            while (a != b)
                if (place[a] > place[b]) a = dominator[a];
                else b = dominator[b];
            return a;
        }
    }

    /// <summary>The blocks that can be reached, each behind those that dominate it.</summary>
    public IReadOnlyList<int> Blocks { get; }

    /// <summary>The natural loops by their headers, the innermost first.</summary>
    public IReadOnlyList<(int Header, HashSet<int> Blocks)> Loops { get; }

    /// <summary>
    /// The nearest block that every way to a block leads through; −1 for the first and for those that nothing leads to.
    /// </summary>
    public int Immediate(int block) => block == 0 ? -1 : dominator[block];

    /// <summary>Whether every way to a block leads through another.</summary>
    public bool Dominates(int other, int block)
    {
        for (var at = block; at >= 0; at = Immediate(at))
            if (at == other) return true;
        return false;
    }

    private static List<int> Order(ControlFlow flow)
    {
        var order = new List<int>();
        var seen = new bool[flow.Blocks.Count];
        var open = new Stack<(int Block, Queue<int> Next)>();
        Open(0);
        while (open.TryPeek(out var top))
            if (top.Next.TryDequeue(out var next))
            {
                if (!seen[next]) Open(next);
            }
            else
            {
                order.Add(open.Pop().Block);
            }
        order.Reverse();
        return order;

        void Open(int block)
        {
            seen[block] = true;
            open.Push((block, new Queue<int>(flow.Blocks[block].Successors.Where(next => next < flow.Exit))));
        }
    }

    private List<(int, HashSet<int>)> FindLoops(ControlFlow flow, List<int>[] before)
    {
        var loops = new Dictionary<int, HashSet<int>>();
        foreach (var tail in Blocks)
            foreach (var header in flow.Blocks[tail].Successors.Where(next => next < flow.Exit && Dominates(next, tail)))
            {
                if (!loops.TryGetValue(header, out var loop)) loops.Add(header, loop = [header]);
                var open = new Stack<int>([tail]);
                while (open.TryPop(out var block))
                    if (loop.Add(block))
                        foreach (var previous in before[block].Where(previous => dominator[previous] >= 0)) open.Push(previous);
            }
        return [.. loops.OrderBy(loop => loop.Value.Count).Select(loop => (loop.Key, loop.Value))];
    }
}
