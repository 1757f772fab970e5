using System.Diagnostics;
using Convolve.Engine.Devices;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.MatrixMultiply;

/// <summary>One matrix product on random values in [−½, ½), to be timed and checked.</summary>
public sealed class MatrixMultiplyTrial : IDisposable
{
    /// <summary>Rows of the output that are checked: the reference runs on one core.</summary>
    private const int CheckedRows = 64;

    private readonly Device device;
    private readonly MatrixMultiplyGeometry geometry;
    private readonly Tensor left, right, output;

    /// <summary>Allocates the two factors and the product; nothing is transposed.</summary>
    /// <exception cref="DeviceException">The device has no room for them.</exception>
    public MatrixMultiplyTrial(Device device, MatrixMultiplyGeometry geometry)
    {
        this.device = device;
        this.geometry = geometry;
        left = Random(new Shape(geometry.Rows, geometry.Depth), 1);
        right = Random(new Shape(geometry.Depth, geometry.Columns), 2);
        output = Tensor.Uninitialized(device, geometry.Output);
    }

    /// <summary>The fastest of several runs, after one that compiles the kernels, in milliseconds.</summary>
    public double Milliseconds(int runs)
    {
        var best = double.PositiveInfinity;
        for (var i = 0; i <= runs; i++)
        {
            var watch = Stopwatch.StartNew();
            Run();
            device.Synchronize();
            if (i > 0) best = Math.Min(best, watch.Elapsed.TotalMilliseconds);
        }
        return best;
    }

    /// <summary>The largest difference from the double-precision reference in the first rows, relative to its largest value there.</summary>
    public double LargestError()
    {
        Run();
        var actual = output.ToArray();
        var rows = Math.Min(CheckedRows, geometry.Rows);
        var expected = MatrixMultiplyReference.Forward(geometry with { Rows = rows },
            Array.ConvertAll(left.ToArray()[..(rows * geometry.Depth)], v => (double)v), Array.ConvertAll(right.ToArray(), v => (double)v));
        double error = 0, largest = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            // Math.Max keeps NaN, and so does this.
            error = Math.Max(error, Math.Abs(actual[i] - expected[i]));
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }
        return error / largest;
    }

    /// <summary>Bytes of device memory that the product needs beside the three matrices.</summary>
    public long WorkspaceBytes()
    {
        device.Pool.MarkPeak();
        var before = device.Pool.UsedBytes;
        Run();
        return device.Pool.PeakSinceMark - before;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in new[] { left, right, output }) tensor.Dispose();
    }

    private void Run() => MatrixMultiplication.Launch(geometry, left, right, output);

    private Tensor Random(Shape shape, uint seed)
    {
        var values = new float[shape.Length];
        var key = CounterRandom.Key(seed);
        for (var i = 0; i < values.Length; i++) values[i] = CounterRandom.Uniform(key, (uint)i) - 0.5f;
        return Tensor.FromValues(device, shape, values);
    }
}
