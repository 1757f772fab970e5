using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers;

/// <summary>A fully connected layer: [in] → [units].</summary>
/// <param name="units">Outputs.</param>
public sealed class Dense(int units) : Layer, IDescribedLayer
{
    /// <summary>Linear or ReLU, applied in the same kernel.</summary>
    public ActivationFunction Activation { get; init; }

    /// <summary>Draws the weights' first values.</summary>
    public Initializer Initializer { get; init; } = Initializer.GlorotUniform;

    /// <inheritdoc/>
    public static string KindInFiles => "dense";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <inheritdoc/>
    public override double Flops => 2.0 * InputShape[0] * units;

    /// <inheritdoc/>
    public override bool HasRelu => IsFusedRelu(Activation);

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["units"] = units, ["activation"] = Activation.NameInFiles() };

    static Layer IDescribedLayer.Build(LayerDescription description) =>
        new Dense(description.Required<int>("units")) { Name = description.Name, Activation = description.Function("activation") };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) =>
        DenseOperation.Apply(tape, batch, Parameters[0].Value, Parameters[1].Value, HasRelu);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var geometry = MatrixMultiplyGeometry.Create(Images(count, InputShape), Parameters[0].Shape);
        var sums = MatrixMultiplyReference.Forward(geometry, batch, parameters[0]);
        for (var i = 0; i < sums.Length; i++) sums[i] += parameters[1][i % units];
        return ReferenceValues.Of(sums, HasRelu);
    }

    /// <summary>Kernel [in,out] and bias [out].</summary>
    internal override (float[] Kernel, float[] Bias)? PredictionWeights(Layer? folded) =>
        (Parameters[0].Value.ToArray(), Parameters[1].Value.ToArray());

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (units < 1) throw new ArgumentException($"units {units} must be at least 1");
        if (inputShape.Rank != 1) throw new ArgumentException($"dense needs rows [in], not {inputShape}: put a flatten layer before it");
        _ = IsFusedRelu(Activation);
        return new Shape(units);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Parameter> CreateParameters() =>
    [
        new Parameter($"{Name}/kernel", new Shape(InputShape[0], units), Initializer, InputShape[0], units),
        new Parameter($"{Name}/bias", new Shape(units), Initializer.Zeros, units, units),
    ];
}
