namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>A fundamental type: what its bits mean, and how many there are.</summary>
/// <param name="Kind">
/// <c>s</c> signed, <c>u</c> unsigned, <c>f</c> floating point, <c>b</c> bits of any meaning, <c>p</c> predicate, <c>t</c> TF32.
/// </param>
/// <param name="Bits">Their number; 1 for predicates.</param>
/// <remarks>PTX ISA, 5.2.1 "Fundamental Types".</remarks>
public readonly record struct PtxType(char Kind, int Bits)
{
    /// <summary>The type of predicates.</summary>
    public static PtxType Predicate { get; } = new('p', 1);

    /// <summary>Bytes in memory.</summary>
    public int Bytes => Bits / 8;

    /// <summary>Reads a type's name, without its dot; null if it is none.</summary>
    public static PtxType? Parse(string name) => name switch
    {
        "pred" => Predicate,
        "b8" or "b16" or "b32" or "b64" or "u8" or "u16" or "u32" or "u64" or "s8" or "s16" or "s32" or "s64" or "f16" or "f32" or "f64" =>
            new PtxType(name[0], int.Parse(name.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture)),
        "tf32" => new PtxType('t', 32),
        _ => null,
    };

    /// <inheritdoc/>
    public override string ToString() => Kind switch { 'p' => "pred", 't' => "tf32", _ => $"{Kind}{Bits}" };
}
