using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;
using ILGPU;

namespace Convolve.Engine.Measurement;

/// <summary>
/// The device's measured peak: multiply-adds on values that never leave the registers. The fraction of it that a kernel reaches rates the
/// kernel on any machine.
/// </summary>
public static class PeakArithmetic
{
    /// <summary>Sums of a thread on a GPU, enough independent chains to hide the latency of a multiply-add.</summary>
    private const int Chains = 8;

    internal const int Repetitions = 4096;

    /// <summary>float32 operations per second in units of 10⁹, a multiply-add counted as two; the best of
    /// <paramref name="runs"/>.</summary>
    public static double MeasureGigaflops(Device device, int runs = 9)
    {
        double operations = 0;
        using var output = Tensor.Filled(device, new Shape(1), 0);
        var milliseconds = device.Milliseconds(() => operations = Launch(device, output.View), runs);
        return operations / milliseconds * 1e-6;
    }

    /// <summary>Launches the kernel for GPUs.</summary>
    internal static void LaunchChains(Device device, ArrayView<float> output, int groups) =>
        device.Kernels.ForEachGroup(new(groups, Threads: GridStride.GroupSize), new ChainsOfThreads { Output = output, Factor = 0.5f });

    private static double Launch(Device device, ArrayView<float> output)
    {
        if (device.Shape == KernelShape.Gpu)
        {
            var groups = device.Description.ComputeUnits * 32;
            LaunchChains(device, output, groups);
            return 2.0 * groups * GridStride.GroupSize * Repetitions * Chains;
        }
        var items = device.Workers * 64;
        if (device.HasWideVectors) device.Kernels.ForEachQueued(items, new TileOfSums<Tile8x32> { Output = output, Factor = 0.5f });
        else device.Kernels.ForEachQueued(items, new TileOfSums<Tile3x32> { Output = output, Factor = 0.5f });
        var sums = device.HasWideVectors ? Tile8x32.Rows * Tile8x32.Columns : Tile3x32.Rows * Tile3x32.Columns;
        return 2.0 * items * Repetitions * sums;
    }
}

// as many sums as a register tile has, one multiply-add each per repetition
[Kernel("peak-tile-3x32", "peak", typeof(Tile3x32))]
[Kernel("peak-tile-8x32", "peak", typeof(Tile8x32))]
internal struct TileOfSums<TTile> : IWorkerKernel where TTile : struct, ICpuTile
{
    public ArrayView<float> Output;
    public float Factor;

    public readonly void Run(WorkQueue queue)
    {
        var factor = Factor;
        var sums = LocalMemory.Allocate1D<float>(TTile.Rows * TTile.Columns);
        for (var item = queue.Next(); item < queue.Items; item = queue.Next())
        {
            for (var i = 0; i < TTile.Rows * TTile.Columns; i++) sums[i] = i;
            for (var repetition = 0; repetition < PeakArithmetic.Repetitions; repetition++)
                for (var i = 0; i < TTile.Rows * TTile.Columns; i++) sums[i] = sums[i] * factor + factor;
            var total = 0f;
            for (var i = 0; i < TTile.Rows * TTile.Columns; i++) total += sums[i];
            // Never true, but the compiler does not know.
            if (total < 0) Output[0] = total;
        }
    }
}

// so many independent chains of multiply-adds in every thread
[Kernel("peak-chains", "peak", Target = KernelTarget.Gpu)]
internal struct ChainsOfThreads : IGroupKernel
{
    public ArrayView<float> Output;
    public float Factor;

    public readonly void Run()
    {
        var factor = Factor;
        float a = Group.IdxX, b = a + 1f, c = a + 2f, d = a + 3f, e = a + 4f, f = a + 5f, g = a + 6f, h = a + 7f;
        for (var repetition = 0; repetition < PeakArithmetic.Repetitions; repetition++)
        {
            a = Step(a, factor);
            b = Step(b, factor);
            c = Step(c, factor);
            d = Step(d, factor);
            e = Step(e, factor);
            f = Step(f, factor);
            g = Step(g, factor);
            h = Step(h, factor);
        }
        if (a + b + c + d + e + f + g + h < 0f) Output[0] = a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Step(float value, float factor) => value * factor + factor;
}
