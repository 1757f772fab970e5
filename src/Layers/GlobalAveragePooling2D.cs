using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Layers;

/// <summary>The mean of each channel over all positions: [H,W,C] → [C].</summary>
public sealed class GlobalAveragePooling2D : Layer, IDescribedLayer
{
    /// <inheritdoc/>
    public static string KindInFiles => "global_average_pool";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    static Layer IDescribedLayer.Build(LayerDescription description) => new GlobalAveragePooling2D { Name = description.Name };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => AveragePoolingOperation.ApplyGlobal(tape, batch);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
        new(PoolingReference.Average(PoolingGeometry.Create(Images(count, InputShape), InputShape[0], InputShape[1], 1), batch));

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (inputShape.Rank != 3) throw new ArgumentException($"global average pooling needs images [H,W,C], not {inputShape}");
        return new Shape(inputShape[2]);
    }
}
