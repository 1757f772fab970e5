using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection;

/// <summary>The loops of a kernel, where it spends its time.</summary>
public static class KernelLoops
{
    /// <summary>The text of the innermost loop with the most arithmetic; null for a kernel without loops.</summary>
    public static string? Busiest(PtxKernel kernel)
    {
        var flow = ControlFlow.Of(kernel);
        var loops = new Dominance(flow).Loops.Select(loop => loop.Blocks).ToArray();
        var lines = kernel.Text.Split('\n');
        return loops.Where(loop => !loops.Any(other => other.IsProperSubsetOf(loop)))
            .OrderBy(loop => loop.Max())
            .Select(loop => string.Join('\n', LinesOf(loop).Select(line => lines[line - 1].Trim())))
            .OrderByDescending(text => KernelCounts.OfPtx(text).FloatOperations).FirstOrDefault();

        // Inline PTX has several instructions in a line.
        IEnumerable<int> LinesOf(HashSet<int> loop) => loop.Order().Select(block => flow.Blocks[block])
            .SelectMany(block => kernel.Instructions.Take(block.First..block.End)).Select(instruction => instruction.Line).Distinct();
    }
}
