using Convolve.Engine.Kernels;

namespace Convolve.Pneumonia.Actions;

/// <summary>A language in which a kernel can be read.</summary>
public enum KernelLanguage { CSharp, OpenCl, Ptx }

/// <summary>What <c>kernels show</c> was asked for.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Language">The only text to print, without a title; null for all of them.</param>
/// <param name="Architecture">The architecture of the PTX.</param>
public sealed record KernelShowSettings(CataloguedKernel Kernel, KernelLanguage? Language, CudaTarget Architecture);

/// <summary>Prints a kernel as it is written and as what it compiles to; needs no device.</summary>
public static class KernelShow
{
    public static Task<int> RunAsync(KernelShowSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        CataloguedKernel kernel = settings.Kernel;
        using var code = new KernelCode();
        TextWriter output = terminal.Results;
        switch (settings.Language)
        {
            case KernelLanguage.CSharp:
                output.WriteLine(KernelSource.Of(kernel).Text);
                break;
            case KernelLanguage.OpenCl:
                output.WriteLine(code.OpenCl(kernel).TrimEnd());
                break;
            case KernelLanguage.Ptx:
                output.WriteLine(code.Ptx(kernel, settings.Architecture).TrimEnd());
                break;
            default:
                WriteAll(settings, code, output);
                break;
        }
        return Task.FromResult(0);
    }

    private static void WriteAll(KernelShowSettings settings, KernelCode code, TextWriter output)
    {
        CataloguedKernel kernel = settings.Kernel;
        SourceText source = KernelSource.Of(kernel);
        output.WriteLine($"{kernel.Name}: {kernel.Operation}, {Hardware(kernel)}, {kernel.MinimalArchitecture} or newer{(kernel.IsHot ? ", hot" : "")}");
        Title(output, $"C#: {source.File}, line {source.Line}");
        output.WriteLine(source.Text);
        if (kernel.IsCudaOnly)
        {
            Title(output, "OpenCL: none, for this kernel is made of instructions that only CUDA has");
        }
        else
        {
            string openCl = code.OpenCl(kernel);
            OpenClCounts counts = OpenClCounts.Of(openCl);
            Title(output, $"OpenCL: {kernel.OpenClForm}; loads {counts.Loads}, stores {counts.Stores}, FMAs {counts.MultiplyAdds}");
            output.WriteLine(openCl.TrimEnd());
        }
        string ptx = code.Ptx(kernel, settings.Architecture);
        Title(output, $"PTX for {settings.Architecture}: {kernel.PtxForm}; {Describe(KernelCounts.OfPtx(ptx), RegisterPressure.Of(ptx))}");
        output.WriteLine(ptx.TrimEnd());
    }

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

    private static string Describe(KernelCounts counts, int registersAtOnce)
    {
        List<string> parts = [$"global loads {counts.GlobalLoads} ({counts.GlobalVectorLoads} of vectors), stores {counts.GlobalStores}"];
        if (counts.SharedBytes > 0) parts.Add($"shared loads {counts.SharedLoads} ({counts.SharedVectorLoads} of vectors), stores {counts.SharedStores}");
        if (counts.LocalAccesses > 0) parts.Add($"accesses to local memory {counts.LocalAccesses}");
        parts.Add($"FMAs {counts.MultiplyAdds}, registers declared {counts.DeclaredRegisters} (about {registersAtOnce} at once), shared bytes {counts.SharedBytes}");
        return string.Join(", ", parts);
    }
}
