namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>The nearest node that every way from the root of a graph to a node leads through.</summary>
/// <remarks>Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, 2001.</remarks>
internal sealed class Dominators
{
    private readonly int[] immediate;

    /// <summary>Finds them.</summary>
    /// <param name="next">The nodes behind each node.</param>
    /// <param name="before">The nodes before each node: <paramref name="next"/>, turned round.</param>
    /// <param name="root">Where every way begins.</param>
    public Dominators(IReadOnlyList<int>[] next, IReadOnlyList<int>[] before, int root)
    {
        Order = OrderOf(next, root);
        var place = new int[next.Length];
        for (var i = 0; i < Order.Count; i++) place[Order[i]] = i;
        immediate = [.. Enumerable.Repeat(-1, next.Length)];
        immediate[root] = root;
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var node in Order.Skip(1))
            {
                var common = -1;
                foreach (var previous in before[node].Where(IsReached)) common = common < 0 ? previous : Common(common, previous);
                if (immediate[node] == common) continue;
                immediate[node] = common;
                changed = true;
            }
        }

        int Common(int a, int b)
        {
            while (a != b)
                if (place[a] > place[b]) a = immediate[a];
                else b = immediate[b];
            return a;
        }
    }

    /// <summary>The nodes that can be reached, each behind those that dominate it.</summary>
    public IReadOnlyList<int> Order { get; }

    /// <summary>The immediate dominator of a node; the root for itself, −1 for nodes that nothing leads to.</summary>
    public int this[int node] => immediate[node];

    /// <summary>Whether a way leads to a node.</summary>
    public bool IsReached(int node) => immediate[node] >= 0;

    /// <summary>A graph with its edges turned round.</summary>
    public static IReadOnlyList<int>[] Turned(IReadOnlyList<int>[] next)
    {
        var before = next.Select(_ => new List<int>()).ToArray();
        for (var node = 0; node < next.Length; node++)
            foreach (var other in next[node]) before[other].Add(node);
        return before;
    }

    // Depth first, each node behind all that it leads to, then reversed. Without recursion, which a long kernel could exhaust.
    private static List<int> OrderOf(IReadOnlyList<int>[] next, int root)
    {
        var order = new List<int>();
        var seen = new bool[next.Length];
        var open = new Stack<(int Node, int Next)>([(root, 0)]);
        seen[root] = true;
        while (open.TryPop(out var top))
        {
            if (top.Next == next[top.Node].Count)
            {
                order.Add(top.Node);
                continue;
            }
            open.Push((top.Node, top.Next + 1));
            var node = next[top.Node][top.Next];
            if (seen[node]) continue;
            seen[node] = true;
            open.Push((node, 0));
        }
        order.Reverse();
        return order;
    }
}
