using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Operations.Flatten;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Layers.Reference;

namespace Convolve.Layers;

/// <summary>Turns an image into one row, in H-W-C order as Keras does: [H,W,C] → [H·W·C].</summary>
public sealed class Flatten : Layer
{
    /// <inheritdoc/>
    public override string Kind => "flatten";

    /// <inheritdoc/>
    public override bool SharesMemory => true;

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => Flattening.Apply(tape, batch);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) => new(batch);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape) => new(inputShape.Length);
}

/// <summary>Zeroes values at random while training: any shape.</summary>
/// <param name="rate">The probability of a zero, at least 0 and below 1.</param>
public sealed class Dropout(float rate) : Layer
{
    private uint place;

    /// <inheritdoc/>
    public override string Kind => "dropout";

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["rate"] = rate };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) =>
        pass.Training && rate > 0
            ? Dropping.Apply(tape, batch, rate, Key(pass))
            : batch;

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
        new(pass.Training && rate > 0 ? DropoutReference.Forward(batch, rate, Key(pass)) : batch);

    private uint Key(Pass pass) => CounterRandom.Key(pass.Seed, (uint)pass.Step, (uint)(pass.Step >> 32), place);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (!(rate >= 0 && rate < 1)) throw new ArgumentException($"dropout rate {rate} must be at least 0 and below 1");
        // Two dropout layers of one network must not share a mask: each name has a key of its own.
        place = CounterRandom.Key([.. Name.Select(c => (uint)c)]);
        return inputShape;
    }
}

/// <summary>An activation as a layer of its own, where the layer before it cannot apply it: any shape.</summary>
/// <param name="function">relu, sigmoid or softmax.</param>
public sealed class ActivationLayer(string function) : Layer
{
    /// <inheritdoc/>
    public override string Kind => "activation";

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["function"] = function };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => function switch
    {
        "relu" => Activations.Relu(tape, batch),
        "sigmoid" => Activations.Sigmoid(tape, batch),
        _ => Softmax.Apply(tape, batch),
    };

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        if (function == "sigmoid") return new ReferenceValues(Array.ConvertAll(batch, ActivationReference.Sigmoid));
        if (function == "softmax") return new ReferenceValues(ActivationReference.Softmax(batch, InputShape[^1]));
        var branches = default(BranchPattern);
        var values = (double[])batch.Clone();
        branches.Rectify(values);
        return new ReferenceValues(values, branches);
    }

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (function is not ("relu" or "sigmoid" or "softmax"))
            throw new ArgumentException($"unknown activation \"{function}\": relu, sigmoid and softmax are known");
        return inputShape;
    }
}
