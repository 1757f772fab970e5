using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Optimizer;

namespace Convolve.Inspection.Tests;

public sealed class KernelCatalogueTests
{
    [Fact]
    public void NamesAreWordsAndUnique()
    {
        Assert.All(KernelCatalogue.All, kernel => Assert.Matches("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", kernel.Name));
        Assert.Equal(KernelCatalogue.All.Count, KernelCatalogue.All.Select(kernel => kernel.Name).Distinct().Count());
    }

    [Fact]
    public void NoKernelStandsTwice()
    {
        var forms = KernelCatalogue.All.SelectMany(kernel => kernel.Forms).ToArray();
        Assert.Equal(forms.Length, forms.Distinct().Count());
    }

    /// <summary>Found by reflection, so that kernels that are not launched yet are included.</summary>
    [Fact]
    public void EveryKernelOfTheEngineIsCatalogued()
    {
        var catalogued = KernelCatalogue.All.SelectMany(kernel => kernel.Forms).Select(form => Definition(KernelForm.Written(form)))
            .ToHashSet();
        var written = KernelStructs().ToArray();
        Assert.Empty(written.Where(kernel => !catalogued.Contains(kernel)).Select(kernel => kernel.Name));
        Assert.Empty(catalogued.Where(kernel => !written.Contains(kernel)).Select(kernel => kernel.Name));
    }

    [Fact]
    public void EveryTextOfAKernelIsForOneKindOfHardware() => Assert.All(KernelCatalogue.All, kernel => Assert.NotEmpty(kernel.Forms));

    [Fact]
    public void HotIsWhatTakesMostOfATrainingStep() =>
        Assert.All(KernelCatalogue.All, kernel => Assert.Equal(IsOfAHotOperation(kernel), kernel.IsHot));

    [Fact]
    public void HotKernelsHaveVectorLoadsOnGpus() =>
        Assert.All(KernelCatalogue.All.Where(kernel => kernel is { IsHot: true, Target: not KernelTarget.Cpu }),
            kernel => Assert.True(kernel.HasVectorLoads, $"{kernel} is hot, but loads its floats one by one"));

    [Theory]
    [MemberData(nameof(Names))]
    public void SourceIsTheWholeStruct(string name)
    {
        var source = KernelSource.Of(KernelCatalogue.Find(name)!);
        Assert.Contains($"[Kernel(\"{name}\"", source.Text);
        Assert.Equal(source.Text.Count(c => c == '{'), source.Text.Count(c => c == '}'));
        Assert.Single(source.Text.Split('\n'), line => line.StartsWith("internal struct ", StringComparison.Ordinal));
        Assert.Contains(" void Run", source.Text);
        Assert.EndsWith("}", source.Text);
    }

    public static TheoryData<string> Names => [.. KernelCatalogue.All.Select(kernel => kernel.Name)];

    private static bool IsOfAHotOperation(CataloguedKernel kernel) => kernel.Operation switch
    {
        "matrix multiply" or "convolution" => kernel.Name is not ("kernel-transpose-squares" or "direct-pack" or "direct-pack-for-input"),
        "pooling" or "optimizer" => true,
        _ => false,
    };

    /// <summary>Structs with one of the kernel interfaces, except the loops and what runs inside another kernel.</summary>
    private static IEnumerable<Type> KernelStructs() =>
        from type in typeof(IKernel).Assembly.GetTypes()
        where type is { IsValueType: true, Namespace: not "Convolve.Engine.Kernels" } && type != typeof(UpdateElements<>)
        where type.GetInterfaces()
            .Any(contract => contract.Namespace == "Convolve.Engine.Kernels" && contract.Name.EndsWith("Kernel", StringComparison.Ordinal))
        select type;

    private static Type Definition(Type type) => type.IsGenericType ? type.GetGenericTypeDefinition() : type;
}
