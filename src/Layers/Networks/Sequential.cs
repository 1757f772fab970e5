using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Penalty;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers.Networks;

/// <summary>
/// A network of layers in a row. Its shapes and parameters are known at once; memory is taken by <see cref="Initialize"/>.
/// </summary>
/// <remarks>
/// Several threads may predict with one network at a time. It is trained, initialized and disposed by one, while no other uses it.
/// </remarks>
public sealed class Sequential : IDisposable
{
    private readonly Sequential? whole;
    // Held while parameters are paused: a second thread must not mistake that for the user's choice.
    private readonly Lock pausing = new();
    private ParameterMemory? memory;
    private Device? device;

    /// <summary>Builds a network of layers in a row.</summary>
    /// <param name="inputShape">One input without the batch, e.g. [150,150,3].</param>
    /// <param name="layers">The layers; those without a name get one of their kind and number.</param>
    /// <exception cref="ArgumentException">
    /// A layer cannot take the output of the one before it, two layers share a name, or a layer belongs to another network already.
    /// </exception>
    public Sequential(Shape inputShape, params IReadOnlyList<Layer> layers)
    {
        InputShape = inputShape;
        Layers = layers;
        string?[] givenNames = [.. layers.Select(layer => layer.GivenName)];
        try
        {
            OutputShape = Place(layers);
        }
        catch
        {
            for (var i = 0; i < layers.Count; i++) layers[i].Leave(this, givenNames[i]);
            throw;
        }
    }

    private Shape Place(IReadOnlyList<Layer> layers)
    {
        var counts = new Dictionary<string, int>();
        var names = new HashSet<string>();
        var shape = InputShape;
        for (var i = 0; i < layers.Count; i++)
        {
            var layer = layers[i];
            if (layer.Owner is Sequential other)
                throw new ArgumentException(ReferenceEquals(other, this)
                    ? $"layer {layer.Name} stands in {this} twice, as number {Index(other, layer) + 1} and number {i + 1}: make two layers"
                    : $"layer {layer.Name} belongs to {other} already, as number {Index(other, layer) + 1}, and cannot be number {i + 1} "
                    + $"of {this} as well: "
                        + "a layer holds its network's weights; make a new layer, "
                        + $"or use {nameof(Part)} of the network that it belongs to");
            var number = counts[layer.Kind] = counts.GetValueOrDefault(layer.Kind) + 1;
            layer.Place(this, $"{layer.Kind}_{number}", shape);
            if (!names.Add(layer.Name)) throw new ArgumentException($"two layers are called {layer.Name}");
            shape = layer.OutputShape;
        }
        return shape;
    }

    private static int Index(Sequential network, Layer layer)
    {
        for (var i = 0; i < network.Layers.Count; i++)
            if (ReferenceEquals(network.Layers[i], layer)) return i;
        throw new InvalidOperationException($"layer {layer.Name} is in no network");
    }

    private Sequential(Sequential whole, int first, int end)
    {
        this.whole = whole;
        First = first;
        Layers = [.. whole.Layers.Take(end).Skip(first)];
        InputShape = Layers[0].InputShape;
        OutputShape = Layers[^1].OutputShape;
    }

    /// <summary>One input without the batch.</summary>
    public Shape InputShape { get; }

    /// <summary>One output without the batch.</summary>
    public Shape OutputShape { get; }

    /// <summary>The layers in order.</summary>
    public IReadOnlyList<Layer> Layers { get; }

    /// <summary>The device of the parameters, once initialized.</summary>
    public Device? Device => Whole.device;

    /// <summary>The network that this is a part of; itself if it is whole.</summary>
    internal Sequential Whole => whole ?? this;

    /// <summary>Which layer of <see cref="Whole"/> is the first of this one.</summary>
    internal int First { get; }

    /// <summary>All parameters in order.</summary>
    public IEnumerable<Parameter> Parameters => Layers.SelectMany(l => l.Parameters);

    /// <summary>Numbers in all parameters.</summary>
    public long ParameterCount => Parameters.Sum(p => (long)p.Shape.Length);

    /// <summary>Numbers in the parameters that training changes.</summary>
    public long TrainableCount => Parameters.Where(p => p.Trainable).Sum(p => (long)p.Shape.Length);

    /// <summary>
    /// Consecutive layers as a network of their own, such as the head on a frozen base. It shares layers and parameters with this network
    /// and has no memory of its own: initialize and dispose the whole network.
    /// </summary>
    /// <param name="first">The first layer, counted from 0.</param>
    /// <param name="end">The layer after the last.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no layer between them.</exception>
    public Sequential Part(int first, int end)
    {
        if (first < 0 || end > Layers.Count || first >= end)
            throw new ArgumentOutOfRangeException(nameof(first),
                $"network: of {Layers.Count} layers there is no part from {first} to before {end}");
        return new Sequential(Whole, First + first, First + end);
    }

    /// <summary>Takes memory on a device and initializes the parameters, as the seed determines.</summary>
    public Sequential Initialize(Device device, uint seed)
    {
        if (whole is not null) throw new InvalidOperationException("network: a part has no memory of its own; initialize the whole");
        memory?.Dispose();
        this.device = device;
        memory = new ParameterMemory(device, Parameters);
        if (!device.Computes) return this;
        // One array for all: copies of the weights that wait for the garbage collector would double the memory of a large network.
        var values = new float[Parameters.Select(p => p.Shape.Length).DefaultIfEmpty().Max()];
        var index = 0u;
        foreach (var parameter in Parameters) parameter.Initialize(values, CounterRandom.Key(seed, index++));
        return this;
    }

    /// <summary>
    /// Runs all layers; a tensor between two layers is freed as soon as nothing needs it. Where a convolution with ReLU is followed by
    /// max pooling, the pooling applies the ReLU. The result is exact, and the convolution's output, the largest tensor of most networks,
    /// is freed before the next layer runs instead of waiting for the backward pass. In prediction a batch normalization is folded into
    /// kernel and bias of the convolution before it; the result differs by rounding only.
    /// </summary>
    /// <param name="tape">Records the pass.</param>
    /// <param name="batch">[N, …input].</param>
    /// <param name="pass">Training or inference.</param>
    /// <returns>[N, …output].</returns>
    public Tensor Forward(Tape tape, Tensor batch, Pass pass)
    {
        if (!batch.Shape.Sizes.AsSpan()[1..].SequenceEqual(InputShape.Sizes.AsSpan()))
            throw new ArgumentException($"network: batch {batch.Shape} does not fit the input {InputShape}");
        if (tape.Recording && Parameters.Any(p => p.Value.RequiresGradient)) Whole.memory?.Prepare();
        var value = batch;
        var trace = tape.Device.Trace;
        for (var i = 0; i < Layers.Count; i++)
        {
            var (layer, next) = (Layers[i], i + 1 < Layers.Count ? Layers[i + 1] : null);
            if (next is not null && layer.WithoutRelu is { } sums && next.AfterRelu is { } rectified)
            {
                using (trace?.Layer(layer.Name)) Advance(sums(tape, value, pass));
                using (trace?.Layer(next.Name)) Advance(rectified(tape, value, pass));
                i++;
            }
            else if (next is not null && !pass.Training && !tape.Recording && layer.FoldedWith(next) is { } both)
            {
                using (trace?.Layer(layer.Name)) Advance(both(tape, value, pass));
                i++;
            }
            else
            {
                using (trace?.Layer(layer.Name)) Advance(layer.Forward(tape, value, pass));
            }
        }
        return value;

        void Advance(Tensor next)
        {
            if (!ReferenceEquals(next, value)) tape.Release(value);
            value = next;
        }
    }

    /// <summary>
    /// Adds the penalties of all trainable parameters to a loss. Their gradients are not part of the backward pass: the optimizer adds
    /// them in the launch that updates the parameters.
    /// </summary>
    public Tensor AddPenalties(Tape tape, Tensor loss) =>
        Whole.memory is { Penalties: { } penalties } parameters ? PenaltyOperation.Add(tape, loss, parameters.Values, penalties) : loss;

    /// <summary>The outputs for a batch, without recording anything.</summary>
    /// <returns>A tensor that the caller disposes.</returns>
    public Tensor Predict(Tensor batch, Pass? pass = null)
    {
        using var tape = new Tape(batch.Device, recording: false);
        var output = Forward(tape, batch, pass ?? Pass.Inference);
        // Disposing the tape frees its tensors; this one stays.
        return output.Reshape(output.Shape);
    }

    /// <summary>
    /// The steps of a prediction, in order. A ReLU that pooling applies still counts as the convolution's: the numbers are the same.
    /// </summary>
    public IReadOnlyList<PredictionStage> Stages()
    {
        var stages = new List<PredictionStage>();
        for (var i = 0; i < Layers.Count; i = stages[^1].End) stages.Add(new PredictionStage(Layers, i));
        return stages;
    }

    /// <summary>The output of every step of a prediction, as <see cref="Predict"/> computes them.</summary>
    /// <param name="batch">[N, …input].</param>
    /// <param name="pass">Inference if omitted; with another algorithm the values differ by rounding.</param>
    /// <returns>For each of <see cref="Stages"/> its output, [N, …output of the stage], row-major.</returns>
    public IReadOnlyList<float[]> Trace(Tensor batch, Pass? pass = null)
    {
        using var tape = new Tape(batch.Device, recording: false);
        var (value, outputs) = (batch, new List<float[]>());
        foreach (var stage in Stages())
        {
            var next = stage.Forward(tape, value, pass ?? Pass.Inference);
            outputs.Add(next.ToArray());
            if (!ReferenceEquals(next, value)) tape.Release(value);
            value = next;
        }
        return outputs;
    }

    /// <summary>
    /// The gradient of the weighted sum of the outputs with respect to the batch, in prediction. Gradients of parameters are not touched.
    /// With <see cref="Part"/> the batch may be any layer's output, which gives the gradient with respect to it.
    /// </summary>
    /// <param name="batch">[N, …input].</param>
    /// <param name="upstream">The upstream gradient: a weight for every output, [N, …output].</param>
    /// <returns>[N, …input], a tensor that the caller disposes.</returns>
    public Tensor InputGradient(Tensor batch, Tensor upstream)
    {
        lock (Whole.pausing) return InputGradientPaused(batch, upstream);
    }

    private Tensor InputGradientPaused(Tensor batch, Tensor upstream)
    {
        Tensor[] paused = [.. Parameters.Select(p => p.Value).Where(value => value.RequiresGradient)];
        foreach (var value in paused) value.RequiresGradient = false;
        try
        {
            using var tape = new Tape(batch.Device);
            using var leaf = batch.Reshape(batch.Shape);
            leaf.RequiresGradient = true;
            tape.Backward(Forward(tape, leaf, Pass.Inference), upstream);
            // Disposing the leaf frees its gradient; the reshaped tensor keeps the memory.
            return leaf.Gradient!.Reshape(batch.Shape);
        }
        finally
        {
            foreach (var value in paused) value.RequiresGradient = true;
        }
    }

    /// <summary>One row per layer: name, kind, output shape, parameters, trainable parameters, FLOP.</summary>
    public IReadOnlyList<SummaryRow> Summary() =>
    [
        .. Layers.Select(l => new SummaryRow(l.Name, l.Kind, l.OutputShape,
            l.Parameters.Sum(p => (long)p.Shape.Length), l.Parameters.Where(p => p.Trainable).Sum(p => (long)p.Shape.Length), l.Flops)),
    ];

    /// <inheritdoc/>
    public override string ToString() => $"the network of {Layers.Count} layers that takes {InputShape}";

    /// <summary>Frees the parameters' memory; a part has none.</summary>
    public void Dispose()
    {
        memory?.Dispose();
        memory = null;
        device = null;
    }
}

/// <summary>One layer in a summary.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="OutputShape">The output's shape for one image.</param>
/// <param name="Parameters">Numbers in its parameters.</param>
/// <param name="Trainable">Those that training changes.</param>
/// <param name="Flops">Multiplications and additions for one image.</param>
public sealed record SummaryRow(string Name, string Kind, Shape OutputShape, long Parameters, long Trainable, double Flops);
