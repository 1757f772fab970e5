using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers;

/// <summary>
/// Batch normalization of the last dimension: any shape. In training it uses the mean and variance of the batch, in prediction the running
/// ones, which training collects and checkpoints contain. A frozen layer predicts while others train, as in Keras.
/// </summary>
/// <remarks>
/// A step keeps nine tenths of the running statistics: after some fifty steps they no longer depend on the untrained network. In prediction
/// a convolution without an activation before this layer absorbs it, so that it costs nothing: see <see cref="Networks.Sequential"/>.
/// </remarks>
public sealed class BatchNormalization : Layer, IDescribedLayer
{
    /// <summary>The fraction of the running statistics that a step keeps.</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>ε, added to a variance before its root is taken.</summary>
    public float Epsilon { get; init; } = 1e-3f;

    /// <summary>Linear or ReLU, applied in the same kernel.</summary>
    public ActivationFunction Activation { get; init; }

    /// <inheritdoc/>
    public static string KindInFiles => "batch_normalization";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <inheritdoc/>
    public override double Flops => 2.0 * InputShape.Length;

    /// <inheritdoc/>
    public override bool HasRelu => IsFusedRelu(Activation);

    /// <inheritdoc/>
    public override JsonObject Settings =>
        new() { ["momentum"] = Momentum, ["epsilon"] = Epsilon, ["activation"] = Activation.NameInFiles() };

    static Layer IDescribedLayer.Build(LayerDescription description) => new BatchNormalization
    {
        Name = description.Name,
        Momentum = description.Required<float>("momentum"),
        Epsilon = description.Required<float>("epsilon"),
        Activation = description.Function("activation"),
    };

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => UsesBatch(pass)
        ? BatchNormalizationOperation.OfBatch(tape, batch, Channels, Momentum, HasRelu)
        : BatchNormalizationOperation.OfRunning(tape, batch, Channels, HasRelu);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var geometry = BatchNormalizationGeometry.Create(Images(count, InputShape), Parameters[0].Shape);
        var (mean, variance) = UsesBatch(pass) ? BatchNormalizationReference.Moments(geometry, batch) : (parameters[2], parameters[3]);
        return ReferenceValues.Of(
            BatchNormalizationReference.Forward(geometry, batch, parameters[0], parameters[1], mean, variance, Epsilon, relu: false),
            HasRelu);
    }

    /// <summary>Scale [C] and shift [C].</summary>
    internal override (float[] Kernel, float[] Bias)? PredictionWeights(Layer? folded)
    {
        using var ones = Tensor.Filled(Parameters[0].Value.Device, new Shape(1, OutputShape[^1]), 1);
        return Folded(ones, null);
    }

    /// <summary>
    /// A kernel [… ,C] and bias [C] or none, so scaled and shifted that their sums come out normalized by the running statistics.
    /// </summary>
    internal (Tensor Kernel, Tensor Bias) Fold(Tape tape, Tensor kernel, Tensor? bias) =>
        BatchNormalizationOperation.Fold(tape, kernel, bias, Channels);

    /// <summary>The values of <see cref="Fold"/>.</summary>
    internal (float[] Kernel, float[] Bias) Folded(Tensor kernel, Tensor? bias)
    {
        using var tape = new Tape(kernel.Device, recording: false);
        var (folded, offset) = Fold(tape, kernel, bias);
        return (folded.ToArray(), offset.ToArray());
    }

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (!(Momentum is >= 0 and <= 1)) throw new ArgumentException($"momentum {Momentum} of the running statistics must be from 0 to 1");
        if (!(Epsilon > 0)) throw new ArgumentException($"epsilon {Epsilon} of batch normalization must be above 0");
        _ = IsFusedRelu(Activation);
        return inputShape;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Parameter> CreateParameters()
    {
        var channels = InputShape[^1];
        return
        [
            Of("scale", Initializer.Ones), Of("shift", Initializer.Zeros),
            Of("running_mean", Initializer.Zeros, isStatistic: true), Of("running_variance", Initializer.Ones, isStatistic: true),
        ];

        Parameter Of(string name, Initializer initializer, bool isStatistic = false) =>
            new($"{Name}/{name}", new Shape(channels), initializer, channels, channels) { IsStatistic = isStatistic };
    }

    private NormalizedChannels Channels => new(Parameters[0].Value, Parameters[1].Value, Parameters[2].Value, Parameters[3].Value, Epsilon);

    /// <summary>Whether a pass uses the mean and variance of its own batch.</summary>
    private bool UsesBatch(Pass pass) => pass.Training && Trainable;
}
