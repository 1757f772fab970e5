namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>A kernel as its text has it.</summary>
/// <param name="Name">The entry's name.</param>
/// <param name="Target">The architecture it is written for, e.g. <c>sm_80</c>.</param>
/// <param name="Parameters">Its arguments, in their order.</param>
/// <param name="Registers">All virtual registers.</param>
/// <param name="Variables">Variables in shared and local memory.</param>
/// <param name="Instructions">The body.</param>
/// <param name="Labels">The index of the instruction behind each label; the number of instructions for one at the end.</param>
public sealed record PtxKernel(
    string Name, string Target, IReadOnlyList<PtxVariable> Parameters, IReadOnlyList<PtxRegister> Registers,
    IReadOnlyList<PtxVariable> Variables,
    IReadOnlyList<PtxInstruction> Instructions, IReadOnlyDictionary<string, int> Labels)
{
    /// <summary>Threads of a group at most (<c>.maxntid</c>); null where nothing is said.</summary>
    public int? MaximalThreads { get; init; }

    /// <summary>Groups that a multiprocessor shall hold (<c>.minnctapersm</c>); null where nothing is said.</summary>
    public int? GroupsPerMultiprocessor { get; init; }

    /// <summary>The source files of its <see cref="PtxInstruction.Location"/>s by number.</summary>
    public IReadOnlyDictionary<int, string> Files { get; init; } = new Dictionary<int, string>();

    /// <summary>The text that was parsed.</summary>
    public required string Text { get; init; }

    /// <summary>Bytes of shared memory that a group needs.</summary>
    public int SharedBytes => EndOf(StateSpace.Shared);

    /// <summary>Bytes of local memory that a thread needs.</summary>
    public int LocalBytes => EndOf(StateSpace.Local);

    /// <summary>Bytes of all arguments.</summary>
    public int ParameterBytes => Parameters.Select(parameter => parameter.Offset + parameter.Bytes).DefaultIfEmpty().Max();

    /// <summary>Reads a kernel.</summary>
    /// <exception cref="PtxException">The text is not understood.</exception>
    public static PtxKernel Parse(string text) => new PtxParser(text).Parse();

    /// <summary>A line of the text, counted from 1, without the space around it.</summary>
    public string LineText(int line) => Text.Split('\n')[line - 1].Trim();

    private int EndOf(StateSpace space) => Variables.Where(variable => variable.Space == space)
        .Select(variable => variable.Offset + variable.Bytes).DefaultIfEmpty().Max();
}
