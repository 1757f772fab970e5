using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Addition;

/// <summary>The sum of two tensors of one shape.</summary>
public static class AdditionOperation
{
    /// <summary>left + right, element by element; any shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Apply(Tape tape, Tensor left, Tensor right)
    {
        if (left.Shape != right.Shape) throw new ArgumentException($"addition: shapes {left.Shape} and {right.Shape} differ");
        var output = tape.NewTensor(left.Shape);
        var add = new AddTensors { Left = left.View, Right = right.View, Sum = output.View };
        output.Device.Kernels.ForEachElement(output.Shape.Length, add);
        if (tape.Records(left, right))
            tape.Record("addition", output, [], upstream =>
            {
                if (left.RequiresGradient) tape.AddGradient(left, upstream.Copy());
                if (right.RequiresGradient) tape.AddGradient(right, upstream.Copy());
            });
        return output;
    }
}
