using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Sampling;

/// <summary>
/// The instructions of a kernel that decide which way a thread takes and which addresses it uses. A launch that only counts needs no
/// others:
/// a product of matrices without its multiply-adds takes a tenth of the time, and its factors need no memory.
/// </summary>
/// <remarks>
/// A backward slice (Weiser, Program Slicing, 1984) from addresses, guards and operands of barriers. It does not follow the order of
/// instructions: whatever writes a register that is needed anywhere is needed.
/// </remarks>
internal sealed class AddressSlice
{
    private readonly HashSet<PtxRegister> registers = [];
    private readonly HashSet<StateSpace> spaces = [];
    private readonly bool[] needed;
    private readonly IReadOnlyList<PtxInstruction> instructions;

    private AddressSlice(PtxKernel kernel)
    {
        instructions = kernel.Instructions;
        needed = new bool[kernel.Instructions.Count];
        foreach (var instruction in kernel.Instructions) registers.UnionWith(Seeds(instruction));
        for (var changed = true; changed;)
        {
            changed = false;
            for (var i = 0; i < needed.Length; i++)
            {
                var instruction = kernel.Instructions[i];
                if (needed[i] || !IsNeeded(instruction)) continue;
                needed[i] = changed = true;
                registers.UnionWith(instruction.Reads);
                if (instruction.Operation is "ld" or "ldmatrix")
                    spaces.Add(instruction.Has("local") ? StateSpace.Local : StateSpace.Shared);
            }
        }
    }

    /// <summary>Finds the slice of a kernel.</summary>
    public static AddressSlice Of(PtxKernel kernel) => new(kernel);

    /// <summary>Whether an instruction has to be executed, rather than only counted.</summary>
    public bool Contains(int instruction) => needed[instruction];

    /// <summary>
    /// Whether integers in global memory, or floats that become integers, decide how often a loop runs or which addresses are used: then a
    /// launch that takes them for zeros counts something else. Branches on floats alone, such as that of ReLU, do not count as such.
    /// </summary>
    public bool DependsOnValues =>
        Needed("ld").Concat(Needed("atom")).Where(load => load.Has("global")).ToArray() is { Length: > 0 } loads
        && (loads.Any(load => load.Types[^1].Kind != 'f')
            || Needed("cvt").Any(cvt => cvt.Types[0].Kind != 'f' && cvt.Types[^1].Kind == 'f'));

    private IEnumerable<PtxInstruction> Needed(string operation) =>
        instructions.Where((instruction, i) => needed[i] && instruction.Operation == operation);

    private bool IsNeeded(PtxInstruction instruction) =>
        instruction.Operation == "st" && instruction.Has("local") ? spaces.Contains(StateSpace.Local)
        : instruction.Operation == "st" && instruction.Has("shared") || instruction.Operation == "cp" ? spaces.Contains(StateSpace.Shared)
        : instruction.Operation is "bar" or "barrier" || instruction.Writes.Any(registers.Contains);

    /// <summary>The registers that an instruction needs even where its own result is not needed.</summary>
    private static IEnumerable<PtxRegister> Seeds(PtxInstruction instruction)
    {
        var addresses = instruction.Operands.OfType<AddressOperand>().Select(address => address.Base);
        // The operand src-size of cp.async says how much of global memory is read.
        var operands = instruction.Operation is "cp" or "bar" or "barrier" ? addresses.Concat(instruction.Operands) : addresses;
        return operands.Append(instruction.Guard).OfType<RegisterOperand>().Select(operand => operand.Register);
    }
}
