using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.MatrixMultiply;

/// <summary>The matrix product, with either factor optionally transposed.</summary>
public static class MatrixMultiplyOperation
{
    /// <summary>op(left) [rows, depth] · op(right) [depth, columns] → [rows, columns].</summary>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static Tensor Apply(Tape tape, Tensor left, Tensor right, bool transposeLeft = false, bool transposeRight = false)
    {
        var geometry = MatrixMultiplyGeometry.Create(left.Shape, right.Shape, transposeLeft, transposeRight);
        var output = tape.NewTensor(geometry.Output);
        Launch(geometry, left, right, output);
        if (tape.Records(left, right))
            tape.Record("matrix multiply", output, [left, right], upstream =>
            {
                // C = A·B gives dA = dC·Bᵀ and dB = Aᵀ·dC; a factor that was transposed gets the transpose of that.
                if (left.RequiresGradient)
                {
                    var gradient = tape.GradientOf(left, out var accumulate);
                    if (transposeLeft) Launch(right, upstream, gradient, transposeRight, true, accumulate);
                    else Launch(upstream, right, gradient, false, !transposeRight, accumulate);
                }
                if (right.RequiresGradient)
                {
                    var gradient = tape.GradientOf(right, out var accumulate);
                    if (transposeRight) Launch(upstream, left, gradient, true, transposeLeft, accumulate);
                    else Launch(left, upstream, gradient, !transposeLeft, false, accumulate);
                }
            });
        return output;
    }

    private static void Launch(Tensor left, Tensor right, Tensor output, bool transposeLeft, bool transposeRight, bool accumulate) =>
        Launch(MatrixMultiplyGeometry.Create(left.Shape, right.Shape, transposeLeft, transposeRight), left, right, output, accumulate);

    /// <summary>Launches one product into an existing tensor.</summary>
    internal static void Launch(
        MatrixMultiplyGeometry geometry, Tensor left, Tensor right, Tensor output, bool accumulate = false, Tensor? bias = null,
        bool relu = false)
    {
        var (rows, columns, depth, transposeLeft, transposeRight) = geometry;
        var device = output.Device;
        var epilogue = Epilogue.Of(accumulate, bias is not null, relu);
        var biasView = bias is null ? default : bias.View;
        switch (transposeLeft, transposeRight)
        {
            case (false, false):
                ProductLauncher.Launch(device, new LeftMatrix(left.View, depth), new RightMatrix(right.View, columns),
                    rows, columns, depth, output.View, epilogue, biasView);
                break;
            case (false, true):
                ProductLauncher.Launch(device, new LeftMatrix(left.View, depth), new RightTransposed(right.View, depth),
                    rows, columns, depth, output.View, epilogue, biasView);
                break;
            case (true, false):
                ProductLauncher.Launch(device, new LeftTransposed(left.View, rows), new RightMatrix(right.View, columns),
                    rows, columns, depth, output.View, epilogue, biasView);
                break;
            case (true, true):
                ProductLauncher.Launch(device, new LeftTransposed(left.View, rows), new RightTransposed(right.View, depth),
                    rows, columns, depth, output.View, epilogue, biasView);
                break;
        }
    }
}
