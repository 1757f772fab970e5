using System.Text.RegularExpressions;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine;

namespace Convolve.Inspection.Tests.PtxMachine;

public sealed partial class CatalogueTests(KernelCode code) : IClassFixture<KernelCode>
{
    public static TheoryData<string> Names => [.. KernelCatalogue.All.Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryKernelIsUnderstood(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        foreach (var target in new[] { kernel.MinimalArchitecture, CudaTarget.All[^1] })
            Assert.Equal(target.Name, ExecutableKernel.Of(code.Ptx(kernel, target)).Kernel.Target);
    }

    /// <summary>So what runs for one architecture in the tests of the engine has run for all.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void EveryArchitectureGetsTheSameInstructions(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        Assert.Equal(Body(kernel.MinimalArchitecture), Body(CudaTarget.All[^1]));

        // ILGPU numbers names through all that it compiles.
        string Body(CudaTarget target)
        {
            var text = code.Ptx(kernel, target);
            var numbers = new Dictionary<string, int>();
            return NumberedName().Replace(text[text.IndexOf(".entry", StringComparison.Ordinal)..], match =>
            {
                numbers.TryAdd(match.Value, numbers.Count);
                return $"name{numbers[match.Value]}";
            });
        }
    }

    [GeneratedRegex(@"\b(L_|_\w+_)\d+\b")]
    private static partial Regex NumberedName();
}
