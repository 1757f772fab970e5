using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.MatrixMultiply;

/// <summary>A fully connected layer's arithmetic: y = x·W + b, with optional ReLU fused into the product's epilogue.</summary>
public static class DenseOperation
{
    /// <summary>input [N, in] · weights [in, out] + bias [out] → [N, out].</summary>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static Tensor Apply(Tape tape, Tensor input, Tensor weights, Tensor bias, bool relu = false)
    {
        if (input.Shape.Rank != 2 || weights.Shape.Rank != 2 || input.Shape[1] != weights.Shape[0])
            throw new ArgumentException($"dense: input {input.Shape} does not fit weights {weights.Shape} [in, out]");
        if (bias.Shape != new Shape(weights.Shape[1]))
            throw new ArgumentException($"dense: bias {bias.Shape} does not fit weights {weights.Shape}");
        var output = tape.NewTensor(new Shape(input.Shape[0], weights.Shape[1]));
        MatrixMultiplyOperation.Launch(MatrixMultiplyGeometry.Create(input.Shape, weights.Shape), input, weights, output, bias: bias,
            relu: relu);
        if (tape.Records(input, weights, bias))
            tape.Record("dense", output, relu ? [input, weights, output] : [input, weights], upstream =>
            {
                BiasGradientOperation.Apply(tape, upstream, relu ? output : null, bias);
                if (weights.RequiresGradient)
                {
                    var gradient = tape.GradientOf(weights, out var accumulate);
                    MatrixMultiplyOperation.Launch(
                        MatrixMultiplyGeometry.Create(input.Shape, upstream.Shape, transposeLeft: true), input, upstream, gradient,
                        accumulate);
                }
                if (input.RequiresGradient)
                {
                    var gradient = tape.GradientOf(input, out var accumulate);
                    MatrixMultiplyOperation.Launch(
                        MatrixMultiplyGeometry.Create(upstream.Shape, weights.Shape, transposeRight: true), upstream, weights, gradient,
                        accumulate);
                }
            });
        return output;
    }
}
