using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;
using Convolve.Layers.Reference;

namespace Convolve.Layers;

/// <summary>Max pooling over square windows: [H,W,C] → [OH,OW,C].</summary>
/// <param name="window">Side of a window.</param>
public sealed class MaxPool2D(int window = 2) : Layer
{
    /// <summary>The step of the window; its side by default.</summary>
    public int? Stride { get; init; }

    /// <summary>Every size of the layer for one image.</summary>
    public PoolingGeometry Geometry => GeometryFor(InputShape);

    private int Step => Stride ?? window;

    /// <inheritdoc/>
    public override string Kind => "max_pool2d";

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["window"] = window, ["stride"] = Step };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => MaxPooling.Apply(tape, batch, window, window, Step);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var winners = PoolingReference.Winners(PoolingGeometry.Create(Images(count, InputShape), window, window, Step), batch);
        var branches = default(BranchPattern);
        foreach (var winner in winners) branches.Take(winner);
        return new ReferenceValues(Array.ConvertAll(winners, i => batch[i]), branches);
    }

    /// <summary>The layer after a ReLU that the layer before left to it.</summary>
    internal Tensor ForwardWithRelu(Tape tape, Tensor sums) => MaxPooling.Apply(tape, sums, window, window, Step, relu: true);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (inputShape.Rank != 3) throw new ArgumentException($"max pooling needs images [H,W,C], not {inputShape}");
        return WithoutBatch(GeometryFor(inputShape).Output);
    }

    private PoolingGeometry GeometryFor(Shape image) => PoolingGeometry.Create(OneImage(image), window, window, Step);
}

/// <summary>The mean of each channel over all positions: [H,W,C] → [C].</summary>
public sealed class GlobalAveragePool : Layer
{
    /// <inheritdoc/>
    public override string Kind => "global_average_pool";

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => AveragePooling.ApplyGlobal(tape, batch);

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
