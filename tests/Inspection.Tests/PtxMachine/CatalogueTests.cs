using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine;

namespace Convolve.Inspection.Tests.PtxMachine;

public sealed class CatalogueTests(KernelCode code) : IClassFixture<KernelCode>
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
}
