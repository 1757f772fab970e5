namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>PTX that the machine does not understand, or an instruction that it does not have.</summary>
/// <param name="line">The line of the text, counted from 1.</param>
/// <param name="problem">What is wrong with it.</param>
public sealed class PtxException(int line, string problem) : Exception($"PTX line {line}: {problem}")
{
    /// <summary>The line of the text, counted from 1.</summary>
    public int Line { get; } = line;
}
