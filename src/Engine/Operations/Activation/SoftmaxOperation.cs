using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Activation;

/// <summary>Softmax over the last dimension: yᵢ = eˣⁱ / Σⱼ eˣʲ, with the row's largest value subtracted first.</summary>
public static class SoftmaxOperation
{
    /// <summary>input [rows, columns] → the same shape; every row sums to one.</summary>
    /// <exception cref="ArgumentException">The input is not a matrix.</exception>
    public static Tensor Apply(Tape tape, Tensor input)
    {
        if (input.Shape.Rank != 2) throw new ArgumentException($"softmax: input {input.Shape} must be [rows, classes]");
        var (rows, columns) = (input.Shape[0], input.Shape[1]);
        var output = tape.NewTensor(input.Shape);
        output.Device.Kernels.ForEach(rows, new SoftmaxForward { Input = input.View, Output = output.View, Columns = columns });
        if (tape.Records(input))
            tape.Record("softmax", output, [output], upstream =>
            {
                var gradient = tape.GradientOf(input, out var accumulate);
                gradient.Device.Kernels.ForEach(rows, new SoftmaxGradInput
                {
                    Upstream = upstream.View,
                    Output = output.View,
                    Gradient = gradient.View,
                    Columns = columns,
                    Accumulate = accumulate ? 1 : 0,
                });
            });
        return output;
    }
}
