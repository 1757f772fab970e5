using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Layers.Initializers;
using Convolve.Layers.Reference;

namespace Convolve.Layers;

/// <summary>A fully connected layer: [in] → [units].</summary>
/// <param name="units">Outputs.</param>
public sealed class Dense(int units) : Layer
{
    /// <summary>Applied in the same kernel.</summary>
    public Activation Activation { get; init; }

    /// <summary>Where the weights' first values come from.</summary>
    public Initializer Initializer { get; init; } = Initializer.GlorotUniform;

    /// <inheritdoc/>
    public override string Kind => "dense";

    /// <inheritdoc/>
    public override double Flops => 2.0 * InputShape[0] * units;

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["units"] = units, ["activation"] = Activation.ToString().ToLowerInvariant() };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) =>
        Engine.Operations.MatrixMultiply.Dense.Apply(tape, batch, Parameters[0].Value, Parameters[1].Value, Activation == Activation.Relu);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var rows = Images(count, InputShape);
        var sums = MatrixMultiplyReference.Forward(MatrixMultiplyGeometry.Create(rows, Parameters[0].Shape), batch, parameters[0]);
        for (var i = 0; i < sums.Length; i++) sums[i] += parameters[1][i % units];
        var branches = default(BranchPattern);
        if (Activation == Activation.Relu) branches.Rectify(sums);
        return new ReferenceValues(sums, branches);
    }

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (units < 1) throw new ArgumentException($"units {units} must be at least 1");
        if (inputShape.Rank != 1) throw new ArgumentException($"dense needs rows [in], not {inputShape}: put a flatten layer before it");
        return new Shape(units);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Parameter> CreateParameters() =>
    [
        new Parameter($"{Name}/kernel", new Shape(InputShape[0], units), Initializer, InputShape[0], units),
        new Parameter($"{Name}/bias", new Shape(units), Initializer.Zeros, units, units),
    ];
}
