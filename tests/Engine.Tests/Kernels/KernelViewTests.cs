using System.Reflection;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests.Devices;
using Convolve.Inspection;
using ILGPU;

namespace Convolve.Engine.Tests.Kernels;

/// <summary>Every kernel and every struct among its fields: the check at launch finds every view.</summary>
public sealed class KernelViewTests
{
    /// <summary>Structs of the engine and kernels in their loops, with the number of views in each, nested ones included.</summary>
    public static TheoryData<Type, int> Structs
    {
        get
        {
            var data = new TheoryData<Type, int>();
            foreach (var type in typeof(Device).Assembly.GetTypes())
                if (type is { IsValueType: true, IsEnum: false, ContainsGenericParameters: false, IsByRefLike: false } && Views(type) > 0)
                    data.Add(type, Views(type));
            foreach (var form in KernelCatalogue.All.SelectMany(kernel => kernel.Forms).Where(form => form.IsGenericType))
                data.Add(form, Views(form));
            data.Add(typeof(ArrayView<float>), 1);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Structs))]
    public void EveryViewOfAStructIsChecked(Type type, int views)
    {
        var found = typeof(KernelViews<>).MakeGenericType(type);
        Assert.Equal(views, found.GetField("Count")!.GetValue(null));
        Assert.NotNull(found.GetField("Check")!.GetValue(null));
    }

    [Fact]
    public void OperandsOfConvolutionsAreAmongThem() =>
        Assert.Superset(
            new HashSet<Type>
            {
                typeof(InputPatches), typeof(InputPatchesTransposed), typeof(UpstreamPatches), typeof(LeftMatrix), typeof(LeftTransposed),
                    typeof(RightMatrix),
                typeof(RightTransposed), typeof(WorkQueue), typeof(Values),
            },
            Structs.Select(row => (Type)row[0]).ToHashSet());

    [Fact]
    public void WhatHasNoViewIsNotChecked()
    {
        Assert.Null(KernelViews<int>.Check);
        Assert.Null(KernelViews<float>.Check);
        Assert.Null(KernelViews<ProductSizes>.Check);
        Assert.Null(KernelViews<ConvolutionGeometry>.Check);
    }

    private static int Views(Type type) => type.IsPrimitive || type.IsEnum || !type.IsValueType ? 0
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>) ? 1
        : type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Sum(field => field.FieldType == type ? 0 : Views(field.FieldType));
}

/// <summary>Slices that are not aligned to four floats, as any argument at any nesting depth.</summary>
[Collection(OnOpenClInGpuShape.Name)]
public sealed class SliceAlignmentTests(OpenClDeviceInGpuShape opened) : DeviceTests(opened)
{
    private static readonly ConvolutionGeometry geometry =
        ConvolutionGeometry.Create(new Shape(1, 6, 5, 4), new Shape(3, 3, 4, 8), Padding.Same);

    [SkippableTheory]
    [InlineData(ConvolutionAlgorithm.Naive)]
    [InlineData(ConvolutionAlgorithm.Im2col)]
    [InlineData(ConvolutionAlgorithm.Implicit)]
    public void AConvolutionRefusesThemInEveryPlace(ConvolutionAlgorithm algorithm)
    {
        (Shape Shape, Action<Tensor, Tensor, Tensor> Run)[] passes =
        [
            (geometry.Output, (x, w, y) => ConvolutionOperation.Forward(geometry, x, w, null, y, false, algorithm)),
            (geometry.Output, (dx, w, dy) => ConvolutionOperation.GradInput(geometry, dy, w, dx, false, algorithm)),
            (geometry.Output, (x, dw, dy) => ConvolutionOperation.GradKernel(geometry, dy, x, dw, false, algorithm)),
        ];
        foreach (var (_, run) in passes)
            foreach (var begin in new[] { 0, 4, 1, 2, 3 })
                for (var place = 0; place < 3; place++)
                {
                    using var input = At(geometry.Input, place == 0 ? begin : 0);
                    using var kernel = At(geometry.Kernel, place == 1 ? begin : 0);
                    using var output = At(geometry.Output, place == 2 ? begin : 0);
                    if (begin % 4 == 0) run(input, kernel, output);
                    else
                        Assert.Contains($"begins at float {begin} of its memory; GPUs move four of them at a time, so a slice must begin "
                            + "at a multiple of 4",
                            Assert.Throws<ArgumentException>(() => run(input, kernel, output)).Message);
                }
    }

    [SkippableTheory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void AProductRefusesThemInEveryPlace(bool transposeLeft, bool transposeRight)
    {
        using var tape = new Tape(Device, recording: false);
        foreach (var (left, right) in new[] { (1, 0), (0, 3) })
        {
            using var a = At(new Shape(8, 8), left);
            using var b = At(new Shape(8, 8), right);
            Assert.Contains("multiple of 4",
                Assert.Throws<ArgumentException>(() => MatrixMultiplyOperation.Apply(tape, a, b, transposeLeft, transposeRight)).Message);
        }
    }

    [SkippableFact]
    public void AKernelOfOnesOwnTakesThem()
    {
        using var whole = Upload(new Shape(11), [.. Enumerable.Range(0, 11).Select(i => (float)i)]);
        using var slice = whole.Slice(3, new Shape(5));
        using var target = Prefilled(new Shape(5));
        Device.Launch(5, new Doubling { Source = slice.Values, Target = target.Values });
        Tolerance.Exact.Check("doubled", [6f, 8, 10, 12, 14], target.ToArray());
    }

    private Tensor At(Shape shape, int begin)
    {
        using var memory = Prefilled(new Shape(shape.Length + 4), 1);
        return memory.Slice(begin, shape);
    }
}
