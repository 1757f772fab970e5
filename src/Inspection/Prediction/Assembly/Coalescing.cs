using System.Collections;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>Gives a copy and what it copies one register where they are never alive at the same time, which spares the copy.</summary>
/// <remarks>Chaitin et al., Register Allocation via Coloring, 1981: aggressive coalescing.</remarks>
internal static class Coalescing
{
    /// <summary>Coalesces the copies of a kernel.</summary>
    /// <param name="flow">Its control flow.</param>
    /// <param name="blocks">The operations of each block.</param>
    public static void Apply(ControlFlow flow, IReadOnlyList<List<Operation>> blocks)
    {
        foreach (var block in blocks) Lower(block);
        var place = new Dictionary<Operation, int>();
        foreach (var operation in blocks.SelectMany(block => block)) place.Add(operation, place.Count);
        var ranges = new Dictionary<Value, BitArray>();
        var liveness = new Liveness(flow, [.. blocks]);
        for (var block = 0; block < blocks.Count; block++)
            liveness.Walk(block, (operation, alive) =>
            {
                foreach (var value in alive) Range(value)[place[operation]] = true;
                foreach (var result in operation.Results) Range(result)[place[operation]] = true;
            });
        foreach (var copy in blocks.SelectMany(block => block).Where(IsCopy))
        {
            if (copy.Results is not [var to] || copy.Sources is not [Value from] || from.Size != to.Size || from.Size == 0) continue;
            if (from != to)
            {
                // At the copy itself both hold the same.
                var common = new BitArray(Range(from)).And(Range(to));
                common[place[copy]] = false;
                if (common.HasAnySet()) continue;
                Range(to).Or(Range(from));
                Unite(from, to);
            }
            copy.IsSpared = true;
        }

        BitArray Range(Value value)
        {
            if (!ranges.TryGetValue(value, out var range)) ranges.Add(value, range = new BitArray(place.Count));
            return range;
        }
    }

    /// <summary>
    /// Moves what is computed for a copy alone down to it, such as the next value of a counter, so that the last use of the old value is
    /// over.
    /// </summary>
    private static void Lower(List<Operation> block)
    {
        for (var i = 1; i < block.Count; i++)
        {
            if (!IsCopy(block[i]) || block[i].Sources is not [Value { Readers.Count: 1, Writer: { IsPure: true } writer }]) continue;
            var from = block.LastIndexOf(writer, i - 1);
            if (from < 0 || block[(from + 1)..i].Any(between => between.Results.Any(writer.Reads.Contains))) continue;
            block.RemoveAt(from);
            block.Insert(i - 1, writer);
        }
    }

    private static bool IsCopy(Operation operation) => operation is { Instruction.Operation: "mov", Guard: null };

    private static void Unite(Value old, Value by)
    {
        foreach (var writer in old.Writers)
        {
            writer.Results[writer.Results.IndexOf(old)] = by;
            by.Writers.Add(writer);
        }
        foreach (var reader in old.Readers.Distinct())
        {
            for (var i = 0; i < reader.Sources.Count; i++)
                if (ReferenceEquals(reader.Sources[i], old)) reader.Sources[i] = by;
            if (reader.Guard == old) reader.Guard = by;
        }
        by.Readers.AddRange(old.Readers);
        old.Writers.Clear();
        old.Readers.Clear();
    }
}
