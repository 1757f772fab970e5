using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Elementwise;

/// <summary>Sums of tensors of one shape.</summary>
public static class Addition
{
    /// <summary>left + right, element by element; any shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Apply(Tape tape, Tensor left, Tensor right)
    {
        if (left.Shape != right.Shape) throw new ArgumentException($"addition: shapes {left.Shape} and {right.Shape} differ");
        var output = tape.NewTensor(left.Shape);
        output.Device.ForEach(output.Shape.Length, AdditionKernels.Add<SpanPerItem>, AdditionKernels.Add<GridStride>,
            left.View, right.View, output.View);
        if (tape.Records(left, right))
            tape.Record("addition", output, [], upstream =>
            {
                if (left.RequiresGradient) tape.AddGradient(left, Copy(upstream));
                if (right.RequiresGradient) tape.AddGradient(right, Copy(upstream));
            });
        return output;
    }

    /// <summary>target += term.</summary>
    internal static void AddTo(Tensor target, Tensor term) =>
        target.Device.ForEach(target.Shape.Length, AdditionKernels.Add<SpanPerItem>, AdditionKernels.Add<GridStride>,
            target.View, term.View, target.View);

    /// <summary>The same values in memory of their own.</summary>
    internal static Tensor Copy(Tensor source)
    {
        var copy = Tensor.Uninitialized(source.Device, source.Shape);
        Copy(source, copy);
        return copy;
    }

    /// <summary>target = source.</summary>
    internal static void Copy(Tensor source, Tensor target) =>
        source.Device.ForEach(source.Shape.Length, AdditionKernels.Copy<SpanPerItem>, AdditionKernels.Copy<GridStride>, source.View, target.View);
}

internal static class AdditionKernels
{
    public static void Add<TShape>(ArrayView<float> left, ArrayView<float> right, ArrayView<float> sum) where TShape : struct, IWorkShape
    {
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(sum.IntLength / 4); i += TShape.Step)
                Float4.Store(sum, i * 4, Float4.Load(left, i * 4) + Float4.Load(right, i * 4));
        for (var i = TShape.Rest(sum.IntLength); i < TShape.End(sum.IntLength); i += TShape.Step) sum[i] = left[i] + right[i];
    }

    public static void Copy<TShape>(ArrayView<float> source, ArrayView<float> target) where TShape : struct, IWorkShape
    {
        if (TShape.InFours)
            for (var i = TShape.First; i < TShape.End(target.IntLength / 4); i += TShape.Step)
                Float4.Store(target, i * 4, Float4.Load(source, i * 4));
        for (var i = TShape.Rest(target.IntLength); i < TShape.End(target.IntLength); i += TShape.Step) target[i] = source[i];
    }
}
