using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Tensors;
using Convolve.Layers.Initializers;
using Convolve.Layers.Reference;

namespace Convolve.Layers;

/// <summary>
/// Batch normalization of the last dimension: any shape. While training by the mean and variance of the batch, in prediction by the
/// running ones, which training collects and checkpoints hold. A frozen layer predicts while others train, as in Keras.
/// </summary>
/// <remarks>
/// Running statistics keep nine tenths a step: after some fifty steps they have forgotten the untrained network. In prediction a
/// convolution without an activation before this layer takes it in, so that it costs nothing: see <see cref="Networks.Sequential"/>.
/// </remarks>
public sealed class BatchNormalizationLayer : Layer
{
    /// <summary>The share of the running statistics that a step keeps.</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>ε, which is added to a variance before its root is taken.</summary>
    public float Epsilon { get; init; } = 1e-3f;

    /// <summary>Applied in the same kernel.</summary>
    public Activation Activation { get; init; }

    /// <inheritdoc/>
    public override string Kind => "batch_normalization";

    /// <inheritdoc/>
    public override double Flops => 2.0 * InputShape.Length;

    /// <inheritdoc/>
    public override JsonObject Settings => new()
    {
        ["momentum"] = Momentum,
        ["epsilon"] = Epsilon,
        ["activation"] = Activation.ToString().ToLowerInvariant(),
    };

    /// <summary>What the operation is given.</summary>
    internal NormalizedChannels Channels =>
        new(Parameters[0].Value, Parameters[1].Value, Parameters[2].Value, Parameters[3].Value, Epsilon);

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => UsesBatch(pass)
        ? BatchNormalization.OfBatch(tape, batch, Channels, Momentum, Activation == Activation.Relu)
        : BatchNormalization.OfRunning(tape, batch, Channels, Activation == Activation.Relu);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var geometry = BatchNormalizationGeometry.Create(Images(count, InputShape), Parameters[0].Shape);
        var (mean, variance) = UsesBatch(pass) ? BatchNormalizationReference.Moments(geometry, batch) : (parameters[2], parameters[3]);
        var values = BatchNormalizationReference.Forward(geometry, batch, parameters[0], parameters[1], mean, variance, Epsilon, relu: false);
        var branches = default(BranchPattern);
        if (Activation == Activation.Relu) branches.Rectify(values);
        return new ReferenceValues(values, branches);
    }

    /// <summary>Whether a pass goes by the mean and variance of its own batch.</summary>
    private bool UsesBatch(Pass pass) => pass.Training && Trainable;

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (!(Momentum is >= 0 and <= 1)) throw new ArgumentException($"momentum {Momentum} of the running statistics must be from 0 to 1");
        if (!(Epsilon > 0)) throw new ArgumentException($"epsilon {Epsilon} of batch normalization must be above 0");
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
}
