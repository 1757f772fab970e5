using System.Collections;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Prediction.Assembly;

/// <summary>The operations of a kernel with the values that flow between them.</summary>
/// <remarks>
/// Webs of definitions and uses: Muchnick, Advanced Compiler Design and Implementation, 16.3.3; reaching definitions: Aho, Lam, Sethi and
/// Ullman, Compilers, 9.2.4.
/// </remarks>
internal sealed class ValueFlow
{
    private readonly PtxKernel kernel;
    private readonly List<(int Instruction, PtxRegister Register)> definitions = [];
    private readonly ILookup<int, (PtxRegister Register, int Definition)> ofInstruction;
    private readonly ILookup<PtxRegister, int> ofRegister;
    private readonly int[] parent;
    private readonly int firstOfText;

    private ValueFlow(PtxKernel kernel, ControlFlow flow)
    {
        this.kernel = kernel;
        Flow = flow;
        for (var i = 0; i < kernel.Instructions.Count; i++)
            foreach (var register in kernel.Instructions[i].Writes.Distinct()) definitions.Add((i, register));
        // A register that is read before it is written has a definition at the beginning.
        firstOfText = definitions.Count;
        ofInstruction = Enumerable.Range(0, firstOfText).ToLookup(i => definitions[i].Instruction, i => (definitions[i].Register, i));
        foreach (var register in kernel.Registers) definitions.Add((-1, register));
        ofRegister = definitions.Select((definition, i) => (definition.Register, i)).ToLookup(pair => pair.Register, pair => pair.i);
        parent = [.. Enumerable.Range(0, definitions.Count)];
        var reaching = Reaching();
        var before = new Dictionary<(int, PtxRegister), int>();
        foreach (var block in flow.Blocks) Unite(block, reaching[block.Index], before);
        Operations = Resolve(before);
    }

    /// <summary>The kernel's blocks.</summary>
    public ControlFlow Flow { get; }

    /// <summary>The operations, in the order of the text.</summary>
    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>Finds them in a kernel.</summary>
    public static ValueFlow Of(PtxKernel kernel) => new(kernel, ControlFlow.Of(kernel));

    /// <summary>The definitions that reach the beginning of each block.</summary>
    private BitArray[] Reaching()
    {
        var generated = Flow.Blocks.Select(_ => new BitArray(definitions.Count)).ToArray();
        var kept = Flow.Blocks.Select(_ => new BitArray(definitions.Count, true)).ToArray();
        for (var i = 0; i < firstOfText; i++)
        {
            var (instruction, register) = definitions[i];
            var block = BlockOf(instruction);
            if (kernel.Instructions[instruction].Guard is null)
                foreach (var other in ofRegister[register])
                {
                    generated[block][other] = false;
                    kept[block][other] = false;
                }
            generated[block][i] = true;
        }
        var before = Flow.Blocks.Select(_ => new BitArray(definitions.Count)).ToArray();
        for (var i = firstOfText; i < definitions.Count; i++) before[0][i] = true;
        var open = new Queue<int>(Flow.Blocks.Select(block => block.Index));
        var after = new BitArray(definitions.Count);
        while (open.TryDequeue(out var index))
        {
            after.SetAll(false);
            after.Or(before[index]).And(kept[index]).Or(generated[index]);
            foreach (var next in Flow.Blocks[index].Successors.Where(next => next < Flow.Exit))
            {
                var known = new BitArray(before[next]);
                before[next].Or(after);
                if (known.Xor(before[next]).HasAnySet()) open.Enqueue(next);
            }
        }
        return before;
    }

    private int BlockOf(int instruction)
    {
        int low = 0, high = Flow.Blocks.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Flow.Blocks[middle].First <= instruction) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    /// <summary>Unites the definitions that reach the same use.</summary>
    private void Unite(BasicBlock block, BitArray reaching, Dictionary<(int, PtxRegister), int> uses)
    {
        var current = new Dictionary<PtxRegister, int>();
        for (var i = block.First; i < block.End; i++)
        {
            var instruction = kernel.Instructions[i];
            foreach (var register in instruction.Reads.Distinct()) uses[(i, register)] = Current(register);
            foreach (var (register, definition) in ofInstruction[i])
            {
                // Where the guard does not hold, the old value stays.
                if (instruction.Guard is not null) Join(Current(register), definition);
                current[register] = definition;
            }
        }

        int Current(PtxRegister register)
        {
            if (current.TryGetValue(register, out var known)) return known;
            var first = firstOfText + register.Index;
            int[] all = [.. ofRegister[register].Where(definition => reaching[definition])];
            foreach (var definition in all) Join(all[0], definition);
            return current[register] = all.Length > 0 ? all[0] : first;
        }

        void Join(int a, int b) => parent[Find(a)] = Find(b);
    }

    private int Find(int definition)
    {
        while (parent[definition] != definition) definition = parent[definition] = parent[parent[definition]];
        return definition;
    }

    private List<Operation> Resolve(Dictionary<(int, PtxRegister), int> uses)
    {
        var values = new Dictionary<int, Value>();
        var operations = new List<Operation>();
        for (var i = 0; i < kernel.Instructions.Count; i++)
        {
            var instruction = kernel.Instructions[i];
            var operation = new Operation(instruction, i, BlockOf(i));
            foreach (var (_, definition) in ofInstruction[i])
            {
                var value = ValueOf(definition);
                value.Writers.Add(operation);
                operation.Results.Add(value);
            }
            if (instruction.Guard is { } guard)
            {
                operation.Guard = ValueOf(uses[(i, guard.Register)]);
                operation.Guard.Readers.Add(operation);
            }
            foreach (var source in SourcesOf(instruction))
                if (source is PtxRegister register)
                {
                    var value = ValueOf(uses[(i, register)]);
                    value.Readers.Add(operation);
                    operation.Sources.Add(value);
                }
                else
                {
                    operation.Sources.Add(source);
                }
            operations.Add(operation);
        }
        return operations;

        Value ValueOf(int definition)
        {
            var root = Find(definition);
            if (!values.TryGetValue(root, out var value)) values.Add(root, value = new Value(definitions[root].Register));
            return value;
        }
    }

    /// <summary>What an instruction reads in the order of its operands: registers, and the text of everything else.</summary>
    private static IEnumerable<object> SourcesOf(PtxInstruction instruction)
    {
        return instruction.Operands.Where((operand, i) => i >= instruction.ResultOperands || operand is AddressOperand).SelectMany(Flatten);

        static IEnumerable<object> Flatten(PtxOperand operand) => operand switch
        {
            RegisterOperand { Negated: true } register => [register.Register, "!"],
            RegisterOperand register => [register.Register],
            AddressOperand address => Flatten(address.Base),
            VectorOperand vector => vector.Elements.SelectMany(Flatten),
            ConstantOperand constant => [$"{constant.Bits:x}{(constant.IsFloat ? "f" : "")}"],
            VariableOperand variable => [variable.Variable.Name],
            SpecialOperand special => [special.Name],
            LabelOperand label => [label.Name],
            _ => [],
        };
    }
}
