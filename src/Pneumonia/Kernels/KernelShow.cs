using System.Globalization;
using System.Text.RegularExpressions;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection;
using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Syntax;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Kernels;

/// <summary>A language in which a kernel can be read.</summary>
public enum KernelLanguage { CSharp, OpenCl, Ptx }

/// <summary>Settings of <c>kernels show</c>.</summary>
public sealed record KernelShowSettings : ICheckedSettings
{
    /// <summary>The kernel's name.</summary>
    [Arguments("NAME", "a kernel that `kernels list` names", "which kernel? give the name of one; kernels list has them all")]
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The text to print, without a title; null for all.</summary>
    [Choice<KernelLanguage>("print one text alone (all three, under titles)")]
    public KernelLanguage? Target { get; init; }

    /// <summary>The architecture of the PTX; null for the default one.</summary>
    [Architecture]
    public string? Arch { get; init; }

    /// <summary>The kernel.</summary>
    public CataloguedKernel Kernel => KernelCatalogue.Find(Names[0])
        ?? throw new UserError(
            Suggestion.UnknownName(Names[0], "kernel", KernelCatalogue.All.Select(known => known.Name), "kernels list has them all"));

    /// <summary>The architecture of the PTX.</summary>
    public CudaTarget Architecture => CudaTarget.All.Single(candidate => candidate.Name == (Arch ?? CudaTarget.WithTf32.Name));

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        if (Names.Count > 1) throw new UserError($"{command}: {Names.Count} names; give one");
        if (Target == KernelLanguage.OpenCl && Kernel.IsCudaOnly)
            throw new UserError($"--target opencl: {Kernel} is made of instructions that only CUDA has; give --target ptx");
        if (Arch is not null && Target is KernelLanguage.CSharp or KernelLanguage.OpenCl)
            throw new UserError($"--arch {Arch}: only PTX has an architecture; leave it out, or give --target ptx");
        var needed = Kernel.MinimalArchitecture;
        if (Architecture.Number < needed.Number) throw new UserError($"--arch {Arch}: {Kernel} needs {needed} or newer");
    }
}

/// <summary>An architecture that PTX can be made for.</summary>
internal sealed class ArchitectureAttribute()
    : WordAttribute("architecture of the PTX (sm_80)", [.. CudaTarget.All.Select(candidate => candidate.Name)]);

/// <summary>Prints a kernel's source and compiled code; needs no device.</summary>
public static partial class KernelShow
{
    public static Task<int> RunAsync(KernelShowSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var code = new KernelCode();
        Write(settings, code, terminal);
        return Task.FromResult(0);
    }

    /// <summary>Prints the requested texts.</summary>
    /// <param name="settings">Which kernel, and which of its texts.</param>
    /// <param name="code">Compiles it.</param>
    /// <param name="terminal">Where to.</param>
    public static void Write(KernelShowSettings settings, KernelCode code, Terminal terminal)
    {
        var kernel = settings.Kernel;
        var output = terminal.Results;
        switch (settings.Target)
        {
            case KernelLanguage.CSharp:
                output.WriteLine(
                    string.Join("\n\n", KernelSource.WithParts(kernel).Select(part => $"// {part.File}, line {part.Line}\n{part.Text}")));
                break;
            case KernelLanguage.OpenCl:
                output.WriteLine(code.OpenCl(kernel).TrimEnd());
                break;
            case KernelLanguage.Ptx:
                output.WriteLine(code.Ptx(kernel, settings.Architecture).TrimEnd());
                break;
            default:
                WriteAll(settings, code, output);
                WriteCounts(kernel, code, terminal);
                break;
        }
    }

    private static void WriteAll(KernelShowSettings settings, KernelCode code, TextWriter output)
    {
        var kernel = settings.Kernel;
        output.WriteLine(
            $"{kernel.Name}: {kernel.Operation}, {Hardware(kernel)}, {kernel.MinimalArchitecture} or newer{(kernel.IsHot ? ", hot" : "")}");
        foreach (var source in KernelSource.WithParts(kernel))
        {
            Title(output, $"C#: {source.File}, line {source.Line}");
            output.WriteLine(source.Text);
        }
        if (kernel.IsCudaOnly)
        {
            Title(output, "OpenCL: none, for this kernel is made of instructions that only CUDA has");
        }
        else
        {
            var openCl = code.OpenCl(kernel);
            var counts = OpenClCounts.Of(openCl);
            Title(output, $"OpenCL: {kernel.OpenClForm}; loads {counts.Loads}, stores {counts.Stores}, FMAs {counts.MultiplyAdds}");
            output.WriteLine(openCl.TrimEnd());
        }
        var ptx = code.Ptx(kernel, settings.Architecture);
        Title(output, $"PTX for {settings.Architecture}: {kernel.PtxForm}; {Describe(KernelCounts.OfPtx(ptx), RegistersOf(ptx))}");
        output.WriteLine(ptx.TrimEnd());
    }

    /// <summary>Instruction counts of the PTX for every architecture and of its busiest loop, whose arithmetic intensity shows what limits
    /// the kernel.</summary>
    private static void WriteCounts(CataloguedKernel kernel, KernelCode code, Terminal terminal)
    {
        // Most architectures have the same instructions, so each distinct text is analysed once; names in the text are numbered across
        // kernels.
        var known = new Dictionary<string, (KernelCounts Counts, KernelCounts? Loop, int Registers)>();
        var columns = new List<(CudaTarget Target, KernelCounts Counts, KernelCounts? Loop, int Registers)>();
        foreach (var target in CudaTarget.All.Where(target => target.Number >= kernel.MinimalArchitecture.Number))
        {
            string ptx = code.Ptx(kernel, target), instructions = Names().Replace(ptx, "_");
            if (!known.TryGetValue(instructions, out var found))
            {
                var parsed = PtxKernel.Parse(ptx);
                found = (KernelCounts.OfPtx(ptx), KernelLoops.Busiest(parsed) is { } loop ? KernelCounts.OfPtx(loop) : null,
                    RegisterEstimate.Of(parsed).Count);
                known.Add(instructions, found);
            }
            columns.Add((target, found.Counts, found.Loop, found.Registers));
        }
        Title(terminal.Results, "counts in the PTX, for one thread; what is in a loop counts once");
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn(""));
        foreach (var column in columns) table.AddColumn(new TableColumn(column.Target.Name).RightAligned().NoWrap());
        Row("global loads (of vectors)", column => $"{column.Counts.GlobalLoads} ({column.Counts.GlobalVectorLoads})");
        Row("global stores", column => $"{column.Counts.GlobalStores}");
        Row("shared loads (of vectors)", column => $"{column.Counts.SharedLoads} ({column.Counts.SharedVectorLoads})");
        Row("shared stores", column => $"{column.Counts.SharedStores}");
        Row("local loads and stores", column => $"{column.Counts.LocalAccesses}");
        Row("FMAs", column => $"{column.Counts.MultiplyAdds}");
        Row("operations", column => $"{column.Counts.FloatOperations}");
        Row("bytes of global memory", column => $"{column.Counts.GlobalBytesMoved}");
        Row("operations per byte", column => Ratio(column.Counts.Intensity));
        if (columns[0].Loop is not null)
        {
            Row("busiest loop: FMAs", column => $"{column.Loop?.MultiplyAdds}");
            Row("  operations", column => $"{column.Loop?.FloatOperations}");
            Row("  bytes of global memory", column => $"{column.Loop?.GlobalBytesMoved}");
            Row("  operations per byte", column => Ratio(column.Loop?.Intensity));
            Row("  bytes of shared memory", column => $"{column.Loop?.SharedBytesMoved}");
        }
        Row("registers declared", column => $"{column.Counts.DeclaredRegisters}");
        Row("  at once, about", column => $"{column.Registers}");
        Row("shared bytes of a group", column => $"{column.Counts.SharedBytes}");
        terminal.WriteTable(table);

        void Row(string name, Func<(CudaTarget Target, KernelCounts Counts, KernelCounts? Loop, int Registers), string> value) =>
            table.AddRow([new Text(name), .. columns.Select(column => new Text(value(column)))]);

        static string Ratio(double? value) => value?.ToString("0.##", CultureInfo.InvariantCulture) ?? "–";
    }

    [GeneratedRegex(@"_\d+")]
    private static partial Regex Names();

    private static void Title(TextWriter output, string title)
    {
        output.WriteLine();
        output.WriteLine($"== {title} ==");
        output.WriteLine();
    }

    private static string Hardware(CataloguedKernel kernel) => kernel.Target switch
    {
        KernelTarget.Cpu => "for processors",
        KernelTarget.Gpu => "for GPUs",
        _ => "for processors and GPUs",
    };

    private static int RegistersOf(string ptx) => RegisterEstimate.Of(PtxKernel.Parse(ptx)).Count;

    private static string Describe(KernelCounts counts, int registersAtOnce)
    {
        List<string> parts = [$"global loads {counts.GlobalLoads} ({counts.GlobalVectorLoads} of vectors), stores {counts.GlobalStores}"];
        if (counts.SharedBytes > 0)
            parts.Add($"shared loads {counts.SharedLoads} ({counts.SharedVectorLoads} of vectors), stores {counts.SharedStores}");
        if (counts.LocalAccesses > 0) parts.Add($"accesses to local memory {counts.LocalAccesses}");
        parts.Add($"FMAs {counts.MultiplyAdds}, registers declared {counts.DeclaredRegisters} (about {registersAtOnce} at once), shared "
            + $"bytes {counts.SharedBytes}");
        return string.Join(", ", parts);
    }
}
