using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Flatten;
using Convolve.Engine.Tensors;

namespace Convolve.Layers;

/// <summary>Turns an image into one row, in H-W-C order as Keras does: [H,W,C] → [H·W·C].</summary>
public sealed class Flatten : Layer, IDescribedLayer
{
    /// <inheritdoc/>
    public static string KindInFiles => "flatten";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <inheritdoc/>
    public override bool SharesMemory => true;

    static Layer IDescribedLayer.Build(LayerDescription description) => new Flatten { Name = description.Name };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => FlattenOperation.Apply(tape, batch);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) => new(batch);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape) => new(inputShape.Length);
}
