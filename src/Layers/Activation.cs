using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Tensors;

namespace Convolve.Layers;

/// <summary>An activation as a layer of its own, where the layer before it cannot apply it: any shape.</summary>
/// <param name="function">ReLU, sigmoid or softmax.</param>
public sealed class Activation(ActivationFunction function) : Layer, IDescribedLayer
{
    /// <inheritdoc/>
    public static string KindInFiles => "activation";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <inheritdoc/>
    public override JsonObject Settings => new() { ["function"] = function.NameInFiles() };

    static Layer IDescribedLayer.Build(LayerDescription description) =>
        new Activation(description.Function("function")) { Name = description.Name };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => function switch
    {
        ActivationFunction.Relu => ActivationOperation.Relu(tape, batch),
        ActivationFunction.Sigmoid => ActivationOperation.Sigmoid(tape, batch),
        _ => SoftmaxOperation.Apply(tape, batch),
    };

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) => function switch
    {
        ActivationFunction.Relu => ReferenceValues.Of((double[])batch.Clone(), relu: true),
        ActivationFunction.Sigmoid => new ReferenceValues(Array.ConvertAll(batch, ActivationReference.Sigmoid)),
        _ => new ReferenceValues(ActivationReference.Softmax(batch, InputShape[^1])),
    };

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (function is ActivationFunction.Linear)
            throw new ArgumentException("an activation layer applies relu, sigmoid or softmax, not linear");
        return inputShape;
    }
}
