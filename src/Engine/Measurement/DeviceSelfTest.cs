using Convolve.Engine.Devices;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Measurement;

/// <summary>
/// A small matrix product with every ingredient of the hot kernels (packing, register tile, fused multiply-add, remainders), checked
/// against plain loops in double precision, so that a faulty driver is found before a training relies on it.
/// </summary>
public static class DeviceSelfTest
{
    private const int Rows = 37, Columns = 41, Depth = 67;

    /// <summary>Runs the test.</summary>
    /// <returns>The largest error relative to the largest value.</returns>
    /// <exception cref="DeviceException">The results are wrong, or the device cannot run the kernel.</exception>
    public static double Run(Device device)
    {
        var random = new Random(1);
        var left = Enumerable.Range(0, Rows * Depth).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var right = Enumerable.Range(0, Depth * Columns).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var geometry = MatrixMultiplyGeometry.Create(new Shape(Rows, Depth), new Shape(Depth, Columns));
        var expected = MatrixMultiplyReference.Forward(
            geometry, Array.ConvertAll(left, v => (double)v), Array.ConvertAll(right, v => (double)v));
        float[] actual;
        try
        {
            using var a = Tensor.FromValues(device, new Shape(Rows, Depth), left);
            using var b = Tensor.FromValues(device, new Shape(Depth, Columns), right);
            using var c = Tensor.Filled(device, new Shape(Rows, Columns), float.NaN);
            MatrixMultiplyOperation.Launch(geometry, a, b, c);
            actual = c.ToArray();
        }
        catch (Exception e)
        {
            throw new DeviceException(
                $"device {device.Description} failed its self-test: {DeviceException.Reason(e)}; choose another with --device", e);
        }
        double largest = 0, error = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            var difference = Math.Abs(expected[i] - actual[i]);
            error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
        }
        if (!(error / largest < 1e-5))
            throw new DeviceException(
                $"device {device.Description} failed its self-test: a matrix product is off by {error / largest:G3} of its largest value; "
                    + "choose another with --device");
        return error / largest;
    }
}
