using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Inspection.Profiling;

/// <summary>The tensors of a piece of work on a device, freed together. On a device that does not compute they have no values.</summary>
internal sealed class WorkTensors(Device device) : IDisposable
{
    private readonly List<IDisposable> owned = [];

    public Device Device { get; } = device;

    /// <summary>A tensor of random values in [−½, ½).</summary>
    public Tensor Random(params ReadOnlySpan<int> dimensions)
    {
        var shape = new Shape(dimensions);
        if (!Device.Computes) return Own(Tensor.Uninitialized(Device, shape));
        var key = CounterRandom.Key((uint)owned.Count);
        var values = new float[shape.Length];
        for (var i = 0; i < values.Length; i++) values[i] = CounterRandom.Uniform(key, (uint)i) - 0.5f;
        return Own(Tensor.FromValues(Device, shape, values));
    }

    /// <summary>The same with a gradient.</summary>
    public Tensor Leaf(params ReadOnlySpan<int> dimensions)
    {
        var tensor = Random(dimensions);
        tensor.RequiresGradient = true;
        return tensor;
    }

    /// <summary>A tensor of given values.</summary>
    public Tensor Of(Shape shape, float[] values) => Own(Tensor.FromValues(Device, shape, values));

    /// <summary>Runs an operation forward and backward, with a random upstream gradient.</summary>
    public void ForwardAndBackward(Func<Tape, Tensor> operation)
    {
        using var tape = new Tape(Device);
        var output = tape.Keep(operation(tape));
        tape.Backward(output, Random([.. output.Shape.Sizes]));
    }

    /// <summary>Frees something with the tensors.</summary>
    public T Own<T>(T resource) where T : IDisposable
    {
        owned.Add(resource);
        return resource;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var resource in owned) resource.Dispose();
    }
}
