using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Prediction;

/// <summary>A part of a multiprocessor that executes instructions.</summary>
public enum Pipe
{
    /// <summary>Sums and products of float32.</summary>
    Float,

    /// <summary>Products of integers.</summary>
    IntegerProduct,

    /// <summary>Other arithmetic of integers, logic, comparisons, selections and copies.</summary>
    Integer,

    /// <summary>Roots, reciprocals, exponentials, and conversions between integers and floats.</summary>
    Special,

    /// <summary>Loads and stores.</summary>
    Memory,

    /// <summary>Tensor cores.</summary>
    Tensor,

    /// <summary>Branches, barriers and the end.</summary>
    Control,
}

/// <summary>What an operation costs: the machine instructions that it becomes, and when its result can be used.</summary>
/// <param name="Pipe">The part that executes it.</param>
/// <param name="Instructions">Machine instructions.</param>
/// <param name="Latency">Clocks until its result can be used.</param>
internal readonly record struct OperationCost(Pipe Pipe, int Instructions, int Latency)
{
    // Clocks of dependent instructions, measured on Volta to Hopper: Jia et al., Dissecting the NVIDIA Volta GPU Architecture via
    // Microbenchmarking, 2018; Abdelkhalik et al., Demystifying the Nvidia Ampere Architecture, 2022; Luo et al., Benchmarking and
    // Dissecting the Nvidia Hopper GPU Architecture, 2024.
    private const int Arithmetic = 4, WideProduct = 5, Function = 18, SharedLoad = 30, MatrixLoad = 33, TensorProduct = 33, Barrier = 20;

    /// <summary>
    /// Fitted: clocks until a load from global memory arrives. Measured latencies are about 270 from the near half of the L2 cache and 600
    /// and more from memory; sums of parts that lie in the cache took 600 a part on an H200.
    /// </summary>
    public const int GlobalLoad = 580;

    // Lengths of the sequences that the assembler writes for divisions.
    private const int IntegerDivision = 24, FloatDivision = 9, ExactFunction = 8, LongDivision = 70;

    /// <summary>The cost of an operation.</summary>
    public static OperationCost Of(Operation operation)
    {
        var instruction = operation.Instruction;
        var type = instruction.Types.Count > 0 ? instruction.Types[^1] : default;
        var isFloat = type.Kind == 'f';
        var words = type.Bits == 64 ? 2 : 1;
        switch (instruction.Operation)
        {
            case "ld" or "st" or "atom" or "red":
                return new OperationCost(Pipe.Memory, 1, instruction.Has("global") ? GlobalLoad : SharedLoad);
            case "ldmatrix": return new OperationCost(Pipe.Memory, 1, MatrixLoad);
            case "cp": return instruction.Has("shared") ? new OperationCost(Pipe.Memory, 1, 0) : new OperationCost(Pipe.Control, 1, 0);
            case "mma": return new OperationCost(Pipe.Tensor, 1, TensorProduct);
            case "bar" or "barrier": return new OperationCost(Pipe.Control, 1, Barrier);
            case "bra" or "ret" or "exit": return new OperationCost(Pipe.Control, 1, Arithmetic);
            case "shfl" or "vote" or "activemask": return new OperationCost(Pipe.Memory, 1, SharedLoad);
            case "div" or "rem" when !isFloat:
                return new OperationCost(Pipe.Integer, words == 2 ? LongDivision : IntegerDivision, 5 * Function);
            case "div": return new OperationCost(Pipe.Float, FloatDivision, 3 * Function);
            case "sqrt" or "rsqrt" or "rcp" or "ex2" or "lg2" or "sin" or "cos" or "tanh":
                return new OperationCost(Pipe.Special, instruction.Has("rn") ? ExactFunction : 1, Function);
            // A comparison, a sum and a selection.
            case "cvt" when instruction.Has("rna"): return new OperationCost(Pipe.Integer, 3, 3 * Arithmetic);
            case "cvt" when IsConversion(instruction): return new OperationCost(Pipe.Special, 1, Function);
            case "add" or "sub" or "mul" or "fma" when isFloat: return new OperationCost(Pipe.Float, words, Arithmetic);
            case "mul" or "mad":
                return new OperationCost(Pipe.IntegerProduct, type.Bits == 64 ? 4 : 1, WideProduct);
            // Addresses of shared memory have 32 bits and are a shift and a sum.
            case "add" when operation.Joined.Count > 0 && operation.Results.All(IsAddressOfShared):
                return new OperationCost(Pipe.Integer, 1, Arithmetic);
            case "add" or "sub" when operation.Joined.Any(part => part.Operation == "mul"):
                return new OperationCost(Pipe.IntegerProduct, 1, WideProduct);
            default: return new OperationCost(Pipe.Integer, words, Arithmetic);
        }
    }

    private static bool IsConversion(PtxInstruction instruction) =>
        instruction.Types.Select(type => type.Kind == 'f').Distinct().Count() == 2;

    private static bool IsAddressOfShared(Value value) => value.Readers.All(reader => reader.Instruction.Has("shared"));
}
