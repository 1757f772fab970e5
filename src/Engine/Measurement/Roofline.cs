using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;

namespace Convolve.Engine.Measurement;

/// <summary>
/// The roofline of a device: no work is faster than its arithmetic at peak FLOP/s, nor than its bytes at peak memory bandwidth (Williams,
/// Waterman and Patterson, 2009), both measured. Work whose operands stay in a cache can exceed the second bound.
/// </summary>
/// <param name="Gigaflops">float32 operations a second in units of 10⁹, see <see cref="PeakArithmetic"/>.</param>
/// <param name="GigabytesPerSecond">Bytes read and written a second in units of 10⁹.</param>
public sealed record Roofline(double Gigaflops, double GigabytesPerSecond)
{
    // Larger than the last-level cache of most machines; and small enough for a device that interprets kernels.
    private const int Floats = 32 << 20, FloatsWhereSlow = 1 << 20;

    /// <summary>FLOP per byte from which arithmetic is the bound.</summary>
    public double Ridge => Gigaflops / GigabytesPerSecond;

    /// <summary>Measures both.</summary>
    /// <param name="device">The device; nothing else should be running on it.</param>
    /// <param name="runs">Runs, of which the best counts.</param>
    public static Roofline Measure(Device device, int runs = 5) =>
        new(PeakArithmetic.MeasureGigaflops(device, runs), MeasureBandwidth(device, runs));

    /// <summary>The least time that work takes, in seconds.</summary>
    public double Seconds(double flops, double bytes) => Math.Max(flops / Gigaflops, bytes / GigabytesPerSecond) * 1e-9;

    /// <summary>The bound in 10⁹ FLOP/s for work of an intensity in FLOP per byte.</summary>
    public double Roof(double intensity) => Math.Min(Gigaflops, intensity * GigabytesPerSecond);

    /// <summary>Copies an array larger than any cache: each float is read once and written once.</summary>
    private static double MeasureBandwidth(Device device, int runs)
    {
        var shape = new Shape(device.Description.Kind == DeviceKind.IlgpuCpu ? FloatsWhereSlow : Floats);
        using var source = Tensor.Filled(device, shape, 1);
        using var target = Tensor.Filled(device, shape, 0);
        var milliseconds = device.Milliseconds(() => target.CopyFrom(source), runs);
        return 2.0 * shape.Length * sizeof(float) / milliseconds * 1e-6;
    }
}
