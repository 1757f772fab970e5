using Convolve.Engine.Operations.Loss;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;

namespace Convolve.Layers.Reference;

/// <summary>
/// The reference implementation of a network (<see cref="Layer.Reference"/>): its weights, in plain loops and double precision, layer by
/// layer with nothing fused. Inputs of all layers are kept, so that after a change to a parameter only the layers from there on are
/// computed.
/// </summary>
public sealed class ReferenceNetwork
{
    private readonly Sequential network;
    private readonly Pass pass;
    private readonly int count;
    private readonly int[] classes;
    private readonly double[][][] parameters;
    private readonly double[][] inputs;
    private readonly BranchPattern[] branches;

    /// <summary>Reads the weights and computes the loss of a batch.</summary>
    /// <param name="network">The network, on a device.</param>
    /// <param name="batch">[N, …input], row-major.</param>
    /// <param name="classes">The actual class of each image: N.</param>
    /// <param name="pass">The pass of the device to compare with, so that dropout draws the same mask.</param>
    /// <exception cref="NotSupportedException">A layer has no reference implementation.</exception>
    public ReferenceNetwork(Sequential network, double[] batch, int[] classes, Pass pass)
    {
        (this.network, this.classes, this.pass) = (network, classes, pass);
        count = classes.Length;
        parameters = [.. network.Layers.Select(layer => layer.Parameters.Select(InDouble).ToArray())];
        inputs = new double[network.Layers.Count][];
        branches = new BranchPattern[network.Layers.Count];
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = batch;
            (batch, branches[i]) = Run(i, batch);
        }
        Logits = batch;
        Loss = LossOf(batch);
    }

    /// <summary>The last layer's output, [N, outputs].</summary>
    public double[] Logits { get; }

    /// <summary>The mean cross-entropy, penalties not included.</summary>
    public double Loss { get; }

    /// <summary>The values of a layer's parameter, not to be changed.</summary>
    public IReadOnlyList<double> Values(int layer, int parameter) => parameters[layer][parameter];

    /// <summary>The loss with one weight changed; null if the change crosses a kink of a ReLU or max pooling.</summary>
    /// <param name="layer">The layer's index in the network.</param>
    /// <param name="parameter">The parameter's index in the layer.</param>
    /// <param name="element">The weight's index in the parameter.</param>
    /// <param name="change">Added to it.</param>
    public double? LossWith(int layer, int parameter, int element, double change)
    {
        var weights = parameters[layer][parameter];
        var weight = weights[element];
        weights[element] = weight + change;
        try
        {
            var values = inputs[layer];
            for (var i = layer; i < inputs.Length; i++)
            {
                (values, var taken) = Run(i, values);
                if (taken != branches[i]) return null;
            }
            return LossOf(values);
        }
        finally
        {
            weights[element] = weight;
        }
    }

    private ReferenceValues Run(int layer, double[] values) => network.Layers[layer].Reference(values, count, parameters[layer], pass);

    private double LossOf(double[] logits) => logits.Length == count
        ? LossReference.BinaryCrossEntropy(logits, Array.ConvertAll(classes, c => (double)c))
        : LossReference.SoftmaxCrossEntropy(logits, classes, logits.Length / count);

    private static double[] InDouble(Parameter parameter) => Array.ConvertAll(parameter.Value.ToArray(), value => (double)value);
}
