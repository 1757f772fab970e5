using System.Reflection;
using Convolve.Engine.Kernels;
using ILGPU;

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
    public void NoClosedMethodStandsTwice()
    {
        var methods = KernelCatalogue.All.SelectMany(kernel => kernel.Methods).ToArray();
        Assert.Equal(methods.Length, methods.Distinct().Count());
    }

    /// <summary>Found by reflection, so that kernels that are not launched yet are included.</summary>
    [Fact]
    public void EveryKernelOfTheEngineIsCatalogued()
    {
        var catalogued = KernelCatalogue.All.SelectMany(kernel => kernel.Methods).Select(Definition).ToHashSet();
        var written = KernelMethods().Select(Definition).ToArray();
        Assert.Empty(written.Where(method => !catalogued.Contains(method)).Select(Describe));
        Assert.Empty(catalogued.Where(method => !written.Contains(method)).Select(Describe));
    }

    [Fact]
    public void HotIsWhatTakesMostOfATrainingStep() =>
        Assert.All(KernelCatalogue.All, kernel => Assert.Equal(IsOfAHotOperation(kernel), kernel.IsHot));

    [Fact]
    public void HotKernelsHaveVectorLoadsOnGpus() =>
        Assert.All(KernelCatalogue.All.Where(kernel => kernel is { IsHot: true, Target: not KernelTarget.Cpu }),
            kernel => Assert.True(kernel.HasVectorLoads, $"{kernel} is hot, but loads its floats one by one"));

    [Theory]
    [MemberData(nameof(Names))]
    public void SourceIsTheWholeMethod(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        var source = KernelSource.Of(kernel);
        Assert.Contains($" {kernel.Methods.First().Name}", source.Text);
        Assert.Equal(source.Text.Count(c => c == '{'), source.Text.Count(c => c == '}'));
        Assert.Single(source.Text.Split('\n'), line => line.Contains("static void ", StringComparison.Ordinal));
        Assert.True(source.Text.EndsWith('}') || source.Text.EndsWith(';'));
    }

    public static TheoryData<string> Names => [.. KernelCatalogue.All.Select(kernel => kernel.Name)];

    private static bool IsOfAHotOperation(CataloguedKernel kernel) => kernel.Operation switch
    {
        "matrix multiply" or "convolution" => kernel.Name is not ("kernel-transpose-squares" or "direct-pack" or "direct-pack-for-input"),
        "pooling" or "optimizer" => true,
        _ => false,
    };

    /// <summary>Static void methods with device memory as arguments; methods inlined into others belong to those.</summary>
    private static IEnumerable<MethodInfo> KernelMethods() =>
        from type in typeof(IKernel).Assembly.GetTypes()
        where type.IsClass
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where method is { IsPrivate: false } && method.ReturnType == typeof(void) && method.GetParameters().Any(parameter => IsDeviceMemory(parameter.ParameterType))
            && !method.GetParameters().Any(parameter => parameter.ParameterType.IsClass)
            && !method.MethodImplementationFlags.HasFlag(MethodImplAttributes.AggressiveInlining)
        select method;

    private static bool IsDeviceMemory(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static MethodInfo Definition(MethodInfo method) => method.IsGenericMethod ? method.GetGenericMethodDefinition() : method;

    private static string Describe(MethodInfo method) => $"{method.DeclaringType!.Name}.{method.Name}";
}
