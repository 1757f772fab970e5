using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Tensors;
using Convolve.Layers.Parameters;

namespace Convolve.Layers.Optimizers;

/// <summary>
/// Updates a network's parameters after each backward pass, all of them in one launch, penalties included. Optimizer state is created on
/// the first step, in one buffer for all parameters, and can be saved and restored for each parameter.
/// </summary>
public abstract class Optimizer : IDisposable
{
    private readonly SortedDictionary<string, Tensor> state = new(StringComparer.Ordinal);
    private readonly List<Parameter> updated = [];
    private Tensor[] buffers = [];
    private Tensor? gradients;
    private UpdateTable? table;

    /// <summary>η; may change between steps.</summary>
    public float LearningRate { get; set; } = 1e-3f;

    /// <summary>
    /// λ of decoupled weight decay (Loshchilov and Hutter, 2017): a step subtracts η·λ·w from every weight w of a convolution or dense
    /// kernel; biases, scales and shifts do not decay.
    /// </summary>
    public float WeightDecay { get; init; }

    /// <summary>Steps taken so far.</summary>
    public long Steps { get; set; }

    /// <summary>The name of this optimizer on the command line and in files.</summary>
    public abstract string Kind { get; }

    /// <summary>State tensors by name, e.g. <c>conv1/kernel/mean_square</c>.</summary>
    public IReadOnlyDictionary<string, Tensor> State => state;

    /// <summary>The state kept for each element of a parameter, e.g. <c>mean_square</c>.</summary>
    protected abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>Updates every trainable parameter that has a gradient, and clears the gradients.</summary>
    /// <param name="parameters">Parameters of one network.</param>
    /// <exception cref="ArgumentException">They belong to several networks.</exception>
    public void Step(IEnumerable<Parameter> parameters)
    {
        Steps++;
        var next = 0;
        var same = true;
        ParameterMemory? memory = null;
        foreach (var parameter in parameters)
        {
            if (!parameter.Trainable || parameter.Value.Gradient is null) continue;
            if (memory is not null && memory != parameter.Memory)
                throw new ArgumentException($"optimizer: parameter {parameter.Name} is of another network than those before it");
            memory = parameter.Memory;
            same = same && next < updated.Count && ReferenceEquals(updated[next], parameter);
            next++;
        }
        if (memory is null) return;
        if (!same || next != updated.Count || !ReferenceEquals(gradients, memory.Gradients)) LayOut(memory, parameters);
        Update(table!, memory.Values, gradients!, buffers);
        foreach (var parameter in updated) parameter.Value.ClearGradient();
    }

    /// <summary>Restores a state tensor from a checkpoint.</summary>
    public void Restore(string name, Tensor tensor)
    {
        if (state.Remove(name, out var old)) old.Dispose();
        state.Add(name, tensor);
        updated.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in state.Values) tensor.Dispose();
        state.Clear();
        foreach (var buffer in buffers) buffer.Dispose();
        buffers = [];
        table?.Dispose();
        table = null;
        updated.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>Launches the update rule.</summary>
    /// <param name="table">The parameters.</param>
    /// <param name="weights">Their values.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <param name="state">One buffer for each of <see cref="StateNames"/>, laid out like the gradients.</param>
    protected abstract void Update(UpdateTable table, Tensor weights, Tensor gradients, IReadOnlyList<Tensor> state);

    /// <summary>Lays out table and state for the parameters that have a gradient now; existing state moves along.</summary>
    private void LayOut(ParameterMemory memory, IEnumerable<Parameter> parameters)
    {
        updated.Clear();
        updated.AddRange(parameters.Where(p => p.Trainable && p.Value.Gradient is not null));
        gradients = memory.Gradients!;
        table?.Dispose();
        table = new UpdateTable(gradients.Device, updated.Select(p => memory.Row(p) with { Decay = p.Shape.Rank > 1 ? WeightDecay : 0 }));
        var old = buffers;
        var moved = false;
        buffers = new Tensor[StateNames.Count];
        for (var i = 0; i < buffers.Length; i++)
        {
            buffers[i] = Tensor.Lasting(gradients.Device, gradients.Shape);
            buffers[i].Fill(0);
            foreach (var parameter in updated)
            {
                var name = $"{parameter.Name}/{StateNames[i]}";
                var place = buffers[i].Slice(memory.GradientBegin(parameter), parameter.Shape);
                if (state.Remove(name, out var before))
                {
                    place.CopyFrom(before);
                    before.Dispose();
                    moved = true;
                }
                state.Add(name, place);
            }
        }
        foreach (var buffer in old) buffer.Dispose();
        // No step rents buffers of the sizes that were freed.
        if (moved) gradients.Device.Pool.Trim();
    }
}

/// <summary>v = ρv + (1−ρ)g²; w −= η·g / (√v + ε), as in Keras 2.</summary>
public sealed class RmsProp : Optimizer
{
    /// <summary>ρ.</summary>
    public float Rho { get; init; } = 0.9f;

    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-7f;

    /// <inheritdoc/>
    public override string Kind => "rmsprop";

    /// <inheritdoc/>
    protected override IReadOnlyList<string> StateNames { get; } = ["mean_square"];

    /// <inheritdoc/>
    protected override void Update(UpdateTable table, Tensor weights, Tensor gradients, IReadOnlyList<Tensor> state) =>
        UpdateOperation.RmsProp(table, weights, gradients, state[0], LearningRate, Rho, Epsilon);
}

/// <summary>w −= η·g, or with momentum m = μm + g; w −= η·m.</summary>
public sealed class Sgd : Optimizer
{
    private static readonly string[] velocity = ["velocity"];

    /// <summary>μ.</summary>
    public float Momentum { get; init; }

    /// <inheritdoc/>
    public override string Kind => "sgd";

    /// <inheritdoc/>
    protected override IReadOnlyList<string> StateNames => Momentum == 0 ? [] : velocity;

    /// <inheritdoc/>
    protected override void Update(UpdateTable table, Tensor weights, Tensor gradients, IReadOnlyList<Tensor> state)
    {
        if (Momentum == 0) UpdateOperation.Descent(table, weights, gradients, LearningRate);
        else UpdateOperation.Momentum(table, weights, gradients, state[0], LearningRate, Momentum);
    }
}

/// <summary>Adam (Kingma and Ba, 2014), with ε outside the square root.</summary>
public sealed class Adam : Optimizer
{
    /// <summary>β₁.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>β₂.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>ε.</summary>
    public float Epsilon { get; init; } = 1e-7f;

    /// <inheritdoc/>
    public override string Kind => "adam";

    /// <inheritdoc/>
    protected override IReadOnlyList<string> StateNames { get; } = ["mean", "mean_square"];

    /// <inheritdoc/>
    protected override void Update(UpdateTable table, Tensor weights, Tensor gradients, IReadOnlyList<Tensor> state) =>
        UpdateOperation.Adam(table, weights, gradients, state[0], state[1], LearningRate, Beta1, Beta2, Epsilon, Steps);
}
