using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Operations.Penalty;
using Convolve.Engine.Operations.Pooling;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Tests.Devices;

/// <summary>The code that kernels compile to, read on a machine that has neither device.</summary>
public sealed class KernelTextTests
{
    private static readonly Dictionary<string, Delegate> products = new()
    {
        ["matrix · matrix"] = GpuBlockProduct.Product<LeftMatrix, RightMatrix>,
        ["matrix · transposed"] = GpuBlockProduct.Product<LeftMatrix, RightTransposed>,
        ["transposed · matrix"] = GpuBlockProduct.Product<LeftTransposed, RightMatrix>,
        ["transposed · transposed"] = GpuBlockProduct.Product<LeftTransposed, RightTransposed>,
        ["convolution, forward"] = GpuBlockProduct.Product<InputPatches, RightMatrix>,
        ["convolution, input gradient"] = GpuBlockProduct.Product<UpstreamPatches, RightMatrix>,
        ["convolution, kernel gradient"] = GpuBlockProduct.Product<InputPatchesTransposed, RightMatrix>,
    };

    private static readonly Dictionary<string, Delegate> others = new()
    {
        ["bias gradient"] = BiasKernels.MaskAndSumColumn,
        ["split sum"] = SplitSum.Add<GridStride>,
        ["max pooling"] = MaxPoolingKernels.Forward<PixelThreads>,
        ["max pooling gradient"] = MaxPoolingKernels.GradInput<PixelThreads>,
        ["max pooling gradient, windows apart"] = MaxPoolingKernels.GradInputApart<PixelThreads>,
        ["average pooling"] = AveragePoolingKernels.Forward<PixelThreads>,
        ["relu gradient"] = ActivationKernels.GradInput<GridStride, Relu>,
        ["sigmoid"] = ActivationKernels.Forward<GridStride, Sigmoid>,
        ["softmax"] = SoftmaxKernels.Forward<GridStride>,
        ["binary cross-entropy"] = LossKernels.BinaryCrossEntropy<GridStride>,
        ["softmax cross-entropy"] = LossKernels.SoftmaxCrossEntropy<GridStride>,
        ["dropout"] = DropoutKernels.Mask<GridStride>,
        ["penalty"] = PenaltyKernels.SumPiece,
        ["rmsprop"] = UpdateKernels.RmsProp<PiecePerGroup>,
        ["adam"] = UpdateKernels.Adam<PiecePerGroup>,
        ["kernel transpose"] = KernelTranspose.Swap<GridStride>,
        ["naive convolution"] = NaiveConvolution.Forward<GridStride>,
    };

    public static TheoryData<string, int> ProductsByArchitecture => Combine(products.Keys);

    public static TheoryData<string, int> OthersByArchitecture => Combine(others.Keys);

    [Theory]
    [MemberData(nameof(ProductsByArchitecture))]
    public void ProductsKeepTheirSumsInRegisters(string name, int architecture)
    {
        var text = Ptx(products[name], architecture);
        Assert.DoesNotContain(".local", text);
        CheckPtx(text);
        // 8×8 sums per thread and step, written out.
        Assert.True(text.Split("mul.f32").Length + text.Split("fma.rn.f32").Length > 64, "the 64 products of a step are missing");
        Assert.Contains("ld.shared.v4", text);
    }

    [Theory]
    [MemberData(nameof(OthersByArchitecture))]
    public void KernelsCompileForCuda(string name, int architecture) => CheckPtx(Ptx(others[name], architecture));

    [Fact]
    public void KernelTextDoesNotDependOnWhatWasCompiledBefore()
    {
        Delegate kernel = GpuBlockProduct.Product<InputPatches, RightMatrix>;
        var alone = OpenCl(kernel);
        var afterOthers = OpenCl(SoftmaxKernels.Forward<SpanPerItem>, CpuBlockProduct.Product<LeftMatrix, RightTransposed, Tile6x32>, kernel);
        // Without stable names the two differ: else this test would prove nothing.
        Assert.NotEqual(alone, afterOthers);
        Assert.Equal(KernelCompiler.StableNames(alone), KernelCompiler.StableNames(afterOthers));
    }

    [Fact]
    public void StableNamesKeepDifferentNamesDifferent() =>
        Assert.Equal("type_1 a; L_2: type_1 b; goto L_2; type_3 L_2; mytype_5 type_4_x",
            KernelCompiler.StableNames("type_9 a; L_3: type_9 b; goto L_3; type_12 L_3; mytype_5 type_3_x"));

    private static void CheckPtx(string text)
    {
        Assert.Contains(".entry", text);
        // A function that no library of the driver has, and arithmetic that runs at 1/64 of the speed.
        Assert.DoesNotContain(".extern .func", text);
        Assert.DoesNotContain(".f64", text);
    }

    private static string Ptx(Delegate kernel, int architecture)
    {
        using var context = NewContext();
        var target = new CudaArchitecture(architecture / 10, architecture % 10);
        using var backend = new PTXBackend(context, new CudaCapabilityContext(target), target, CudaInstructionSet.ISA_80, null!);
        return ((PTXCompiledKernel)Compile(backend, kernel)).PTXAssembly;
    }

    /// <summary>The OpenCL source of the last kernel, with the ones before it compiled in the same context.</summary>
    private static string OpenCl(params Delegate[] kernels)
    {
        using var context = NewContext();
        using var backend = new CLBackend(context, new CLCapabilityContext(false, false, true, true, true), CLDeviceVendor.Other, CLCVersion.CL12);
        return kernels.Select(k => ((CLCompiledKernel)Compile(backend, k)).Source).Last();
    }

    private static CompiledKernel Compile(Backend backend, Delegate kernel) =>
        backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method), KernelSpecialization.Empty);

    private static Context NewContext() => Context.Create(builder => builder
        .CPU(new CPUDevice(2, 1, 1)).EnableAlgorithms().Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive));

    private static TheoryData<string, int> Combine(IEnumerable<string> names)
    {
        var data = new TheoryData<string, int>();
        foreach (var name in names)
        {
            data.Add(name, 75);
            data.Add(name, 90);
        }
        return data;
    }
}
