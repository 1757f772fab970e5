using System.Text.RegularExpressions;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Operations.Convolution;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Convolve.Inspection.Tests;

/// <summary>The code that kernels compile to, checked without a GPU.</summary>
public sealed partial class KernelTextTests(KernelCode code) : IClassFixture<KernelCode>
{
    public static TheoryData<string, string> KernelsByArchitecture
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var kernel in KernelCatalogue.All)
                foreach (var target in CudaTarget.All.Where(target => target.Number >= kernel.MinimalArchitecture.Number))
                    data.Add(kernel.Name, target.Name);
            return data;
        }
    }

    public static TheoryData<string> OpenClKernels =>
        [.. KernelCatalogue.All.Where(kernel => !kernel.IsCudaOnly).Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(KernelsByArchitecture))]
    public void PtxIsFitForAGpu(string name, string architecture)
    {
        var kernel = KernelCatalogue.Find(name)!;
        var text = code.Ptx(kernel, CudaTarget.All.Single(target => target.Name == architecture));
        // Profilers show the entry's name.
        Assert.Contains($".entry Kernel_{name.Replace('-', '_')}(", text);
        Assert.Contains($".target {architecture}", text);
        // A function that is in no driver library.
        Assert.DoesNotContain(".extern", text);
        // A load or store whose memory is determined at run time.
        Assert.DoesNotMatch(GenericAccess(), text);
        // Arithmetic at 1/32 or 1/64 of the speed.
        Assert.DoesNotContain(".f64", text);
        if (kernel.Gpu is null) return;
        // Anything not in registers is in global memory.
        Assert.DoesNotContain(".local", text);
        // The catalogue's tests require vector loads in hot kernels; here no kernel may claim them wrongly.
        Assert.Equal(kernel.HasVectorLoads, KernelCounts.OfPtx(text).GlobalVectorLoads > 0);
    }

    /// <summary>A warp's tile takes 2 × 8 instructions per block. Each lane's values are in 6 registers that ILGPU knows and 4 that it does
    /// not.</summary>
    [Fact]
    public void TensorCoreProductsMultiplyOnTensorCores()
    {
        var kernels = KernelCatalogue.All.Where(kernel => kernel.IsCudaOnly).ToArray();
        Assert.Equal(7, kernels.Length);
        Assert.All(kernels, kernel =>
        {
            var text = code.Ptx(kernel, CudaTarget.WithTf32);
            Assert.Equal(16, TensorCoreMultiply().Count(text));
            Assert.Throws<ArgumentException>(() => code.Ptx(kernel, CudaTarget.Oldest));
        });
    }

    [Theory]
    [MemberData(nameof(OpenClKernels))]
    public void OpenClHasNoGenericPointer(string name)
    {
        var text = code.OpenCl(KernelCatalogue.Find(name)!);
        Assert.Contains($"kernel void Kernel_{name.Replace('-', '_')}(", text);
        Assert.DoesNotContain("generic", text);
        Assert.DoesNotMatch(@"\bdouble\b", text);
    }

    /// <summary>
    /// ILGPU writes the int −1 as 4294967295, which is a long in OpenCL C. PoCL's compiler warns about the conversion on the user's
    /// standard error.
    /// </summary>
    [Theory]
    [MemberData(nameof(OpenClKernels))]
    public void OpenClGivesNoCauseForWarnings(string name) =>
        Assert.DoesNotMatch(NegativeConstant(), code.OpenCl(KernelCatalogue.Find(name)!));

    [Theory]
    [InlineData("ld.f32 %f1, [%rd1];", true)]
    [InlineData("st.v4.f32 [%rd1], {%f1, %f2, %f3, %f4};", true)]
    [InlineData("ld.volatile.b32 %r1, [%rd1];", true)]
    [InlineData("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];", false)]
    [InlineData("st.shared.f32 [%rd1], %f1;", false)]
    [InlineData("ld.param.b64 %rd1, [_a];", false)]
    public void GenericAccessIsRecognised(string line, bool generic) => Assert.Equal(generic, GenericAccess().IsMatch(line));

    [Fact]
    public void KernelTextDoesNotDependOnWhatWasCompiledBefore()
    {
        var kernel = KernelCatalogue.Find("convolution-forward-gpu")!;
        using var alone = new KernelCode();
        using var afterOthers = new KernelCode();
        afterOthers.OpenCl(KernelCatalogue.Find("softmax-forward")!);
        afterOthers.OpenCl(KernelCatalogue.Find("matrix-multiply-nt-cpu-8x32")!);
        Assert.Equal(alone.OpenCl(kernel), afterOthers.OpenCl(kernel));
    }

    [Fact]
    public void StableNamesKeepDifferentNamesDifferent() =>
        Assert.Equal("type_1 a; L_2: type_1 b; goto L_2; type_3 L_2; mytype_5 type_4_x",
            KernelCompiler.StableNames("type_9 a; L_3: type_9 b; goto L_3; type_12 L_3; mytype_5 type_3_x"));

    [GeneratedRegex(@"mma\.sync\.aligned\.m16n8k8\.row\.col\.f32\.tf32\.tf32\.f32 \{(sum\d+(, )?){4}\}, "
        + @"\{\s*(%r\d+,? ?){4}\}, \{(%r\d+,? ?){2}\}, \{(sum\d+(, )?){4}\};")]
    private static partial Regex TensorCoreMultiply();

    [GeneratedRegex(@"\b(2147483648|4294967\d{3})\b(?!u)")]
    private static partial Regex NegativeConstant();

    [GeneratedRegex(@"\b(ld|st)(\.(volatile|relaxed|acquire|release|weak|cta|gpu|sys|cluster))*(\.v[24])?\.[bfsu]\d+\b")]
    private static partial Regex GenericAccess();
}
