using System.CommandLine;
using Convolve.Engine.Devices;
using Convolve.Inspection;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

internal sealed class KernelsShowCommand : Command
{
    // Zero or more, so that this command says itself what is missing or too much.
    private readonly Argument<string[]> names = new("NAME") { Description = "a kernel that `kernels list` names", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<KernelLanguage?> target = CheckedOption.Choice<KernelLanguage>("--target", "print one text alone (all three, under titles)");
    private readonly Option<string?> architecture = CheckedOption.OneOf("--arch", "architecture of the PTX (sm_80)",
        [.. CudaTarget.All.Select(candidate => candidate.Name)]);

    public KernelsShowCommand(Terminal terminal) : base("show", "a kernel as it is written, and the OpenCL and PTX made of it; needs no GPU")
    {
        Add(names);
        Add(target);
        Add(architecture);
        SetAction((result, cancellation) => KernelShow.RunAsync(Read(result), terminal, cancellation));
    }

    /// <exception cref="UserError">There is no such kernel, or it does not exist in the language or for the architecture asked for.</exception>
    private KernelShowSettings Read(ParseResult result)
    {
        string[] given = result.GetValue(names) ?? [];
        // The parser takes an unknown option for one more name.
        if (given.FirstOrDefault(name => name.StartsWith("--", StringComparison.Ordinal)) is { } option)
            throw new UserError(Suggestion.UnknownOption(option, this));
        if (given.Length == 0) throw new UserError("kernels show: which kernel? give the name of one; kernels list has them all");
        if (given.Length > 1) throw new UserError($"kernels show: {given.Length} names; give one");
        CataloguedKernel kernel = KernelCatalogue.Find(given[0])
            ?? throw new UserError(Suggestion.UnknownName(given[0], "kernel", KernelCatalogue.All.Select(known => known.Name), "kernels list has them all"));
        KernelLanguage? language = result.GetValue(target);
        if (language == KernelLanguage.OpenCl && kernel.IsCudaOnly)
            throw new UserError($"--target opencl: {kernel} is made of instructions that only CUDA has; give --target ptx");
        string? asked = result.GetValue(architecture);
        if (asked is not null && language is KernelLanguage.CSharp or KernelLanguage.OpenCl)
            throw new UserError($"--arch {asked}: only PTX has an architecture; leave it out, or give --target ptx");
        CudaTarget needed = kernel.MinimalArchitecture, chosen = CudaTarget.All.Single(candidate => candidate.Name == (asked ?? CudaTarget.WithTf32.Name));
        if (chosen.Number < needed.Number) throw new UserError($"--arch {asked}: {kernel} needs {needed} or newer");
        return new KernelShowSettings(kernel, language, chosen);
    }
}
