using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.PtxMachine;

/// <summary>
/// Products and convolutions on tensor cores. Factors that are TF32 numbers from the start are not rounded again, so results are as near to
/// the reference as those in float32.
/// </summary>
[Collection(OnPtxMachine.Name)]
public sealed class TensorCoresOnPtxMachine(PtxMachineDevice device)
{
    private readonly Engine.Devices.Device cores = device.Note<TensorCoresOnPtxMachine>().TensorCores;

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(33, 65, 7)]
    [InlineData(129, 5, 66)]
    [InlineData(4, 132, 36)]
    [InlineData(17, 3, 2100)]
    public void ProductsOfAllFourTranspositions(int rows, int columns, int depth)
    {
        foreach (var (transposeLeft, transposeRight) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            Shape leftShape = transposeLeft ? new(depth, rows) : new(rows, depth), rightShape = transposeRight ? new(columns, depth)
                : new(depth, columns);
            var geometry = MatrixMultiplyGeometry.Create(leftShape, rightShape, transposeLeft, transposeRight);
            var (left, right) = (Values(1, rows * depth), Values(2, depth * columns));
            using var a = Tensor.FromValues(cores, leftShape, left);
            using var b = Tensor.FromValues(cores, rightShape, right);
            using var output = Tensor.Filled(cores, geometry.Output, 2);
            MatrixMultiplyOperation.Launch(geometry, a, b, output, accumulate: true);
            var expected = MatrixMultiplyReference.Forward(geometry, RandomCases.InDouble(left), RandomCases.InDouble(right));
            Tolerance.OfSum(depth).Check($"TF32 product {geometry} added to 2", Array.ConvertAll(expected, v => v + 2), output.ToArray());
        }
    }

    [Theory]
    [InlineData(2, 9, 7, 3, 33, 3)]
    [InlineData(1, 5, 6, 32, 5, 3)]
    [InlineData(3, 4, 4, 7, 4, 2)]
    public void ConvolutionsForwardAndBackward(int batch, int height, int width, int channels, int filters, int kernelSize)
    {
        var g = ConvolutionGeometry.Create(new Shape(batch, height, width, channels), new Shape(kernelSize, kernelSize, channels, filters),
            Padding.Same, 1);
        var (x, w, u) = (Values(1, g.Input.Length), Values(2, g.Kernel.Length), Values(3, g.Output.Length));
        using var input = Tensor.FromValues(cores, g.Input, x);
        using var kernel = Tensor.FromValues(cores, g.Kernel, w);
        using var upstream = Tensor.FromValues(cores, g.Output, u);
        using var output = Tensor.Filled(cores, g.Output, float.NaN);
        using var gradInput = Tensor.Filled(cores, g.Input, float.NaN);
        using var gradKernel = Tensor.Filled(cores, g.Kernel, float.NaN);
        ConvolutionOperation.Forward(g, input, kernel, null, output, relu: false, ConvolutionAlgorithm.Implicit);
        ConvolutionOperation.GradInput(g, upstream, kernel, gradInput, accumulate: false, ConvolutionAlgorithm.Implicit);
        ConvolutionOperation.GradKernel(g, upstream, input, gradKernel, accumulate: false, ConvolutionAlgorithm.Implicit);
        var (xs, ws, us) = (RandomCases.InDouble(x), RandomCases.InDouble(w), RandomCases.InDouble(u));
        Tolerance.OfSum(g.PatchLength).Check("TF32 convolution", ConvolutionReference.Forward(g, xs, ws, null), output.ToArray());
        Tolerance.OfSum(kernelSize * kernelSize * filters)
            .Check("TF32 input gradient", ConvolutionReference.GradInput(g, us, ws), gradInput.ToArray());
        Tolerance.OfSum(g.OutputPixels).Check("TF32 kernel gradient", ConvolutionReference.GradKernel(g, us, xs), gradKernel.ToArray());
    }

    private static float[] Values(int stream, int count) => Array.ConvertAll(RandomCases.Values(5, stream, count), Tf32Fragment.Round);
}
