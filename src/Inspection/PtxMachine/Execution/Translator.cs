using System.Reflection;
using System.Runtime.InteropServices;
using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Finds for each instruction the method that executes it, and the rows of its operands.</summary>
internal sealed partial class Translator(PtxProgram program)
{
    private const string Tf32Product = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32";

    private readonly UnassignedRegisters unassigned = new(program);
    private readonly List<MemoryAccess> accesses = [];
    private readonly List<MatrixProduct> matrixProducts = [];

    /// <summary>The accesses to memory translated so far.</summary>
    public IReadOnlyList<MemoryAccess> Accesses => accesses;

    /// <summary>Registers that are watched for reads before the first write.</summary>
    public int WatchedRegisters => unassigned.Count;

    /// <summary>The products of tensor cores translated so far.</summary>
    public IReadOnlyList<MatrixProduct> MatrixProducts => matrixProducts;

    /// <summary>Translates an instruction.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="index">Its number in the kernel.</param>
    /// <exception cref="PtxException">The machine does not have it.</exception>
    public Translation Translate(PtxInstruction instruction, int index)
    {
        // Branches and ends are the warp's business: see Warp.Advance.
        if (instruction.Operation == "bra" || instruction.EndsThread) return new Translation(unassigned.Checks(instruction, index));
        var execution = Execution(instruction, index);
        return Guarded(instruction,
            [.. unassigned.Checks(instruction, index), .. Divisor(instruction, index), execution, .. unassigned.Notes(instruction)]);
    }

    private Translation Guarded(PtxInstruction instruction, WarpCall[] calls) =>
        instruction.Guard is { } guard
            ? new Translation(calls, program.Registers.Of(guard.Register), guard.Negated)
            : new Translation(calls);

    /// <summary>What executes an instruction.</summary>
    private WarpCall Execution(PtxInstruction instruction, int index) =>
        InstructionSet.Find(instruction.Name) is { } lanes ? Lanewise(instruction, lanes) : instruction.Operation switch
        {
            "ld" or "st" => LoadOrStore(instruction),
            "atom" or "red" => Atomic(instruction),
            "cp" => AsyncCopy(instruction),
            "ldmatrix" => LoadMatrices(instruction),
            "mma" when instruction.Name == Tf32Product => Product(instruction),
            "bar" or "barrier" => Barrier(instruction, index),
            "shfl" => Shuffle(instruction, index),
            "vote" => Vote(instruction, index),
            "activemask" => Call(typeof(WarpInstructions), nameof(WarpInstructions.ActiveMask), RowOf(instruction, 0, typeof(uint))),
            _ => throw instruction.Unknown(),
        };

    private static WarpCall Call(Type type, string method, params int[] arguments) =>
        new(type.GetMethod(method, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!, arguments);

    private WarpCall Lanewise(PtxInstruction instruction, LaneInstruction lanes) =>
        instruction.Operands.Count == lanes.Operands.Count
            ? new WarpCall(lanes.Method, [.. lanes.Operands.Select((type, i) => RowOf(instruction, i, type))])
            : throw new PtxException(instruction.Line,
                $"{instruction.Name} has {lanes.Operands.Count} operands, not {instruction.Operands.Count}");

    /// <summary>Makes sure that an integer division does not divide by zero.</summary>
    private WarpCall[] Divisor(PtxInstruction instruction, int index)
    {
        if (instruction.Operation is not ("div" or "rem") || instruction.Types[^1].Kind == 'f'
            || instruction.Operand<PtxOperand>(2) is ConstantOperand { Bits: not 0 }) return [];
        var bytes = RegisterFile.Stride(instruction.Types[^1]);
        return [Call(typeof(IntegerChecks), nameof(IntegerChecks.Divisor), index,
            RowOf(instruction, 2, bytes == 8 ? typeof(ulong) : typeof(uint)), bytes)];
    }

    /// <summary>The row of an operand that lanes use as a type; <see cref="bool"/> for predicates.</summary>
    private int RowOf(PtxInstruction instruction, int operand, Type type) =>
        RowOf(instruction, instruction.Operand<PtxOperand>(operand), type);

    private int RowOf(PtxInstruction instruction, PtxOperand operand, Type type)
    {
        var bytes = type == typeof(bool) ? 0 : Math.Max(4, Marshal.SizeOf(type));
        switch (operand)
        {
            case RegisterOperand { Negated: false } register when BytesOf(register.Register) == bytes:
                return program.Registers.Of(register.Register);
            case RegisterOperand register:
                throw new PtxException(instruction.Line,
                    $"{instruction.Name}: {register.Register} ({register.Register.Type}) does not hold what the instruction takes");
            case ConstantOperand constant when bytes == 0:
                return program.Registers.OfConstant(constant.Bits != 0 ? Row.AllLanes : 0, sizeof(uint));
            case ConstantOperand constant:
                return program.Registers.OfConstant(BitsOf(constant, type), bytes);
            case VariableOperand { Variable.Space: StateSpace.Shared } variable when bytes > 0:
                return program.Registers.OfConstant(program.Shared.AddressOf(variable.Variable), bytes);
            case VariableOperand { Variable.Space: StateSpace.Local } variable when bytes > 0:
                return program.Registers.OfConstant(program.Local.AddressOf(variable.Variable), bytes);
            case SpecialOperand special when bytes == 4:
                return program.Registers.OfSpecial(special.Name)
                    ?? throw new PtxException(instruction.Line, $"the machine has no special register {special.Name}");
            default:
                throw new PtxException(instruction.Line,
                    $"{instruction.Name}: an operand is of a kind that the machine does not have there");
        }
    }

    /// <summary>The row of an operand in a register of whatever width.</summary>
    private int RowOf(PtxInstruction instruction, PtxOperand operand, out int stride)
    {
        stride = operand is RegisterOperand register ? BytesOf(register.Register) : operand is ConstantOperand or VariableOperand
            ? Math.Max(4, instruction.Types[^1].Bytes) : 4;
        var isFloat = instruction.Types[^1].Kind == 'f';
        var type = stride switch
        {
            0 => typeof(bool),
            8 => isFloat ? typeof(double) : typeof(ulong),
            _ => isFloat ? typeof(float) : typeof(uint),
        };
        return RowOf(instruction, operand, type);
    }

    private static int BytesOf(PtxRegister register) => register.Type == PtxType.Predicate ? 0 : RegisterFile.Stride(register.Type);

    private static ulong BitsOf(ConstantOperand constant, Type type)
    {
        var value = constant.IsFloat ? BitConverter.Int64BitsToDouble(constant.Bits) : constant.Bits;
        if (type == typeof(float) || (constant.IsFloat && Marshal.SizeOf(type) == 4)) return BitConverter.SingleToUInt32Bits((float)value);
        if (type == typeof(double) || constant.IsFloat) return BitConverter.DoubleToUInt64Bits(value);
        return unchecked((ulong)constant.Bits);
    }
}
