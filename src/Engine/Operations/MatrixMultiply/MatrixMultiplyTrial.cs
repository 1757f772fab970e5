using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;

namespace Convolve.Engine.Operations.MatrixMultiply;

/// <summary>One matrix product on random values in [−½, ½), to be timed and checked.</summary>
public sealed class MatrixMultiplyTrial : Trial
{
    /// <summary>Rows of the output that are checked: the reference runs on one core.</summary>
    private const int CheckedRows = 64;

    private readonly MatrixMultiplyGeometry geometry;
    private readonly Tensor left, right, output;

    /// <summary>Allocates the two factors and the product; nothing is transposed.</summary>
    /// <exception cref="DeviceException">The device has no room for them.</exception>
    public MatrixMultiplyTrial(Device device, MatrixMultiplyGeometry geometry) : base(device)
    {
        this.geometry = geometry;
        left = Random(new Shape(geometry.Rows, geometry.Depth), 1);
        right = Random(new Shape(geometry.Depth, geometry.Columns), 2);
        output = Result(geometry.Output);
    }

    /// <summary>The fastest of several runs, after one that compiles the kernels, in milliseconds.</summary>
    public double Milliseconds(int runs) => Device.Milliseconds(Run, runs);

    /// <summary>The largest difference from the double-precision reference in the first rows, relative to its largest value
    /// there.</summary>
    public double LargestError()
    {
        Run();
        var rows = Math.Min(CheckedRows, geometry.Rows);
        var expected = MatrixMultiplyReference.Forward(geometry with { Rows = rows },
            InDouble(left)[..(rows * geometry.Depth)], InDouble(right));
        return LargestError(output.ToArray(), expected);
    }

    /// <summary>Bytes of device memory that the product needs beside the three matrices.</summary>
    public long WorkspaceBytes() => WorkspaceBytes(Run);

    private void Run() => MatrixMultiplyOperation.Launch(geometry, left, right, output);
}
