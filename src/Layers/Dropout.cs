using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Layers;

/// <summary>Sets values to zero at random while training: any shape.</summary>
/// <param name="rate">The probability of a zero, at least 0 and below 1.</param>
public sealed class Dropout(float rate) : Layer, IDescribedLayer
{
    private uint place;

    /// <inheritdoc/>
    public static string KindInFiles => "dropout";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <inheritdoc/>
    public override bool KeepsValues => true;

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["rate"] = rate };

    static Layer IDescribedLayer.Build(LayerDescription description) =>
        new Dropout(description.Required<float>("rate")) { Name = description.Name };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) =>
        IsOn(pass) ? DropoutOperation.Apply(tape, batch, rate, Key(pass)) : batch;

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
        new(IsOn(pass) ? DropoutReference.Forward(batch, rate, Key(pass)) : batch);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (!(rate >= 0 && rate < 1)) throw new ArgumentException($"dropout rate {rate} must be at least 0 and below 1");
        // Two dropout layers of one network must not share a mask: each name has a key of its own.
        place = CounterRandom.Key([.. Name.Select(c => (uint)c)]);
        return inputShape;
    }

    private bool IsOn(Pass pass) => pass.Training && rate > 0;

    private uint Key(Pass pass) => CounterRandom.Key(pass.Seed, (uint)pass.Step, (uint)(pass.Step >> 32), place);
}
