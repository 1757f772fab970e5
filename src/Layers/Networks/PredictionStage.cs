using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Networks;

/// <summary>One step of a prediction: a layer, or a convolution into which the batch normalization after it is folded.</summary>
public sealed class PredictionStage
{
    private readonly int first;
    private readonly Layer? folded;
    private readonly ForwardPass forward;

    internal PredictionStage(IReadOnlyList<Layer> layers, int first)
    {
        this.first = first;
        Layer = layers[first];
        forward = Layer.Forward;
        if (first + 1 == layers.Count || Layer.FoldedWith(layers[first + 1]) is not { } both) return;
        folded = layers[first + 1];
        forward = both;
    }

    /// <summary>The layer, whose input is the stage's.</summary>
    public Layer Layer { get; }

    /// <summary>Whether the next layer is folded into this one.</summary>
    public bool IsFolded => folded is not null;

    /// <summary>The layer after the stage, counted from 0 in the network.</summary>
    public int End => first + (IsFolded ? 2 : 1);

    /// <summary>The name of the stage's last layer.</summary>
    public string Name => Last.Name;

    /// <summary>The output's shape for one image.</summary>
    public Shape OutputShape => Last.OutputShape;

    /// <summary>Whether the stage ends with a ReLU.</summary>
    public bool Relu => Last.HasRelu;

    /// <summary>Whether the output has the values of the input, in the same order.</summary>
    public bool KeepsValues => Layer.KeepsValues;

    private Layer Last => folded ?? Layer;

    /// <summary>
    /// The weights that a prediction multiplies by and the numbers that it adds, folded normalization included: kernel [KH,KW,C,K] and bias
    /// [K] of a convolution, [in,out] and [out] of a dense layer, [C] and [C] of a normalization on its own; null for stages without
    /// weights.
    /// </summary>
    public (float[] Kernel, float[] Bias)? Weights() => Layer.PredictionWeights(folded);

    /// <summary>Runs the stage on a batch.</summary>
    internal Tensor Forward(Tape tape, Tensor batch, Pass pass)
    {
        using var span = tape.Device.Trace?.Layer(Layer.Name);
        return forward(tape, batch, pass);
    }
}
