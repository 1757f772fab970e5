using System.Diagnostics;
using Convolve.Engine.Devices;

namespace Convolve.Engine.Trials;

/// <summary>Times work on a device.</summary>
public static class Timing
{
    /// <summary>The fastest of several runs, in milliseconds, after a warm-up that compiles the kernels. Each run waits until its work is
    /// done.</summary>
    /// <param name="device">The device.</param>
    /// <param name="run">Launches the work.</param>
    /// <param name="runs">Timed runs, at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer.</exception>
    public static double Milliseconds(this Device device, Action run, int runs = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        var best = double.PositiveInfinity;
        for (var i = 0; i <= runs; i++)
        {
            var watch = Stopwatch.StartNew();
            run();
            device.Synchronize();
            if (i > 0) best = Math.Min(best, watch.Elapsed.TotalMilliseconds);
        }
        return best;
    }
}
