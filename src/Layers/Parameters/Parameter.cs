using Convolve.Engine.Tensors;

namespace Convolve.Layers.Parameters;

/// <summary>A tensor of a layer that training changes, mostly by its gradient.</summary>
/// <param name="name">The layer's and its own name, e.g. <c>conv1/kernel</c>.</param>
/// <param name="shape">Its shape.</param>
/// <param name="initializer">Draws its first values.</param>
/// <param name="fanIn">Inputs of one output, for the initializer.</param>
/// <param name="fanOut">Outputs of one input, for the initializer.</param>
public sealed class Parameter(string name, Shape shape, Initializer initializer, int fanIn, int fanOut)
{
    private Tensor? value;

    /// <summary>E.g. <c>conv1/kernel</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The shape.</summary>
    public Shape Shape { get; } = shape;

    /// <summary>
    /// Whether the layer itself updates it in training, such as a running mean; it has no gradient and is never trainable.
    /// </summary>
    public bool IsStatistic
    {
        get;
        init
        {
            field = value;
            if (value) Trainable = false;
        }
    }

    /// <summary>Whether the optimizer changes it; no gradient is computed for a frozen parameter. A statistic is never trainable.</summary>
    public bool Trainable
    {
        get;
        set
        {
            field = value && !IsStatistic;
            if (this.value is null) return;
            this.value.RequiresGradient = field;
            if (!field) this.value.ClearGradient();
        }
    } = true;

    /// <summary>The values on the device.</summary>
    /// <exception cref="InvalidOperationException">The network is not initialized yet.</exception>
    public Tensor Value => value ?? throw new InvalidOperationException($"parameter {Name}: initialize the network first");

    /// <summary>λ₁ of an L1 penalty on this parameter.</summary>
    public float L1 { get; init; }

    /// <summary>λ₂ of an L2 penalty on this parameter.</summary>
    public float L2 { get; init; }

    /// <summary>Factor on the optimizer's learning rate; set it before the first step.</summary>
    public float LearningRateFactor { get; set; } = 1;

    /// <summary>The memory that it shares with the network's other parameters.</summary>
    internal ParameterMemory? Memory { get; private set; }

    /// <summary>The first index of its values there.</summary>
    internal int Begin { get; private set; }

    /// <summary>Binds the parameter to its part of the network's memory.</summary>
    internal void Place(ParameterMemory memory, int begin, Tensor place)
    {
        Memory = memory;
        Begin = begin;
        value = place;
        value.RequiresGradient = Trainable;
    }

    /// <summary>Draws the first values and uploads them.</summary>
    /// <param name="values">Host memory for them, at least as long as the parameter.</param>
    /// <param name="key">The key of this parameter's random numbers.</param>
    internal void Initialize(Span<float> values, uint key)
    {
        values = values[..Shape.Length];
        initializer.Fill(values, fanIn, fanOut, key);
        Value.CopyFrom(values);
    }

    internal void Free()
    {
        value?.Dispose();
        value = null;
        Memory = null;
    }
}
