using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Activation;

/// <summary>Softmax over the last dimension: yᵢ = eˣⁱ / Σⱼ eˣʲ, with the row's largest value subtracted first.</summary>
public static class Softmax
{
    /// <summary>input [rows, columns] → the same shape; every row sums to one.</summary>
    /// <exception cref="ArgumentException">The input is no matrix.</exception>
    public static Tensor Apply(Tape tape, Tensor input)
    {
        if (input.Shape.Rank != 2) throw new ArgumentException($"softmax: input {input.Shape} must be [rows, classes]");
        var (rows, columns) = (input.Shape[0], input.Shape[1]);
        var output = tape.NewTensor(input.Shape);
        output.Device.ForEach(rows, SoftmaxKernels.Forward<SpanPerItem>, SoftmaxKernels.Forward<GridStride>, input.View, output.View, rows, columns);
        if (tape.Records(input))
            tape.Record("softmax", output, [output], upstream =>
            {
                var gradient = tape.GradientOf(input, out var accumulate);
                gradient.Device.ForEach(rows, SoftmaxKernels.GradInput<SpanPerItem>, SoftmaxKernels.GradInput<GridStride>,
                    upstream.View, output.View, gradient.View, rows, columns, accumulate ? 1 : 0);
            });
        return output;
    }
}

internal static class SoftmaxKernels
{
    // x, y [rows, columns]; a thread per row
    public static void Forward<TShape>(ArrayView<float> input, ArrayView<float> output, int rows, int columns) where TShape : struct, IWorkShape
    {
        for (var row = TShape.First; row < TShape.End(rows); row += TShape.Step)
        {
            var at = row * columns;
            var largest = input[at];
            for (var i = 1; i < columns; i++) largest = input[at + i] <= largest ? largest : input[at + i];
            var sum = 0f;
            for (var i = 0; i < columns; i++)
            {
                var e = XMath.Exp(input[at + i] - largest);
                output[at + i] = e;
                sum += e;
            }
            for (var i = 0; i < columns; i++) output[at + i] /= sum;
        }
    }

    // dy, y, dx [rows, columns]
    public static void GradInput<TShape>(
        ArrayView<float> upstream, ArrayView<float> output, ArrayView<float> gradient, int rows, int columns, int accumulate)
        where TShape : struct, IWorkShape
    {
        for (var row = TShape.First; row < TShape.End(rows); row += TShape.Step)
        {
            var at = row * columns;
            var dot = 0f;
            for (var i = 0; i < columns; i++) dot += output[at + i] * upstream[at + i];
            for (var i = 0; i < columns; i++)
            {
                var contribution = output[at + i] * (upstream[at + i] - dot);
                gradient[at + i] = accumulate != 0 ? gradient[at + i] + contribution : contribution;
            }
        }
    }
}
