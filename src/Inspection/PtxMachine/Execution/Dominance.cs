namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Which blocks every way to a block leads through, and the loops that this shows.</summary>
/// <remarks>
/// Natural loops: a back edge is a jump to a block that dominates it, and the loop is every block that reaches the jump without passing
/// that header (Aho, Lam, Sethi and Ullman, Compilers, 9.6.6).
/// </remarks>
internal sealed class Dominance
{
    private readonly Dominators dominators;

    public Dominance(ControlFlow flow)
    {
        IReadOnlyList<int>[] next =
            [.. flow.Blocks.Select(block => block.Successors.Where(successor => successor < flow.Exit).ToArray())];
        var before = Dominators.Turned(next);
        dominators = new Dominators(next, before, root: 0);
        Loops = FindLoops(next, before);
    }

    /// <summary>The blocks that can be reached, each behind those that dominate it.</summary>
    public IReadOnlyList<int> Blocks => dominators.Order;

    /// <summary>The natural loops by their headers, the innermost first.</summary>
    public IReadOnlyList<(int Header, HashSet<int> Blocks)> Loops { get; }

    /// <summary>
    /// The nearest block that every way to a block leads through; −1 for the first and for those that nothing leads to.
    /// </summary>
    public int Immediate(int block) => block == 0 ? -1 : dominators[block];

    /// <summary>Whether every way to a block leads through another.</summary>
    public bool Dominates(int other, int block)
    {
        for (var at = block; at >= 0; at = Immediate(at))
            if (at == other) return true;
        return false;
    }

    private List<(int, HashSet<int>)> FindLoops(IReadOnlyList<int>[] next, IReadOnlyList<int>[] before)
    {
        var loops = new Dictionary<int, HashSet<int>>();
        foreach (var tail in Blocks)
            foreach (var header in next[tail].Where(header => Dominates(header, tail)))
            {
                if (!loops.TryGetValue(header, out var loop)) loops.Add(header, loop = [header]);
                var open = new Stack<int>([tail]);
                while (open.TryPop(out var block))
                    if (loop.Add(block))
                        foreach (var previous in before[block].Where(dominators.IsReached)) open.Push(previous);
            }
        return [.. loops.OrderBy(loop => loop.Value.Count).Select(loop => (loop.Key, loop.Value))];
    }
}
