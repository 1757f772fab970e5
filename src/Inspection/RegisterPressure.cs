using System.Text.RegularExpressions;

namespace Convolve.Inspection;

/// <summary>
/// The most registers of a kernel that are live at once. PTX declares one for every value; physical registers are shared by values that are
/// not live at the same time, where a value is live from its definition to its last use along every path. Parameters do not count: the
/// assembler reads them from constant memory. It is an estimate: the assembler also moves instructions, and uses more registers to hide
/// latency if the launch bounds allow it.
/// </summary>
public static partial class RegisterPressure
{
    /// <summary>The most 32-bit registers live at one point of the kernel.</summary>
    public static int Of(string ptx)
    {
        var instructions = Parse(ptx);
        var labels = instructions.Select((instruction, i) => (instruction.Label, i)).Where(pair => pair.Label is not null)
            .ToDictionary(pair => pair.Label!, pair => pair.i);
        var aliveBefore = new HashSet<string>[instructions.Count];
        for (var i = 0; i < aliveBefore.Length; i++) aliveBefore[i] = [];
        for (var changed = true; changed;)
        {
            changed = false;
            for (var i = instructions.Count - 1; i >= 0; i--)
            {
                var alive = AliveAfter(i);
                alive.ExceptWith(instructions[i].Writes);
                alive.UnionWith(instructions[i].Reads);
                if (alive.Count == aliveBefore[i].Count) continue;
                aliveBefore[i] = alive;
                changed = true;
            }
        }
        var parameters = instructions.Where(instruction => instruction.LoadsParameter).SelectMany(instruction => instruction.Writes)
            .ToHashSet();
        parameters.ExceptWith(instructions.Where(instruction => !instruction.LoadsParameter).SelectMany(instruction => instruction.Writes));
        return Enumerable.Range(0, instructions.Count).Max(i => AliveAfter(i).Union(instructions[i].Writes).Except(parameters).Sum(Size));

        HashSet<string> AliveAfter(int i)
        {
            var alive = new HashSet<string>();
            if (!instructions[i].Ends && i + 1 < instructions.Count) alive.UnionWith(aliveBefore[i + 1]);
            if (instructions[i].Target is { } target) alive.UnionWith(aliveBefore[labels[target]]);
            return alive;
        }
    }

    private static List<Instruction> Parse(string ptx)
    {
        var instructions = new List<Instruction>();
        foreach (var line in ptx[ptx.IndexOf(".entry", StringComparison.Ordinal)..].Split('\n').Select(line => line.Trim()))
        {
            if (Label().Match(line) is { Success: true } label)
                instructions.Add(new Instruction(label.Groups[1].Value, null, false, [], []));
            // Inline PTX has several statements on a line.
            else if (line.EndsWith(';') && !line.StartsWith('.'))
                instructions.AddRange(line.TrimEnd(';').Split(';').Select(statement => Parse(statement.Trim(), line)));
        }
        return instructions;
    }

    private static Instruction Parse(string statement, string line)
    {
        var match = Statement().Match(statement);
        if (!match.Success) throw new FormatException($"PTX not understood: {line}");
        var operation = match.Groups["operation"].Value;
        var guarded = match.Groups["guard"].Success;
        var reads = match.Groups["guard"].Captures.Select(guard => guard.Value).ToList();
        var operands = match.Groups["operands"].Value;
        if (operation.StartsWith("bra", StringComparison.Ordinal)) return new Instruction(null, operands.Trim(), !guarded, [], reads);
        if (operation is "ret" or "exit") return new Instruction(null, null, !guarded, [], reads);
        var names = Register().Matches(operands).Select(register => register.Value).ToList();
        if (operation.StartsWith("st.", StringComparison.Ordinal) || operation.StartsWith("bar.", StringComparison.Ordinal))
            return new Instruction(null, null, false, [], [.. reads, .. names]);
        // The result comes first: a register, or several in braces.
        var end = operands.StartsWith('{') ? operands.IndexOf('}') : operands.IndexOf(',') is var comma and >= 0 ? comma : operands.Length;
        var writes = Register().Matches(operands[..end]).Select(register => register.Value).ToList();
        reads.AddRange(Register().Matches(operands[end..]).Select(register => register.Value));
        // If the guard is false, the old value stays live.
        if (guarded) reads.AddRange(writes);
        return new Instruction(null, null, false, writes,
            reads)
        { LoadsParameter = operation.StartsWith("ld.param", StringComparison.Ordinal) };
    }

    /// <summary>In 32-bit registers; predicates have a file of their own.</summary>
    private static int Size(string register) => register.StartsWith("%rd", StringComparison.Ordinal) ? 2
        : register.StartsWith("%p", StringComparison.Ordinal) ? 0 : 1;

    [GeneratedRegex(@"^(\w+):$")]
    private static partial Regex Label();

    [GeneratedRegex(@"^(@!?(?<guard>%p\d+)\s+)?(?<operation>[a-z0-9._]+)\s*(?<operands>.*)$")]
    private static partial Regex Statement();

    [GeneratedRegex(@"%(rd|rs|r|fd|f|p)\d+|\bsum\d+")]
    private static partial Regex Register();

    /// <summary>One instruction.</summary>
    /// <param name="Label">The label; null for instructions.</param>
    /// <param name="Target">The label it may jump to.</param>
    /// <param name="Ends">Whether control never reaches the next instruction.</param>
    /// <param name="Writes">The registers that it writes.</param>
    /// <param name="Reads">The registers that it reads.</param>
    private sealed record Instruction(string? Label, string? Target, bool Ends, IReadOnlyCollection<string> Writes,
        IReadOnlyCollection<string> Reads)
    {
        public bool LoadsParameter { get; init; }
    }
}
