using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Tensors;

namespace Convolve.Layers.Parameters;

/// <summary>
/// The memory of a network's parameters: all values in one buffer, the gradients of trained ones in another, so that one launch updates all
/// of them. The gradients are laid out before the first recorded pass, and again when other parameters are trained.
/// </summary>
internal sealed class ParameterMemory : IDisposable
{
    /// <summary>Parameters begin at multiples of this many floats: whole cache lines and vectors.</summary>
    private const int Alignment = 64;

    private readonly Device device;
    private readonly Parameter[] parameters;
    private readonly int[] begins;
    private readonly List<Parameter> trained = [];
    private UpdateTable? penalties;

    /// <summary>Takes memory for the values; their content is unspecified.</summary>
    public ParameterMemory(Device device, IEnumerable<Parameter> parameters)
    {
        this.device = device;
        this.parameters = [.. parameters];
        begins = new int[this.parameters.Length];
        var length = 0;
        for (var i = 0; i < begins.Length; i++)
        {
            begins[i] = length;
            length = Aligned(length + this.parameters[i].Shape.Length);
        }
        Values = Tensor.Lasting(device, new Shape(Math.Max(1, length)));
        for (var i = 0; i < begins.Length; i++)
            this.parameters[i].Place(this, begins[i], Values.Slice(begins[i], this.parameters[i].Shape));
    }

    /// <summary>All values, [numbers in all parameters, each aligned].</summary>
    public Tensor Values { get; }

    /// <summary>The gradients of the trained parameters; null before the first recorded pass.</summary>
    public Tensor? Gradients { get; private set; }

    /// <summary>The first index of a trained parameter's gradient.</summary>
    public int GradientBegin(Parameter parameter)
    {
        var begin = 0;
        foreach (var other in trained)
        {
            if (ReferenceEquals(other, parameter)) return begin;
            begin = Aligned(begin + other.Shape.Length);
        }
        throw new InvalidOperationException($"parameter {parameter.Name}: it is not trained");
    }

    /// <summary>The penalties of trained parameters; null if there are none.</summary>
    public UpdateTable? Penalties
    {
        get
        {
            Prepare();
            return penalties;
        }
    }

    /// <summary>Lays out the gradients of the trained parameters.</summary>
    /// <exception cref="InvalidOperationException">Parameters were frozen or unfrozen between a backward pass and the update.</exception>
    public void Prepare()
    {
        if (IsPrepared()) return;
        foreach (var parameter in trained)
            if (parameter.Value.Gradient is not null)
                throw new InvalidOperationException(
                    $"parameter {parameter.Name} holds a gradient: freeze and unfreeze layers after the optimizer's step");
        Forget();
        trained.AddRange(parameters.Where(p => p.Trainable));
        if (trained.Count == 0) return;
        var length = GradientBegin(trained[^1]) + trained[^1].Shape.Length;
        Gradients = Tensor.Lasting(device, new Shape(length));
        foreach (var parameter in trained) parameter.Value.GradientMemory = Gradients.Slice(GradientBegin(parameter), parameter.Shape);
        var penalized = trained.Where(p => p.L1 != 0 || p.L2 != 0).ToArray();
        if (penalized.Length > 0) penalties = new UpdateTable(device, penalized.Select(Row));
    }

    /// <summary>A trained parameter's row in the optimizer's table.</summary>
    public UpdateRow Row(Parameter parameter) =>
        new(parameter.Begin, GradientBegin(parameter), parameter.Shape.Length, parameter.LearningRateFactor, L1: parameter.L1,
        L2: parameter.L2);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in parameters) parameter.Value.ClearGradient();
        Forget();
        foreach (var parameter in parameters) parameter.Free();
        Values.Dispose();
    }

    private static int Aligned(int length) => checked(length + Alignment - 1) / Alignment * Alignment;

    private void Forget()
    {
        foreach (var parameter in trained)
        {
            parameter.Value.GradientMemory?.Dispose();
            parameter.Value.GradientMemory = null;
        }
        trained.Clear();
        Gradients?.Dispose();
        Gradients = null;
        penalties?.Dispose();
        penalties = null;
    }

    private bool IsPrepared()
    {
        var next = 0;
        foreach (var parameter in parameters)
            if (parameter.Trainable && (next == trained.Count || !ReferenceEquals(trained[next++], parameter))) return false;
        return next == trained.Count;
    }
}
