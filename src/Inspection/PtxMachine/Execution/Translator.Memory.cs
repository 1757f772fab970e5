using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Instructions that use memory.</summary>
internal sealed partial class Translator
{
    // Volatile accesses, and hints to caches, change nothing here.
    private static readonly string[] accessModifiers =
        ["param", "global", "shared", "local", "v2", "v4", "volatile", "weak", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc"];

    private WarpCall LoadOrStore(PtxInstruction instruction)
    {
        RequireModifiers(instruction, accessModifiers);
        var isStore = instruction.Operation == "st";
        var (address, values) = isStore ? (0, 1) : (1, 0);
        var space = SpaceOf(instruction);
        if (space == StateSpace.Parameter)
        {
            if (isStore || instruction.Operand<AddressOperand>(address) is not
                {
                    Base: VariableOperand { Variable.Space: StateSpace.Parameter } variable
                } place) throw instruction.Unknown();
            return Call(typeof(MemoryInstructions), nameof(MemoryInstructions.LoadParameter),
                Add(instruction, space, 0, 8, variable.Variable.Offset + place.Offset, instruction.Operands[values]).Number);
        }
        var access = Add(instruction, space, address, instruction.Operands[values]);
        return Call(typeof(MemoryInstructions), (space, isStore) switch
        {
            (StateSpace.Global, false) => nameof(MemoryInstructions.LoadGlobal),
            (StateSpace.Global, true) => nameof(MemoryInstructions.StoreGlobal),
            (StateSpace.Shared, false) => nameof(MemoryInstructions.LoadShared),
            (StateSpace.Shared, true) => nameof(MemoryInstructions.StoreShared),
            (_, false) => nameof(MemoryInstructions.LoadLocal),
            (_, true) => nameof(MemoryInstructions.StoreLocal),
        }, access.Number);
    }

    private WarpCall Atomic(PtxInstruction instruction)
    {
        var hasResult = instruction.Operation == "atom";
        var type = instruction.Types[^1];
        var operation = instruction.Modifiers.FirstOrDefault(modifier => AtomicInstructions.MethodOf(modifier, type.ToString()) is not null)
            ?? throw instruction.Unknown();
        RequireModifiers(instruction, ["global", operation, "relaxed", "acquire", "release", "acq_rel", "cta", "gpu", "sys"]);
        if (SpaceOf(instruction) != StateSpace.Global) throw instruction.Unknown();
        var address = hasResult ? 1 : 0;
        var access = Add(instruction, StateSpace.Global, address, hasResult ? instruction.Operands[0] : new VectorOperand([]));
        accesses[access.Number] = access with
        {
            Elements = 1,
            Others = [.. instruction.Operands.Skip(address + 1).Select(operand => RowOf(instruction, operand, out _))],
        };
        return Call(typeof(AtomicInstructions), AtomicInstructions.MethodOf(operation, type.ToString())!, access.Number);
    }

    private WarpCall AsyncCopy(PtxInstruction instruction)
    {
        switch (instruction.Name)
        {
            case "cp.async.commit_group": return Call(typeof(AsyncCopies), nameof(AsyncCopies.Commit));
            case "cp.async.wait_group":
                return Call(typeof(AsyncCopies), nameof(AsyncCopies.Wait),
                (int)instruction.Operand<ConstantOperand>(0).Bits);
            case "cp.async.wait_all": return Call(typeof(AsyncCopies), nameof(AsyncCopies.WaitAll));
            case "cp.async.ca.shared.global" or "cp.async.cg.shared.global": break;
            default: throw instruction.Unknown();
        }
        var bytes = (int)instruction.Operand<ConstantOperand>(2).Bits;
        if (bytes is not (4 or 8 or 16) || (bytes != 16 && instruction.Has("cg"))) throw instruction.Unknown($"copies {bytes} bytes");
        var from = Add(instruction, StateSpace.Global, 1, new VectorOperand([])) with { Elements = bytes / 4 };
        accesses[from.Number] = from;
        var to = Add(instruction, StateSpace.Shared, 0, new VectorOperand([])) with
        {
            Elements = bytes / 4,
            From = from,
            Others = instruction.Operands.Count > 3 ? [RowOf(instruction, 3, typeof(uint))] : [],
        };
        accesses[to.Number] = to;
        return Call(typeof(AsyncCopies), nameof(AsyncCopies.Begin), to.Number);
    }

    private WarpCall LoadMatrices(PtxInstruction instruction)
    {
        RequireModifiers(instruction, ["sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared"]);
        // A lane gets its pairs of 16-bit values as words.
        var access = Add(instruction, StateSpace.Shared, 1, instruction.Operands[0]) with { Type = new PtxType('b', 32) };
        accesses[access.Number] = access;
        var matrices = instruction.Has("x4") ? 4 : instruction.Has("x2") ? 2 : 1;
        if (access.Rows.Count != matrices || instruction.Types[^1] != new PtxType('b', 16)) throw instruction.Unknown();
        return Call(typeof(MatrixInstructions), nameof(MatrixInstructions.LoadMatrices), access.Number);
    }

    private WarpCall Product(PtxInstruction instruction)
    {
        matrixProducts.Add(new MatrixProduct(instruction, Rows(0, 4), Rows(1, 4), Rows(2, 2), Rows(3, 4)));
        return Call(typeof(MatrixInstructions), nameof(MatrixInstructions.MultiplyTf32), matrixProducts.Count - 1);

        int[] Rows(int operand, int count)
        {
            var vector = instruction.Operand<VectorOperand>(operand);
            if (vector.Elements.Count != count)
                throw new PtxException(instruction.Line,
                    $"{instruction.Name}: operand {operand + 1} has {count} values, not {vector.Elements.Count}");
            return [.. vector.Elements.Select(element => RowOf(instruction, element, typeof(float)))];
        }
    }

    private MemoryAccess Add(PtxInstruction instruction, StateSpace space, int address, PtxOperand values)
    {
        var place = instruction.Operand<AddressOperand>(address);
        var stride = place.Base is RegisterOperand register ? BytesOf(register.Register) : sizeof(uint);
        return Add(instruction, space, RowOf(instruction, place.Base, stride == 8 ? typeof(ulong) : typeof(uint)), stride,
            place.Offset, values);
    }

    private MemoryAccess Add(PtxInstruction instruction, StateSpace space, int address, int stride, long offset, PtxOperand values)
    {
        var elements = values is VectorOperand vector ? vector.Elements : [values];
        var type = instruction.Types.Count > 0 ? instruction.Types[^1] : new PtxType('b', 32);
        var rowStride = 4;
        int[] rows = [.. elements.Select(element => RowOf(instruction, element, out rowStride))];
        var access = new MemoryAccess(instruction, space, accesses.Count, address, stride, offset, rows, rowStride,
            type)
        { Elements = rows.Length };
        accesses.Add(access);
        return access;
    }

    private static StateSpace SpaceOf(PtxInstruction instruction) =>
        instruction.Has("param") ? StateSpace.Parameter
        : instruction.Has("global") ? StateSpace.Global
        : instruction.Has("shared") ? StateSpace.Shared
        : instruction.Has("local") ? StateSpace.Local
        : throw instruction.Unknown("it does not say which memory it uses");

    private static void RequireModifiers(PtxInstruction instruction, string[] known)
    {
        if (instruction.Modifiers.FirstOrDefault(modifier => PtxType.Parse(modifier) is null && !known.Contains(modifier)) is { } unknown)
            throw instruction.Unknown($".{unknown}");
    }
}
