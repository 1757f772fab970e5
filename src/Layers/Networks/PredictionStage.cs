using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Networks;

/// <summary>
/// One step of a prediction as it is computed: a layer, or a convolution that has taken in the batch normalization after it.
/// </summary>
public sealed class PredictionStage
{
    private readonly int first;

    internal PredictionStage(Layer layer, BatchNormalizationLayer? normalization, int first)
    {
        Layer = layer;
        Normalization = normalization;
        this.first = first;
    }

    /// <summary>The layer, whose input is the stage's.</summary>
    public Layer Layer { get; }

    /// <summary>The normalization that is part of it; null where there is none.</summary>
    public BatchNormalizationLayer? Normalization { get; }

    /// <summary>The layer after the stage, counted from 0 in the network.</summary>
    public int End => first + (Normalization is null ? 1 : 2);

    /// <summary>The name of the layer that the stage ends with.</summary>
    public string Name => Last.Name;

    /// <summary>What goes out for one image.</summary>
    public Shape OutputShape => Last.OutputShape;

    /// <summary>Whether values below zero become zero at the end.</summary>
    public bool Relu => Last is Conv2D { Activation: Activation.Relu } or Dense { Activation: Activation.Relu }
        or BatchNormalizationLayer { Activation: Activation.Relu };

    /// <summary>Whether the values that go out are those that come in, in the same order.</summary>
    public bool KeepsValues => Layer is Flatten or Dropout;

    private Layer Last => Normalization ?? Layer;

    /// <summary>
    /// The weights that a prediction multiplies with and the numbers it adds, with what normalization makes of them: kernel
    /// [KH,KW,C,K] and bias [K] of a convolution, [in,out] and [out] of a dense layer, [C] and [C] of a normalization alone; null for stages
    /// without weights.
    /// </summary>
    public (float[] Kernel, float[] Bias)? Weights()
    {
        if (Normalization is not null) return Folded(Layer.Parameters[0].Value, Layer.Parameters.Count > 1 ? Layer.Parameters[1].Value : null, Normalization);
        switch (Layer)
        {
            case Conv2D or Dense:
                var kernel = Layer.Parameters[0].Value.ToArray();
                return (kernel, Layer.Parameters.Count > 1 ? Layer.Parameters[1].Value.ToArray() : new float[OutputShape[^1]]);
            case BatchNormalizationLayer alone:
                using (var ones = Tensor.Filled(alone.Parameters[0].Value.Device, new Shape(1, alone.OutputShape[^1]), 1)) return Folded(ones, null, alone);
            default:
                return null;
        }
    }

    /// <summary>Runs the stage on a batch.</summary>
    internal Tensor Forward(Tape tape, Tensor batch, Pass pass) => Normalization is null
        ? Layer.Forward(tape, batch, pass)
        : ((Conv2D)Layer).ForwardNormalized(tape, batch, pass, Normalization);

    private static (float[], float[]) Folded(Tensor kernel, Tensor? bias, BatchNormalizationLayer normalization)
    {
        using var tape = new Tape(kernel.Device, recording: false);
        var (folded, offset) = BatchNormalization.Fold(tape, kernel, bias, normalization.Channels);
        return (folded.ToArray(), offset.ToArray());
    }
}
