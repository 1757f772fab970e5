namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>An instruction.</summary>
/// <param name="Line">Its line in the text, from 1.</param>
/// <param name="Guard">The predicate under which it has an effect; null for always.</param>
/// <param name="Name">Its name with all modifiers, e.g. <c>ld.global.v4.f32</c>.</param>
/// <param name="Operands">Its operands, the result first.</param>
/// <remarks>PTX ISA, 4.3.2 "Instruction Statements".</remarks>
public sealed record PtxInstruction(int Line, RegisterOperand? Guard, string Name, IReadOnlyList<PtxOperand> Operands)
{
    /// <summary>The name without modifiers.</summary>
    public string Operation { get; } = Name.Split('.')[0];

    /// <summary>The modifiers, in their order.</summary>
    public IReadOnlyList<string> Modifiers { get; } = Name.Split('.')[1..];

    /// <summary>Its types, in their order.</summary>
    public IReadOnlyList<PtxType> Types { get; } = [.. Name.Split('.')[1..].Select(PtxType.Parse).OfType<PtxType>()];

    /// <summary>Where its source was written, by the last <c>.loc</c> of its block; null without one.</summary>
    public PtxLocation? Location { get; init; }

    /// <summary>Whether a modifier is there.</summary>
    public bool Has(string modifier) => Modifiers.Contains(modifier);

    /// <summary>The registers that it writes: those of its first operand, and the predicate of a shuffle.</summary>
    public IEnumerable<PtxRegister> Writes => Operands.Take(ResultOperands).SelectMany(RegistersOf);

    /// <summary>The registers that it reads: its guard, addresses and all operands that are no results.</summary>
    public IEnumerable<PtxRegister> Reads =>
        RegistersOf(Guard).Concat(Operands.Skip(ResultOperands).SelectMany(RegistersOf))
            .Concat(Operands.Take(ResultOperands).OfType<AddressOperand>().SelectMany(RegistersOf));

    /// <summary>How many of its operands are results.</summary>
    internal int ResultOperands => Operation switch
    {
        "st" or "red" or "cp" or "bar" or "barrier" or "bra" or "ret" or "exit" => 0,
        "shfl" when Operands.Count == 6 => 2,
        _ => 1,
    };

    /// <summary>Whether the next instruction never follows it.</summary>
    public bool EndsThread => Operation is "ret" or "exit";

    /// <summary>The error that the machine does not know it.</summary>
    public PtxException Unknown(string? why = null) => new(Line, $"the machine has no instruction {Name}{(why is null ? "" : $": {why}")}");

    /// <summary>The operand at a place, of a kind.</summary>
    /// <exception cref="PtxException">There is none, or it is of another kind.</exception>
    public T Operand<T>(int i) where T : PtxOperand =>
        i < Operands.Count && Operands[i] is T operand ? operand
            : throw new PtxException(Line, $"{Name}: operand {i + 1} should be a {typeof(T).Name}");

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static IEnumerable<PtxRegister> RegistersOf(PtxOperand? operand) => operand switch
    {
        RegisterOperand register => [register.Register],
        AddressOperand address => RegistersOf(address.Base),
        VectorOperand vector => vector.Elements.SelectMany(RegistersOf),
        _ => [],
    };
}

/// <summary>A line of a source file.</summary>
/// <param name="File">The file's number: see <see cref="PtxKernel.Files"/>.</param>
/// <param name="Line">The line, from 1.</param>
/// <remarks>PTX ISA, 11.5.4 ".loc".</remarks>
public sealed record PtxLocation(int File, int Line);
