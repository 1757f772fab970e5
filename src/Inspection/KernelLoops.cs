using System.Text.RegularExpressions;

namespace Convolve.Inspection;

/// <summary>
/// The natural loops in a kernel's PTX: a back edge is a jump to a block that dominates it, and the loop is every block that reaches the
/// jump without passing that header (Aho, Lam, Sethi and Ullman, Compilers, 9.6).
/// </summary>
public static partial class KernelLoops
{
    /// <summary>
    /// The text of the innermost loop with the most arithmetic, where a kernel spends its time; null for a kernel without loops.
    /// </summary>
    public static string? Busiest(string ptx)
    {
        var blocks = Blocks(ptx);
        var loops = Loops(blocks);
        return loops.Where(loop => !loops.Any(other => other != loop && other.IsProperSubsetOf(loop)))
            .Select(loop => string.Join('\n', loop.Order().SelectMany(block => blocks[block].Lines)))
            .OrderByDescending(text => KernelCounts.OfPtx(text).FloatOperations).FirstOrDefault();
    }

    /// <summary>The basic blocks with their successors.</summary>
    private static List<Block> Blocks(string ptx)
    {
        var body = ptx.IndexOf(".entry", StringComparison.Ordinal);
        var blocks = new List<Block> { new() };
        var places = new Dictionary<string, int>();
        foreach (var line in ptx[Math.Max(body, 0)..].Split('\n').Select(line => line.Trim()))
        {
            if (Label().Match(line) is { Success: true } label)
            {
                blocks.Add(new Block());
                places[label.Groups[1].Value] = blocks.Count - 1;
                continue;
            }
            blocks[^1].Lines.Add(line);
            if (Jump().Match(line) is { Success: true } jump)
            {
                blocks[^1].Target = jump.Groups["target"].Value;
                blocks[^1].Ends = !jump.Groups["guard"].Success;
                blocks.Add(new Block());
            }
            else if (line is "ret;" or "exit;")
            {
                blocks[^1].Ends = true;
                blocks.Add(new Block());
            }
        }
        for (var i = 0; i < blocks.Count; i++)
        {
            if (!blocks[i].Ends && i + 1 < blocks.Count) blocks[i].Next.Add(i + 1);
            if (blocks[i].Target is { } target) blocks[i].Next.Add(places[target]);
        }
        return blocks;
    }

    private static List<HashSet<int>> Loops(List<Block> blocks)
    {
        var before = blocks.Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < blocks.Count; i++)
            foreach (var next in blocks[i].Next) before[next].Add(i);
        var dominators = Dominators(blocks, before);
        var loops = new Dictionary<int, HashSet<int>>();
        for (var tail = 0; tail < blocks.Count; tail++)
            foreach (var header in blocks[tail].Next.Where(next => dominators[tail]?.Contains(next) == true))
            {
                if (!loops.TryGetValue(header, out var loop)) loops.Add(header, loop = [header]);
                var open = new Stack<int>([tail]);
                while (open.TryPop(out var block))
                    if (loop.Add(block))
                        foreach (var previous in before[block].Where(previous => dominators[previous] is not null)) open.Push(previous);
            }
        return [.. loops.Values];
    }

    /// <summary>The dominators of every block; null for unreachable ones.</summary>
    private static HashSet<int>?[] Dominators(List<Block> blocks, List<int>[] before)
    {
        var dominators = new HashSet<int>?[blocks.Count];
        dominators[0] = [0];
        for (var changed = true; changed;)
        {
            changed = false;
            for (var i = 1; i < blocks.Count; i++)
            {
                HashSet<int>? common = null;
                foreach (var known in before[i].Select(previous => dominators[previous]).OfType<HashSet<int>>())
                    if (common is null) common = [.. known];
                    else common.IntersectWith(known);
                if (common is null) continue;
                common.Add(i);
                if (dominators[i]?.Count == common.Count) continue;
                dominators[i] = common;
                changed = true;
            }
        }
        return dominators;
    }

    [GeneratedRegex(@"^(\w+):$")]
    private static partial Regex Label();

    [GeneratedRegex(@"^(?<guard>@!?%p\d+\s+)?bra(\.uni)?\s+(?<target>\w+);$")]
    private static partial Regex Jump();

    private sealed class Block
    {
        public List<string> Lines { get; } = [];

        public List<int> Next { get; } = [];

        public string? Target { get; set; }

        public bool Ends { get; set; }
    }
}
