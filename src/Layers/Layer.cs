using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers.Reference;

namespace Convolve.Layers;

/// <summary>What a layer may ask about the pass it takes part in.</summary>
/// <param name="Training">Whether dropout is on, and normalizations take the statistics of the batch.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The training step, counted over the whole run: another step, other random numbers.</param>
/// <param name="Algorithm">How convolutions are computed.</param>
public readonly record struct Pass(
    bool Training, uint Seed = 0, long Step = 0, ConvolutionAlgorithm Algorithm = ConvolutionAlgorithm.Auto)
{
    /// <summary>A pass for prediction.</summary>
    public static Pass Inference { get; } = new(false);
}

/// <summary>The activation that a layer applies in the same kernel as its sums.</summary>
public enum Activation
{
    /// <summary>None: the sums themselves.</summary>
    Linear,

    /// <summary>max(0, x).</summary>
    Relu,
}

/// <summary>One stage of a network. Shapes are those of one image, without the batch.</summary>
public abstract class Layer
{
    private string? name;
    private Shape? input, output;

    /// <summary>A name that is unique in its network; the network gives one where the user did not.</summary>
    public string Name
    {
        get => name ?? throw new InvalidOperationException($"{Kind}: this layer is in no network yet");
        init => name = value;
    }

    /// <summary>The network that the layer, with its weights, is a part of; null before there is one.</summary>
    internal Networks.Sequential? Network { get; private set; }

    /// <summary>The word for this kind of layer in files and summaries, e.g. <c>conv2d</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The shape that comes in.</summary>
    public Shape InputShape => input ?? throw new InvalidOperationException($"{Kind}: this layer is in no network yet");

    /// <summary>The shape that goes out.</summary>
    public Shape OutputShape => output ?? throw new InvalidOperationException($"{Kind}: this layer is in no network yet");

    /// <summary>The tensors that training changes, kernel before bias.</summary>
    public IReadOnlyList<Parameter> Parameters { get; private set; } = [];

    /// <summary>Multiplications and additions of one image's forward pass.</summary>
    public virtual double Flops => 0;

    /// <summary>Whether what goes out is what comes in under another shape, so that nothing is computed or moved.</summary>
    public virtual bool SharesMemory => false;

    /// <summary>Whether training changes this layer.</summary>
    public bool Trainable
    {
        get => Parameters.Any(p => p.Trainable);
        set
        {
            foreach (var parameter in Parameters) parameter.Trainable = value;
        }
    }

    /// <summary>Runs the layer on a batch.</summary>
    public abstract Tensor Forward(Tape tape, Tensor batch, Pass pass);

    /// <summary>
    /// The layer's definition in plain loops and double precision, which its kernels and its gradients are checked against: what
    /// <see cref="Forward"/> gives but for rounding.
    /// </summary>
    /// <param name="batch">[N, …input], row-major; not to be changed.</param>
    /// <param name="count">N.</param>
    /// <param name="parameters">The values of <see cref="Parameters"/>, in their order.</param>
    /// <param name="pass">As given to <see cref="Forward"/>.</param>
    /// <exception cref="NotSupportedException">The layer does not define itself.</exception>
    public virtual ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
        throw new NotSupportedException($"layer {Name}: {Kind} has no definition in double precision; override {nameof(Reference)}");

    /// <summary>What a file must say to build this layer again, besides kind and name.</summary>
    public virtual JsonObject Settings => [];

    /// <summary>The shape that comes out for one that comes in.</summary>
    /// <exception cref="ArgumentException">The layer cannot take that shape.</exception>
    protected abstract Shape OutputFor(Shape inputShape);

    /// <summary>Makes the parameters, once the shapes are known.</summary>
    protected virtual IReadOnlyList<Parameter> CreateParameters() => [];

    /// <summary>Takes a place in a network, for good.</summary>
    internal void Place(Networks.Sequential network, string defaultName, Shape inputShape)
    {
        Network = network;
        name ??= defaultName;
        input = inputShape;
        try
        {
            output = OutputFor(inputShape);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"layer {name}: {e.Message}", e);
        }
        Parameters = CreateParameters();
    }

    /// <summary>Leaves a network that did not come about, so that another one may have the layer.</summary>
    /// <param name="network">The network; a layer of another one stays there.</param>
    /// <param name="givenName">The name that the user gave; null if there is none.</param>
    internal void Leave(Networks.Sequential network, string? givenName)
    {
        if (!ReferenceEquals(Network, network)) return;
        Network = null;
        (name, input, output, Parameters) = (givenName, null, null, []);
    }

    /// <summary>The name that the layer has already, its user's or its network's; null if none.</summary>
    internal string? GivenName => name;

    /// <summary>The shape of a batch of one.</summary>
    protected static Shape OneImage(Shape shape) => Images(1, shape);

    /// <summary>The shape of a batch of so many images.</summary>
    protected static Shape Images(int count, Shape shape) => new([count, .. shape.Sizes]);

    /// <summary>A batch's shape without the batch.</summary>
    protected static Shape WithoutBatch(Shape shape) => new(shape.Sizes.AsSpan()[1..]);
}
