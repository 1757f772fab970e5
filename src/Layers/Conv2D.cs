using System.Globalization;
using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers;

/// <summary>A two-dimensional convolution: [H,W,C] → [OH,OW,filters].</summary>
/// <param name="filters">Output channels.</param>
/// <param name="kernel">Side of the square kernel.</param>
public sealed class Conv2D(int filters, int kernel) : Layer, IDescribedLayer
{
    /// <summary>Pixels from one position of the kernel to the next, in both directions.</summary>
    public int Stride { get; init; } = 1;

    /// <summary>The zeros around the image.</summary>
    public Padding Padding { get; init; } = Padding.Valid;

    /// <summary>Whether it adds a bias. A batch normalization after it makes one pointless.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Linear or ReLU, applied in the same kernel.</summary>
    public ActivationFunction Activation { get; init; }

    /// <summary>λ₁ on the kernel.</summary>
    public float L1 { get; init; }

    /// <summary>λ₂ on the kernel.</summary>
    public float L2 { get; init; }

    /// <summary>Draws the kernel's first values.</summary>
    public Initializer Initializer { get; init; } = Initializer.GlorotUniform;

    /// <inheritdoc/>
    public static string KindInFiles => "conv2d";

    /// <inheritdoc/>
    public override string Kind => KindInFiles;

    /// <summary>Every size of the layer for one image.</summary>
    public ConvolutionGeometry Geometry => GeometryFor(InputShape);

    /// <inheritdoc/>
    public override double Flops => Geometry.Flops;

    /// <inheritdoc/>
    public override bool HasRelu => IsFusedRelu(Activation);

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
                ["activation"] = Activation.NameInFiles(),
            };
            if (!Bias) settings["bias"] = false;
            if (L1 != 0) settings["l1"] = L1;
            if (L2 != 0) settings["l2"] = L2;
            return settings;
        }
    }

    static Layer IDescribedLayer.Build(LayerDescription description)
    {
        var kernel = description.Required<int>("kernel");
        return new Conv2D(description.Required<int>("filters"), kernel)
        {
            Name = description.Name,
            Stride = description.Required<int>("stride"),
            Padding = description.Required<string>("padding") switch
            {
                "valid" => Padding.Valid,
                "same" => Padding.Same,
                // Beyond its own size a kernel would see nothing but zeros.
                var amount => int.Parse(amount, CultureInfo.InvariantCulture) is var zeros && zeros < kernel
                    ? Padding.Of(zeros)
                    : throw new FormatException($"layer {description.Name} has a padding of {zeros}, as wide as its kernel or wider"),
            },
            Bias = description.Optional("bias", true),
            Activation = description.Function("activation"),
            L1 = description.Optional("l1", 0f),
            L2 = description.Optional("l2", 0f),
        };
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tape tape, Tensor batch, Pass pass) => Forward(tape, batch, pass, HasRelu);

    /// <inheritdoc/>
    public override ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
        ReferenceValues.Of(
        ConvolutionReference.Forward(GeometryFor(InputShape, count), batch, parameters[0], Bias ? parameters[1] : null), HasRelu);

    /// <summary>The algorithm that <see cref="ConvolutionAlgorithm.Auto"/> chooses on a device.</summary>
    /// <param name="pass">Forward, or one of the gradients.</param>
    /// <param name="count">Images of the batch.</param>
    /// <param name="device">The device.</param>
    public ConvolutionAlgorithm ChosenAlgorithm(ConvolutionPass pass, int count, Device device) =>
        ConvolutionChoice.Model(pass, GeometryFor(InputShape, count), device);

    /// <summary>Whether an algorithm can compute all of this layer's passes on a device.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="device">The device.</param>
    /// <param name="isFirst">Whether nothing before this layer needs a gradient.</param>
    public bool CanUse(ConvolutionAlgorithm algorithm, Device device, bool isFirst) => Enum.GetValues<ConvolutionPass>()
        .Where(pass => !(isFirst && pass == ConvolutionPass.GradInput))
        .All(pass => ConvolutionChoice.IsAvailable(algorithm, pass, Geometry, device));

    /// <inheritdoc/>
    internal override ForwardPass? WithoutRelu => HasRelu ? (tape, batch, pass) => Forward(tape, batch, pass, relu: false) : null;

    /// <summary>A batch normalization scales kernel and bias instead of the sums.</summary>
    internal override ForwardPass? FoldedWith(Layer next) =>
        next is not BatchNormalization normalization || HasRelu ? null : (tape, batch, pass) =>
    {
        var (folded, offset) = normalization.Fold(tape, Parameters[0].Value, BiasValue);
        var output = ConvolutionOperation.Apply(tape, batch, folded, offset, Padding, Stride, normalization.HasRelu, pass.Algorithm);
        tape.Release(folded);
        tape.Release(offset);
        return output;
    };

    /// <summary>Kernel [KH,KW,C,K] and bias [K].</summary>
    internal override (float[] Kernel, float[] Bias)? PredictionWeights(Layer? folded) => folded is BatchNormalization normalization
        ? normalization.Folded(Parameters[0].Value, BiasValue)
        : (Parameters[0].Value.ToArray(), BiasValue?.ToArray() ?? new float[filters]);

    /// <inheritdoc/>
    protected override Shape OutputFor(Shape inputShape)
    {
        if (filters < 1 || kernel < 1) throw new ArgumentException($"filters {filters} and kernel {kernel} must be at least 1");
        if (inputShape.Rank != 3) throw new ArgumentException($"convolution needs images [H,W,C], not {inputShape}");
        _ = IsFusedRelu(Activation);
        return WithoutBatch(GeometryFor(inputShape).Output);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Parameter> CreateParameters()
    {
        var channels = InputShape[2];
        var area = kernel * kernel;
        var weights = new Parameter($"{Name}/kernel", new Shape(kernel, kernel, channels, filters), Initializer, area * channels,
            area * filters)
        {
            L1 = L1,
            L2 = L2,
        };
        return Bias ? [weights, new Parameter($"{Name}/bias", new Shape(filters), Initializer.Zeros, filters, filters)] : [weights];
    }

    private Tensor? BiasValue => Bias ? Parameters[1].Value : null;

    private Tensor Forward(Tape tape, Tensor batch, Pass pass, bool relu) =>
        ConvolutionOperation.Apply(tape, batch, Parameters[0].Value, BiasValue, Padding, Stride, relu, pass.Algorithm);

    private ConvolutionGeometry GeometryFor(Shape image, int count = 1) =>
        ConvolutionGeometry.Create(Images(count, image), new Shape(kernel, kernel, image[2], filters), Padding, Stride);
}
