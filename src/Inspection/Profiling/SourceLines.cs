using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Profiling;

/// <summary>A line of C#.</summary>
/// <param name="File">Its file in the repository.</param>
/// <param name="Number">Its number, from 1.</param>
public sealed record SourceLine(string File, int Number);

/// <summary>
/// The line of C# that each instruction of a kernel was written in. Code of a method that was inlined, as all are, belongs to the line of
/// that method, not to the one that calls it. Addresses and copies that the compiler adds belong to the line whose code they follow.
/// </summary>
/// <param name="kernel">The kernel, compiled with its lines: see <see cref="KernelCode.WithLines"/>.</param>
internal sealed class SourceLines(PtxKernel kernel)
{
    private const string Root = "/src/Engine/";

    /// <summary>Whether there are lines; without the symbols (.pdb) of the engine there are none.</summary>
    public bool Known => kernel.Files.Count > 0;

    /// <summary>The line of an instruction; null if it has none, such as the loads of arguments.</summary>
    /// <param name="index">The instruction's number in the kernel.</param>
    public SourceLine? this[int index]
    {
        get
        {
            if (kernel.Instructions[index].Location is not { } location) return null;
            if (!kernel.Files.TryGetValue(location.File, out var path)) return null;
            var folder = path.LastIndexOf(Root, StringComparison.Ordinal);
            return new SourceLine(folder < 0 ? Path.GetFileName(path) : path[(folder + 1)..], location.Line);
        }
    }

    /// <summary>The text of a line; null if its file is not among the engine's resources.</summary>
    public static string? TextOf(SourceLine line) => KernelSource.Line(line);
}
