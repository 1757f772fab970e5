using Convolve.Engine.Devices;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Trials;

/// <summary>An operation on random values in [−½, ½), to be timed and checked against its double-precision reference.</summary>
public abstract class Trial : IDisposable
{
    private readonly List<Tensor> tensors = [];

    /// <summary>A trial, without tensors yet.</summary>
    protected Trial(Device device) => Device = device;

    /// <summary>The device it runs on.</summary>
    protected Device Device { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in tensors) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A tensor of random values, freed with the trial.</summary>
    protected Tensor Random(Shape shape, uint seed)
    {
        var values = new float[shape.Length];
        var key = CounterRandom.Key(seed);
        for (var i = 0; i < values.Length; i++) values[i] = CounterRandom.Uniform(key, (uint)i) - 0.5f;
        return Own(Tensor.FromValues(Device, shape, values));
    }

    /// <summary>A tensor for results, freed with the trial.</summary>
    protected Tensor Result(Shape shape) => Own(Tensor.Uninitialized(Device, shape));

    /// <summary>Bytes of device memory that a run needs beside the trial's tensors.</summary>
    protected long WorkspaceBytes(Action run)
    {
        Device.Pool.MarkPeak();
        var before = Device.Pool.UsedBytes;
        run();
        return Device.Pool.PeakSinceMark - before;
    }

    /// <summary>The largest difference from the expected values, relative to the largest of them.</summary>
    protected static double LargestError(float[] actual, double[] expected)
    {
        double error = 0, largest = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            // Math.Max propagates NaN, so the error does.
            error = Math.Max(error, Math.Abs(actual[i] - expected[i]));
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }
        return error / largest;
    }

    /// <summary>A tensor's values for the reference.</summary>
    protected static double[] InDouble(Tensor tensor) => Array.ConvertAll(tensor.ToArray(), v => (double)v);

    private Tensor Own(Tensor tensor)
    {
        tensors.Add(tensor);
        return tensor;
    }
}
