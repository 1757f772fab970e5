using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers;

/// <summary>Runs a layer, or part of one, on a batch [N, …input] and returns [N, …output].</summary>
internal delegate Tensor ForwardPass(Tape tape, Tensor batch, Pass pass);

/// <summary>One stage of a network. Shapes are those of one image, without the batch.</summary>
public abstract class Layer
{
    private string? name;
    private Shape? input, output;

    /// <summary>A name that is unique in its network; the network gives one where the user did not.</summary>
    /// <exception cref="InvalidOperationException">The layer has neither a name nor a network yet.</exception>
    public string Name
    {
        get => name ?? throw new InvalidOperationException($"{Kind}: this layer is in no network yet");
        init => name = value;
    }

    /// <summary>The network that the layer and its weights belong to; null before there is one.</summary>
    internal object? Owner { get; private set; }

    /// <summary>The word for this kind of layer in files and summaries, e.g. <c>conv2d</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The input's shape.</summary>
    /// <exception cref="InvalidOperationException">The layer is in no network yet.</exception>
    public Shape InputShape => input ?? throw new InvalidOperationException($"{Kind}: this layer is in no network yet");

    /// <summary>The output's shape.</summary>
    /// <exception cref="InvalidOperationException">The layer is in no network yet.</exception>
    public Shape OutputShape => output ?? throw new InvalidOperationException($"{Kind}: this layer is in no network yet");

    /// <summary>The tensors that training changes, kernel before bias.</summary>
    public IReadOnlyList<Parameter> Parameters { get; private set; } = [];

    /// <summary>Multiplications and additions of one image's forward pass.</summary>
    public virtual double Flops => 0;

    /// <summary>Whether the output is the input under another shape, so that nothing is computed or moved.</summary>
    public virtual bool SharesMemory => false;

    /// <summary>Whether a prediction leaves all values and their order as they are.</summary>
    public virtual bool KeepsValues => SharesMemory;

    /// <summary>Whether the layer applies a ReLU in the same kernel as its sums.</summary>
    public virtual bool HasRelu => false;

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
    /// <param name="tape">Records the operations.</param>
    /// <param name="batch">[N, …input].</param>
    /// <param name="pass">Training or inference.</param>
    /// <returns>[N, …output].</returns>
    public abstract Tensor Forward(Tape tape, Tensor batch, Pass pass);

    /// <summary>
    /// The reference implementation in plain loops and double precision, which kernels and gradients are checked against: the values of
    /// <see cref="Forward"/>, but for rounding.
    /// </summary>
    /// <param name="batch">[N, …input], row-major; not to be changed.</param>
    /// <param name="count">N.</param>
    /// <param name="parameters">The values of <see cref="Parameters"/>, in their order.</param>
    /// <param name="pass">As for <see cref="Forward"/>.</param>
    /// <exception cref="NotSupportedException">The layer has no reference implementation.</exception>
    public virtual ReferenceValues Reference(double[] batch, int count, IReadOnlyList<double[]> parameters, Pass pass) =>
        throw new NotSupportedException($"layer {Name}: {Kind} has no definition in double precision; override {nameof(Reference)}");

    /// <summary>What a file must contain to build this layer again, besides kind and name.</summary>
    public virtual JsonObject Settings => [];

    /// <summary>
    /// The layer without its ReLU, for a next layer that applies it (<see cref="AfterRelu"/>); null if it has none, or none that it can
    /// leave out.
    /// </summary>
    internal virtual ForwardPass? WithoutRelu => null;

    /// <summary>The layer with a ReLU of its input, at no cost; null if there is no such kernel.</summary>
    internal virtual ForwardPass? AfterRelu => null;

    /// <summary>This layer and the next one computed as one layer in prediction; null if they are computed separately.</summary>
    internal virtual ForwardPass? FoldedWith(Layer next) => null;

    /// <summary>The weights that a prediction multiplies by, and the numbers that it adds; null for layers without weights.</summary>
    /// <param name="folded">The next layer if it is folded into this one (<see cref="FoldedWith"/>).</param>
    internal virtual (float[] Kernel, float[] Bias)? PredictionWeights(Layer? folded) => null;

    /// <summary>The output's shape for an input's shape.</summary>
    /// <exception cref="ArgumentException">The layer cannot take that shape, or its settings make no sense.</exception>
    protected abstract Shape OutputFor(Shape inputShape);

    /// <summary>Makes the parameters, once the shapes are known.</summary>
    protected virtual IReadOnlyList<Parameter> CreateParameters() => [];

    /// <summary>Puts the layer into a network.</summary>
    internal void Place(object network, string defaultName, Shape inputShape)
    {
        Owner = network;
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

    /// <summary>Takes the layer out of a network that could not be built, so that another network may have it.</summary>
    /// <param name="network">That network; a layer of another one stays there.</param>
    /// <param name="givenName">The name that the user gave the layer; null if none.</param>
    internal void Leave(object network, string? givenName)
    {
        if (!ReferenceEquals(Owner, network)) return;
        Owner = null;
        (name, input, output, Parameters) = (givenName, null, null, []);
    }

    /// <summary>The layer's name so far, from its user or its network; null if it has none.</summary>
    internal string? GivenName => name;

    /// <summary>The shape of a batch of one.</summary>
    protected static Shape OneImage(Shape shape) => Images(1, shape);

    /// <summary>The shape of a batch of so many images.</summary>
    protected static Shape Images(int count, Shape shape) => new([count, .. shape.Sizes]);

    /// <summary>A batch's shape without the batch.</summary>
    protected static Shape WithoutBatch(Shape shape) => new(shape.Sizes.AsSpan()[1..]);

    /// <summary>Whether a fused activation is ReLU.</summary>
    /// <exception cref="ArgumentException">It is neither linear nor ReLU: no kernel of the layer applies it.</exception>
    private protected static bool IsFusedRelu(ActivationFunction activation) => activation switch
    {
        ActivationFunction.Linear => false,
        ActivationFunction.Relu => true,
        _ => throw new ArgumentException($"its kernels cannot apply {activation.NameInFiles()}: add an activation layer after it"),
    };
}
