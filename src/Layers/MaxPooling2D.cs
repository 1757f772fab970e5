using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Layers;

/// <summary>Max pooling over square windows: [H,W,C] → [OH,OW,C].</summary>
/// <param name="window">Side of a window.</param>
public sealed class MaxPooling2D(int window = 2) : Layer, IDescribedLayer
{
    /// <summary>Pixels from one window to the next; a window's side by default.</summary>
    public int? Stride { get; init; }

    /// <summary>Every size of the layer for one image.</summary>
    public PoolingGeometry Geometry => GeometryFor(OneImage(InputShape));

    /// <inheritdoc/>
    public static string KindInFiles => "max_pool2d";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["window"] = window, ["stride"] = Step };

    static Layer IDescribedLayer.Build(LayerDescription description) =>
        new MaxPooling2D(description.Required<int>("window")) { Name = description.Name, Stride = description.Required<int>("stride") };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => MaxPoolingOperation.Apply(tape, batch, window, window, Step);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var winners = PoolingReference.Winners(GeometryFor(Images(count, InputShape)), batch);
        var branches = default(BranchPattern);
        foreach (var winner in winners) branches.Take(winner);
        return new ReferenceValues(Array.ConvertAll(winners, i => batch[i]), branches);
    }

    /// <summary>The larger of 0 and a maximum is the maximum of what is larger than 0.</summary>
    internal override ForwardPass? AfterRelu => (tape, batch, _) =>
        MaxPoolingOperation.Apply(tape, batch, window, window, Step, relu: true);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (inputShape.Rank != 3) throw new ArgumentException($"max pooling needs images [H,W,C], not {inputShape}");
        return WithoutBatch(GeometryFor(OneImage(inputShape)).Output);
    }

    private int Step => Stride ?? window;

    private PoolingGeometry GeometryFor(Shape images) => PoolingGeometry.Create(images, window, window, Step);
}
