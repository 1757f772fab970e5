using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random product: its sizes, which factors are stored transposed, and the seed of its values.</summary>
public sealed record ProductCase(int Rows, int Columns, int Depth, bool TransposeLeft, bool TransposeRight, int Seed)
{
    public Shape Left => TransposeLeft ? new(Depth, Rows) : new(Rows, Depth);

    public Shape Right => TransposeRight ? new(Columns, Depth) : new(Depth, Columns);

    public MatrixMultiplyGeometry Geometry => MatrixMultiplyGeometry.Create(Left, Right, TransposeLeft, TransposeRight);

    public float[] LeftValues => RandomCases.Values(Seed, 1, Rows * Depth);

    public float[] RightValues => RandomCases.Values(Seed, 2, Depth * Columns);

    public float[] Upstream => RandomCases.Values(Seed, 3, Rows * Columns);

    public float[] Bias => RandomCases.Values(Seed, 4, Columns);

    public double[] Expected =>
        MatrixMultiplyReference.Forward(Geometry, RandomCases.InDouble(LeftValues), RandomCases.InDouble(RightValues));

    public static Gen<ProductCase> Generator(int largestWork) =>
        from rows in RandomCases.AwkwardSize(136)
        from columns in RandomCases.AwkwardSize(136)
        from depth in RandomCases.AwkwardDepth(1025)
        from transposeLeft in RandomCases.Coin
        from transposeRight in RandomCases.Coin
        from seed in RandomCases.Seed
        where (long)rows * columns * depth <= largestWork
        select new ProductCase(rows, columns, depth, transposeLeft, transposeRight, seed);

    /// <summary>Few outputs with long sums: the depth is split, and a second kernel adds the parts.</summary>
    public static Gen<ProductCase> SplitGenerator(int largestWork) =>
        from rows in Gen.Choose(1, 33)
        from columns in Gen.Choose(1, 33)
        from depth in Gen.Elements(1025, 2047, 2048, 2049, 4097, 10_000, 30_001)
        from transposeLeft in RandomCases.Coin
        from transposeRight in RandomCases.Coin
        from seed in RandomCases.Seed
        where (long)rows * columns * depth <= largestWork
        select new ProductCase(rows, columns, depth, transposeLeft, transposeRight, seed);
}

public abstract class MatrixMultiplyTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void ProductIsTheSumOfItsDefinition() => ForAll(ProductCase.Generator(LargestWork), 80, CheckProduct);

    [SkippableFact]
    public void SplitProductIsTheSumOfItsDefinition() => ForAll(ProductCase.SplitGenerator(LargestWork), 40, CheckProduct);

    [SkippableFact]
    public void TilesForWiderVectorsAgreeToo()
    {
        var lanes = Device.VectorLanes;
        try
        {
            Device.VectorLanes = lanes >= 16 ? 8 : 16;
            ForAll(ProductCase.Generator(LargestWork), 20, CheckProduct);
        }
        finally
        {
            Device.VectorLanes = lanes;
        }
    }

    [SkippableFact]
    public void EpilogueAddsBiasAndWhatIsThereAndClips() =>
        ForAll(Gen.OneOf(ProductCase.Generator(LargestWork), ProductCase.SplitGenerator(LargestWork)), 40, c =>
        {
            using var left = Upload(c.Left, c.LeftValues);
            using var right = Upload(c.Right, c.RightValues);
            using var bias = Upload(new Shape(c.Columns), c.Bias);
            using var clipped = Prefilled(c.Geometry.Output);
            using var added = Prefilled(c.Geometry.Output, 3);
            MatrixMultiplyOperation.Launch(c.Geometry, left, right, clipped, bias: bias, relu: true);
            MatrixMultiplyOperation.Launch(c.Geometry, left, right, added, accumulate: true, bias: bias);
            var expected = c.Expected.Select((v, i) => v + c.Bias[i % c.Columns]).ToArray();
            Tolerance.OfSum(c.Depth).Check("product with bias and ReLU", Array.ConvertAll(expected, v => Math.Max(0, v)),
                clipped.ToArray());
            Tolerance.OfSum(c.Depth).Check("product with bias added to 3", Array.ConvertAll(expected, v => v + 3), added.ToArray());
        });

    [SkippableFact]
    public void TapeGivesTheGradientsOfAllFourTranspositions() =>
        ForAll(ProductCase.Generator(LargestWork), 40, c =>
        {
            using var left = Leaf(c.Left, c.LeftValues);
            using var right = Leaf(c.Right, c.RightValues);
            using var upstream = Upload(c.Geometry.Output, c.Upstream);
            using var tape = new Tape(Device);
            var output = MatrixMultiplyOperation.Apply(tape, left, right, c.TransposeLeft, c.TransposeRight);
            tape.Backward(output, upstream);
            var (expectedLeft, expectedRight) = Gradients(c, RandomCases.InDouble(c.Upstream));
            Tolerance.OfSum(c.Columns).Check("gradient of the left factor", expectedLeft, left.Gradient!.ToArray());
            Tolerance.OfSum(c.Rows).Check("gradient of the right factor", expectedRight, right.Gradient!.ToArray());
        });

    [SkippableFact]
    public void DenseIsAProductWithBiasAndItsGradientsFollow() =>
        ForAll(ProductCase.Generator(LargestWork), 40, sizes =>
        {
            var c = sizes with { TransposeLeft = false, TransposeRight = false };
            using var input = Leaf(c.Left, c.LeftValues);
            using var weights = Leaf(c.Right, c.RightValues);
            using var bias = Leaf(new Shape(c.Columns), c.Bias);
            using var upstream = Upload(c.Geometry.Output, c.Upstream);
            using var tape = new Tape(Device);
            var output = DenseOperation.Apply(tape, input, weights, bias, relu: c.Seed % 2 == 0);
            var y = output.ToArray();
            tape.Backward(output, upstream);
            var expected = c.Expected.Select((v, i) => v + c.Bias[i % c.Columns]).ToArray();
            var masked = RandomCases.InDouble(c.Upstream);
            if (c.Seed % 2 == 0)
            {
                expected = Array.ConvertAll(expected, v => Math.Max(0, v));
                for (var i = 0; i < masked.Length; i++) masked[i] = y[i] > 0 ? masked[i] : 0;
            }
            Tolerance.OfSum(c.Depth).Check("dense", expected, y);
            var (expectedInput, expectedWeights) = Gradients(c, masked);
            Tolerance.OfSum(c.Columns).Check("dense, input gradient", expectedInput, input.Gradient!.ToArray());
            Tolerance.OfSum(c.Rows).Check("dense, weight gradient", expectedWeights, weights.Gradient!.ToArray());
            var expectedBias = new double[c.Columns];
            for (var i = 0; i < masked.Length; i++) expectedBias[i % c.Columns] += masked[i];
            Tolerance.OfSum(c.Rows).Check("dense, bias gradient", expectedBias, bias.Gradient!.ToArray());
        });

    [SkippableTheory]
    [InlineData(1, 33)]
    [InlineData(63, 33)]
    [InlineData(64, 33)]
    [InlineData(1000, 33)]
    [InlineData(1001, 33)]
    [InlineData(1100, 4)]
    [InlineData(2100, 32)]
    [InlineData(1300, 36)]
    [InlineData(70, 260)]
    public void BiasGradientSharesRowsOutCompletely(int rows, int columns)
    {
        using var input = Upload(new Shape(rows, 1), RandomCases.Values(rows, 1, rows));
        using var weights = Upload(new Shape(1, columns), RandomCases.Values(rows, 2, columns));
        using var bias = Leaf(new Shape(columns), RandomCases.Values(rows, 3, columns));
        var values = RandomCases.Values(rows, 4, rows * columns);
        using var upstream = Upload(new Shape(rows, columns), values);
        using var tape = new Tape(Device);
        tape.Backward(DenseOperation.Apply(tape, input, weights, bias), upstream);
        Tolerance.OfSum(rows).Check("bias gradient", BiasReference.GradBias(RandomCases.InDouble(values), columns),
            bias.Gradient!.ToArray());
    }

    /// <summary>dL/dA[i,k] = Σⱼ u[i,j]·B[k,j] and dL/dB[k,j] = Σᵢ A[i,k]·u[i,j], in the order in which A and B are stored.</summary>
    private static (double[] Left, double[] Right) Gradients(ProductCase c, double[] upstream)
    {
        var (left, right) = (c.LeftValues, c.RightValues);
        var (gradLeft, gradRight) = (new double[left.Length], new double[right.Length]);
        for (var i = 0; i < c.Rows; i++)
            for (var j = 0; j < c.Columns; j++)
                for (var k = 0; k < c.Depth; k++)
                {
                    var a = c.TransposeLeft ? k * c.Rows + i : i * c.Depth + k;
                    var b = c.TransposeRight ? j * c.Depth + k : k * c.Columns + j;
                    gradLeft[a] += upstream[i * c.Columns + j] * right[b];
                    gradRight[b] += upstream[i * c.Columns + j] * left[a];
                }
        return (gradLeft, gradRight);
    }

    private void CheckProduct(ProductCase c)
    {
        using var left = Upload(c.Left, c.LeftValues);
        using var right = Upload(c.Right, c.RightValues);
        using var overwritten = Prefilled(c.Geometry.Output);
        using var added = Prefilled(c.Geometry.Output, 2);
        MatrixMultiplyOperation.Launch(c.Geometry, left, right, overwritten);
        MatrixMultiplyOperation.Launch(c.Geometry, left, right, added, accumulate: true);
        Tolerance.OfSum(c.Depth).Check("matrix multiply", c.Expected, overwritten.ToArray());
        Tolerance.OfSum(c.Depth).Check("matrix multiply added to 2", Array.ConvertAll(c.Expected, v => v + 2), added.ToArray());
    }
}

[Collection(OnOpenCl.Name)]
public sealed class MatrixMultiplyOnOpenCl(OpenClDevice device) : MatrixMultiplyTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class MatrixMultiplyOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : MatrixMultiplyTests(device);

[Collection(OnIlgpu.Name)]
public sealed class MatrixMultiplyOnIlgpu(IlgpuDevice device) : MatrixMultiplyTests(device);
