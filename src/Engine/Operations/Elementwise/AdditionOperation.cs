using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Elementwise;

/// <summary>Sums of tensors of one shape.</summary>
public static class AdditionOperation
{
    /// <summary>left + right, element by element; any shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Apply(Tape tape, Tensor left, Tensor right)
    {
        if (left.Shape != right.Shape) throw new ArgumentException($"addition: shapes {left.Shape} and {right.Shape} differ");
        var output = tape.NewTensor(left.Shape);
        Launch(left, right, output);
        if (tape.Records(left, right))
            tape.Record("addition", output, [], upstream =>
            {
                if (left.RequiresGradient) tape.AddGradient(left, Copy(upstream));
                if (right.RequiresGradient) tape.AddGradient(right, Copy(upstream));
            });
        return output;
    }

    /// <summary>target += term.</summary>
    internal static void AddTo(Tensor target, Tensor term) => Launch(target, term, target);

    /// <summary>A copy.</summary>
    internal static Tensor Copy(Tensor source)
    {
        var copy = Tensor.Uninitialized(source.Device, source.Shape);
        Copy(source, copy);
        return copy;
    }

    /// <summary>target = source.</summary>
    internal static void Copy(Tensor source, Tensor target) =>
        source.Device.Kernels.ForEachElement(source.Shape.Length, new Copy { Source = source.View, Target = target.View });

    private static void Launch(Tensor left, Tensor right, Tensor sum) =>
        sum.Device.Kernels.ForEachElement(sum.Shape.Length, new Add { Left = left.View, Right = right.View, Sum = sum.View });
}
