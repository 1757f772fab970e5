using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Optimizers;

/// <summary>Changes parameters after each backward pass. State is made per parameter on first use and can be saved and restored.</summary>
public abstract class Optimizer : IDisposable
{
    private readonly SortedDictionary<string, Tensor> state = new(StringComparer.Ordinal);

    /// <summary>η; may change between steps.</summary>
    public float LearningRate { get; set; } = 1e-3f;

    /// <summary>Steps taken so far.</summary>
    public long Steps { get; set; }

    /// <summary>The word for this optimizer on the command line and in files.</summary>
    public abstract string Kind { get; }

    /// <summary>State tensors by name, e.g. <c>conv1/kernel/mean_square</c>.</summary>
    public IReadOnlyDictionary<string, Tensor> State => state;

    /// <summary>Updates every trainable parameter that has a gradient, and drops the gradients.</summary>
    public void Step(IEnumerable<Parameter> parameters)
    {
        Steps++;
        foreach (var parameter in parameters)
        {
            if (parameter.Trainable && parameter.Value.Gradient is { } gradient) Update(parameter, gradient);
            parameter.Value.ClearGradient();
        }
    }

    /// <summary>Puts a state tensor back, as a checkpoint gives it.</summary>
    public void Restore(string name, Tensor tensor)
    {
        if (state.Remove(name, out var old)) old.Dispose();
        state.Add(name, tensor);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in state.Values) tensor.Dispose();
        state.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>The rule for one parameter.</summary>
    protected abstract void Update(Parameter parameter, Tensor gradient);

    /// <summary>A state tensor of a parameter's shape, zero at first.</summary>
    protected Tensor StateOf(Parameter parameter, string what)
    {
        var name = $"{parameter.Name}/{what}";
        if (!state.TryGetValue(name, out var tensor)) state.Add(name, tensor = Tensor.Zeros(parameter.Value.Device, parameter.Shape));
        return tensor;
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
    protected override void Update(Parameter parameter, Tensor gradient) =>
        Updates.RmsProp(parameter.Value, gradient, StateOf(parameter, "mean_square"), LearningRate, Rho, Epsilon);
}

/// <summary>w −= η·g, or with momentum m = μm + g; w −= η·m.</summary>
public sealed class Sgd : Optimizer
{
    /// <summary>μ.</summary>
    public float Momentum { get; init; }

    /// <inheritdoc/>
    public override string Kind => "sgd";

    /// <inheritdoc/>
    protected override void Update(Parameter parameter, Tensor gradient)
    {
        if (Momentum == 0) Updates.Descent(parameter.Value, gradient, LearningRate);
        else Updates.Momentum(parameter.Value, gradient, StateOf(parameter, "velocity"), LearningRate, Momentum);
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
    protected override void Update(Parameter parameter, Tensor gradient) =>
        Updates.Adam(parameter.Value, gradient, StateOf(parameter, "mean"), StateOf(parameter, "mean_square"),
            LearningRate, Beta1, Beta2, Epsilon, Steps);
}
