using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Flatten;

/// <summary>Makes every image one row; no value moves, because a batch is row-major.</summary>
public static class FlattenOperation
{
    /// <summary>input [N, ...] → [N, product of the rest], sharing the memory.</summary>
    public static Tensor Apply(Tape tape, Tensor input)
    {
        var output = tape.Own(input.Reshape(new Shape(input.Shape[0], input.Shape.Length / input.Shape[0])));
        if (tape.Records(input))
            tape.Record("flatten", output, [], upstream => tape.AddGradient(input, upstream.Reshape(input.Shape)));
        return output;
    }
}
