using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers.Initializers;
using Convolve.Layers.Reference;

namespace Convolve.Layers;

/// <summary>A two-dimensional convolution: [H,W,C] → [OH,OW,filters].</summary>
/// <param name="filters">Output channels.</param>
/// <param name="kernel">Side of the square kernel.</param>
public sealed class Conv2D(int filters, int kernel) : Layer
{
    /// <summary>The step of the kernel.</summary>
    public int Stride { get; init; } = 1;

    /// <summary>The zeros around the image.</summary>
    public Padding Padding { get; init; } = Padding.Valid;

    /// <summary>Whether it adds a bias; batch normalization after it would take it away again.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Applied in the same kernel.</summary>
    public Activation Activation { get; init; }

    /// <summary>λ₁ on the kernel.</summary>
    public float L1 { get; init; }

    /// <summary>λ₂ on the kernel.</summary>
    public float L2 { get; init; }

    /// <summary>Where the kernel's first values come from.</summary>
    public Initializer Initializer { get; init; } = Initializer.GlorotUniform;

    /// <inheritdoc/>
    public override string Kind => "conv2d";

    /// <summary>Every size of the layer for one image.</summary>
    public ConvolutionGeometry Geometry => GeometryFor(InputShape);

    /// <inheritdoc/>
    public override double Flops => Geometry.Flops;

    /// <inheritdoc/>
    public override JsonObject Settings
    {
        get
        {
            var settings = new JsonObject
            {
                ["filters"] = filters,
                ["kernel"] = kernel,
                ["stride"] = Stride,
                ["padding"] = Padding.ToString(),
                ["activation"] = Activation.ToString().ToLowerInvariant(),
            };
            if (!Bias) settings["bias"] = false;
            if (L1 != 0) settings["l1"] = L1;
            if (L2 != 0) settings["l2"] = L2;
            return settings;
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => Forward(tape, batch, pass, Activation == Activation.Relu);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass)
    {
        var sums = ConvolutionReference.Forward(GeometryFor(InputShape, count), batch, parameters[0], Bias ? parameters[1] : null);
        var branches = default(BranchPattern);
        if (Activation == Activation.Relu) branches.Rectify(sums);
        return new ReferenceValues(sums, branches);
    }

    /// <summary>The algorithm that <see cref="ConvolutionAlgorithm.Auto"/> takes on a device.</summary>
    /// <param name="pass">Forward, or one of the gradients.</param>
    /// <param name="count">Images of the batch.</param>
    /// <param name="device">The device.</param>
    public ConvolutionAlgorithm ChosenAlgorithm(ConvolutionPass pass, int count, Device device) =>
        ConvolutionChoice.Model(pass, GeometryFor(InputShape, count), device);

    /// <summary>The sums before the activation, for a layer that applies it itself.</summary>
    internal Tensor ForwardSums(Tape tape, Tensor batch, Pass pass) => Forward(tape, batch, pass, relu: false);

    /// <summary>Whether an algorithm can compute all of this layer's passes on a device.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="device">The device.</param>
    /// <param name="isFirst">Whether nothing before this layer needs a gradient.</param>
    public bool CanUse(ConvolutionAlgorithm algorithm, Device device, bool isFirst) => Enum.GetValues<ConvolutionPass>()
        .Where(pass => !(isFirst && pass == ConvolutionPass.GradInput))
        .All(pass => ConvolutionChoice.IsAvailable(algorithm, pass, Geometry, device));

    /// <summary>The layer and the normalization after it at once, for prediction: the normalization scales kernel and bias instead of the sums.</summary>
    internal Tensor ForwardNormalized(Tape tape, Tensor batch, Pass pass, BatchNormalizationLayer normalization)
    {
        var (folded, offset) = BatchNormalization.Fold(tape, Parameters[0].Value, BiasValue, normalization.Channels);
        var output = Convolution.Apply(tape, batch, folded, offset, Padding, Stride, normalization.Activation == Activation.Relu, pass.Algorithm);
        tape.Release(folded);
        tape.Release(offset);
        return output;
    }

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (filters < 1 || kernel < 1) throw new ArgumentException($"filters {filters} and kernel {kernel} must be at least 1");
        if (inputShape.Rank != 3) throw new ArgumentException($"convolution needs images [H,W,C], not {inputShape}");
        return WithoutBatch(GeometryFor(inputShape).Output);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Parameter> CreateParameters()
    {
        var channels = InputShape[2];
        var area = kernel * kernel;
        var weights = new Parameter($"{Name}/kernel", new Shape(kernel, kernel, channels, filters), Initializer, area * channels, area * filters)
        {
            L1 = L1,
            L2 = L2,
        };
        return Bias ? [weights, new Parameter($"{Name}/bias", new Shape(filters), Initializer.Zeros, filters, filters)] : [weights];
    }

    private Tensor? BiasValue => Bias ? Parameters[1].Value : null;

    private Tensor Forward(Tape tape, Tensor batch, Pass pass, bool relu) =>
        Convolution.Apply(tape, batch, Parameters[0].Value, BiasValue, Padding, Stride, relu, pass.Algorithm);

    private ConvolutionGeometry GeometryFor(Shape image, int count = 1) =>
        ConvolutionGeometry.Create(Images(count, image), new Shape(kernel, kernel, image[2], filters), Padding, Stride);
}
