using System.Globalization;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>
/// What NVIDIA's assembler is known to do to PTX before it gives registers to values: constants and arguments become operands, equal
/// computations are done once, those that do not change in a loop before it, and instructions that the hardware has in one (multiply-add of
/// floats and integers, shift and add, sum of three, comparison with a further predicate, an address with an offset) are joined.
/// </summary>
/// <remarks>
/// Read off <c>nvdisasm</c> of such kernels; the assembler is not documented. Value numbering and moving invariants: Muchnick, Advanced
/// Compiler Design and Implementation, 12.4 and 13.2.
/// </remarks>
internal sealed class Simplification
{
    private readonly ValueFlow values;
    private readonly Dominance dominance;

    private Simplification(ValueFlow values)
    {
        this.values = values;
        dominance = new Dominance(values.Flow);
        FindConstants();
        SpareUnused();
        NumberValues();
        SpareUnused();
        FindUniform();
        Join();
        SpareUnused();
        MoveInvariants();
    }

    /// <summary>Simplifies the operations of a kernel: marks what is spared, moves what is moved.</summary>
    public static Dominance Apply(ValueFlow values) => new Simplification(values).dominance;

    private IEnumerable<Operation> Live => values.Operations.Where(operation => !operation.IsSpared);

    /// <summary>Arguments, addresses of variables and constants need no register.</summary>
    private void FindConstants()
    {
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var operation in Live)
            {
                if (operation.Results is not [{ Writer: not null } result]) continue;
                var isCopy = operation.Instruction.Operation is "mov" or "cvta"
                    && operation.Sources.All(source => source is Value { IsConstant: true } or string and not ['%', ..]);
                if (!isCopy && !(operation.Instruction.Operation == "ld" && operation.Instruction.Has("param"))) continue;
                result.IsConstant = true;
                operation.IsSpared = changed = true;
            }
        }
    }

    private void SpareUnused()
    {
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var operation in Live)
            {
                if (operation.HasEffect || operation.Results.Any(result => result.Readers.Count > 0)) continue;
                Spare(operation);
                changed = true;
            }
        }
    }

    private static void Spare(Operation operation)
    {
        operation.IsSpared = true;
        foreach (var read in operation.Reads) read.Readers.Remove(operation);
    }

    /// <summary>Equal computations of equal values are done once, where the first dominates the others.</summary>
    private void NumberValues()
    {
        var known = new Dictionary<string, List<Operation>>();
        var numbers = new Dictionary<Value, int>();
        var ofBlock = values.Operations.ToLookup(operation => operation.Block);
        foreach (var block in dominance.Blocks)
            foreach (var operation in ofBlock[block])
            {
                if (operation.IsSpared || !operation.IsPure || operation.Results is not [{ Writer: not null } result]) continue;
                if (operation.Sources.OfType<Value>().Any(source => source is { IsConstant: false, Writer: null })) continue;
                var key = operation.Instruction.Name + " " + string.Join(",", operation.Sources.Select(source =>
                    source is Value value ? Number(value).ToString(CultureInfo.InvariantCulture) : $"'{source}'"));
                if (!known.TryGetValue(key, out var equal)) known.Add(key, equal = []);
                if (equal.FirstOrDefault(other => dominance.Dominates(other.Block, block)) is { } first)
                {
                    Replace(result, first.Results[0]);
                    Spare(operation);
                }
                else if (operation.Instruction.Operation is "mov" or "cvta" && operation.Sources is [Value copied])
                {
                    Replace(result, copied);
                    Spare(operation);
                }
                else
                {
                    equal.Add(operation);
                }
            }

        // Arguments loaded twice are the same one.
        int Number(Value value)
        {
            if (!numbers.TryGetValue(value, out var number)) numbers.Add(value, number = numbers.Count);
            return number;
        }
    }

    private static void Replace(Value old, Value by)
    {
        foreach (var reader in old.Readers)
        {
            for (var i = 0; i < reader.Sources.Count; i++)
                if (ReferenceEquals(reader.Sources[i], old)) reader.Sources[i] = by;
            if (reader.Guard == old) reader.Guard = by;
            by.Readers.Add(reader);
        }
        old.Readers.Clear();
    }

    /// <summary>What depends on arguments and the group's place alone is computed once for the group, in registers of its own.</summary>
    private void FindUniform()
    {
        var ofBlock = values.Operations.ToLookup(operation => operation.Block);
        foreach (var operation in dominance.Blocks.SelectMany(block => ofBlock[block]).Where(operation => !operation.IsSpared))
            if (operation.IsPure && operation.Instruction.Types.All(type => type.Kind != 'f')
                && operation.Results is [{ Writer: not null } result] && operation.Sources.All(IsUniform))
                result.IsUniform = true;

        static bool IsUniform(object source) => source is Value { IsConstant: true } or Value { IsUniform: true }
            || (source is string text && !text.StartsWith("%tid", StringComparison.Ordinal) && text is not ("%laneid" or "%warpid"));
    }

    /// <summary>Joins instructions that the hardware has in one.</summary>
    private void Join()
    {
        foreach (var operation in Live.Reverse().ToArray())
        {
            if (operation.IsSpared || !operation.IsPure) continue;
            var name = operation.Instruction.Operation;
            var isFloat = operation.Instruction.Types is [.., { Kind: 'f' }];
            if (name is "add" or "sub") JoinWith(operation, isFloat ? ["mul"] : ["mul", "shl", "add"], most: 1);
            else if (name is "and" or "or" && operation.Instruction.Has("pred")) JoinWith(operation, ["setp"], most: 1);
            else if (name == "not") operation.IsSpared = operation.Instruction.Has("pred");
            // Any logical function of three values is one instruction.
            else if (name is "and" or "or" or "xor") JoinWith(operation, ["and", "or", "xor"], most: 1);
        }
        foreach (var operation in Live.Where(operation => operation.IsPure && operation.Joined.Count == 0).ToArray())
            if (operation.Instruction.Operation == "add" && operation.Results is [{ Writer: not null } result]
                && operation.Sources.OfType<Value>().FirstOrDefault(value => !value.IsConstant) is { } index
                && operation.Sources.Where(source => source != index).All(offset => IsPartOfAddress(offset, result)))
            {
                Replace(result, index);
                Spare(operation);
            }

        // Addresses carry a constant, and in shared memory the address of a variable.
        static bool IsPartOfAddress(object offset, Value address) =>
            address.Readers.All(reader => reader.Instruction.Operation is "ld" or "st" or "ldmatrix" or "cp")
            && (offset is string
                || (offset is Value { IsConstant: true } && address.Readers.All(reader => reader.Instruction.Has("shared"))));
    }

    /// <summary>Makes a source of an operation that nobody else needs a part of the operation.</summary>
    private static void JoinWith(Operation operation, string[] names, int most)
    {
        var joined = 0;
        foreach (var source in operation.Sources.OfType<Value>().ToArray())
        {
            if (joined == most || source.IsUniform || source.Readers.Count > 1) continue;
            if (source.Writer is not { IsSpared: false, IsPure: true } writer) continue;
            if (!names.Contains(writer.Instruction.Operation) || !FitTogether(operation, writer)) continue;
            operation.Sources.Remove(source);
            foreach (var inner in writer.Sources)
            {
                operation.Sources.Add(inner);
                if (inner is Value value)
                {
                    value.Readers.Remove(writer);
                    value.Readers.Add(operation);
                }
            }
            writer.IsSpared = true;
            operation.Joined.Add(writer.Instruction);
            operation.Joined.AddRange(writer.Joined);
            source.Readers.Clear();
            joined++;
        }
    }

    private static bool FitTogether(Operation operation, Operation part)
    {
        var (outer, inner) = (operation.Instruction.Types, part.Instruction.Types);
        if (outer.Count == 0 || inner.Count == 0) return false;
        if (part.Instruction.Operation == "setp") return true;
        // A product that is twice as wide is one instruction with the sum, as are sums of the same width; 64-bit sums take two.
        if (part.Instruction.Has("wide")) return outer[^1].Bits == 64;
        return outer[^1].Bits == 32 && inner[^1].Bits == 32 && outer[^1].Kind == 'f' == (inner[^1].Kind == 'f');
    }

    /// <summary>Moves what does not change in a loop to the block before it.</summary>
    private void MoveInvariants()
    {
        foreach (var (header, blocks) in dominance.Loops)
        {
            var before = dominance.Immediate(header);
            if (before < 0) continue;
            for (var changed = true; changed;)
            {
                changed = false;
                foreach (var operation in Live.Where(operation => blocks.Contains(operation.Block) && operation.IsPure))
                {
                    if (operation.Results is not [{ Writer: not null }]) continue;
                    if (operation.Instruction.Operation is "mov" or "setp" or "selp" || operation.Sources.Any(Changes)) continue;
                    operation.Block = before;
                    operation.IsMoved = true;
                    changed = true;
                }
            }

            bool Changes(object source) =>
                source is Value { IsConstant: false } value && value.Writers.Any(writer => blocks.Contains(writer.Block));
        }
    }
}
