using Convolve.Engine.Devices;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Tensors;

/// <summary>
/// The memory of a device. Buffers that nobody holds any more are kept and rented again, so that a training step that has run
/// once allocates nothing when it runs again.
/// </summary>
public sealed class BufferPool : IDisposable
{
    /// <summary>Sizes are rounded up to this many floats (1 KiB), so that nearly equal requests share buffers.</summary>
    private const int Granularity = 256;

    /// <summary>A free buffer serves a request if it is at most this many times larger.</summary>
    private const double LargestWaste = 1.25;

    private readonly Accelerator accelerator;
    private readonly DeviceDescription description;
    private readonly SortedDictionary<long, Stack<MemoryBuffer1D<float, Stride1D.Dense>>> free = [];
    private readonly HashSet<MemoryBuffer1D<float, Stride1D.Dense>> all = [];

    internal BufferPool(Accelerator accelerator, DeviceDescription description)
    {
        this.accelerator = accelerator;
        this.description = description;
    }

    /// <summary>Buffers taken from the driver so far; constant once a training loop has reached its steady state.</summary>
    public long Allocations { get; private set; }

    /// <summary>Bytes taken from the driver and not given back.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Bytes in buffers that somebody holds now.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>The most bytes ever in use at once.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Takes a buffer of at least <paramref name="length"/> floats, with unspecified content.</summary>
    /// <param name="length">Floats.</param>
    /// <param name="lasting">Whether it is kept for many steps: then no larger buffer, which a step may need again, is taken for it.</param>
    /// <exception cref="DeviceException">The device has no room for it.</exception>
    internal DeviceBuffer Rent(long length, bool lasting = false)
    {
        var size = Math.Max(1, (length + Granularity - 1) / Granularity) * Granularity;
        var memory = Reuse(size, lasting ? 1 : LargestWaste) ?? Allocate(size);
        UsedBytes += memory.LengthInBytes;
        PeakBytes = Math.Max(PeakBytes, UsedBytes);
        return new DeviceBuffer(this, memory);
    }

    internal void Return(MemoryBuffer1D<float, Stride1D.Dense> memory)
    {
        UsedBytes -= memory.LengthInBytes;
        if (!free.TryGetValue(memory.Length, out var stack)) free.Add(memory.Length, stack = new());
        stack.Push(memory);
    }

    /// <summary>Gives every buffer that nobody holds back to the driver.</summary>
    public void Trim()
    {
        accelerator.Synchronize();
        foreach (var stack in free.Values)
            while (stack.TryPop(out var memory))
            {
                AllocatedBytes -= memory.LengthInBytes;
                all.Remove(memory);
                memory.Dispose();
            }
        free.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var memory in all) memory.Dispose();
        all.Clear();
        free.Clear();
    }

    private MemoryBuffer1D<float, Stride1D.Dense>? Reuse(long size, double largestWaste)
    {
        if (free.TryGetValue(size, out var exact) && exact.TryPop(out var same)) return same;
        foreach (var (length, stack) in free)
        {
            if (length > size * largestWaste) break;
            if (length >= size && stack.TryPop(out var memory)) return memory;
        }
        return null;
    }

    private MemoryBuffer1D<float, Stride1D.Dense> Allocate(long size)
    {
        var bytes = size * sizeof(float);
        if (bytes > description.LargestAllocationBytes)
            throw new DeviceException(
                $"out of device memory: one buffer of {Mebibytes(bytes)} is more than {description} offers at once "
                + $"({Mebibytes(description.LargestAllocationBytes)}); use a smaller batch or smaller images");
        MemoryBuffer1D<float, Stride1D.Dense> memory;
        try
        {
            memory = accelerator.Allocate1D<float>(size);
        }
        catch (Exception first) when (first is not DeviceException)
        {
            Trim();
            try
            {
                memory = accelerator.Allocate1D<float>(size);
            }
            catch (Exception second)
            {
                throw new DeviceException(
                    $"out of device memory: {Mebibytes(bytes)} more do not fit beside the {Mebibytes(UsedBytes)} in use on {description}; "
                    + "use a smaller batch or smaller images", second);
            }
        }
        Allocations++;
        AllocatedBytes += memory.LengthInBytes;
        all.Add(memory);
        return memory;
    }

    private static string Mebibytes(long bytes) => $"{bytes / 1048576.0:F0} MiB";
}

/// <summary>A rented buffer, shared by the tensors that hold it; the last release returns it to the pool.</summary>
internal sealed class DeviceBuffer(BufferPool pool, MemoryBuffer1D<float, Stride1D.Dense> memory)
{
    private int holders = 1;

    public ArrayView<float> View(int length) => View(0, length);

    public ArrayView<float> View(int begin, int length) => memory.AsArrayView<float>(begin, length);

    public void Retain()
    {
        ObjectDisposedException.ThrowIf(holders == 0, this);
        holders++;
    }

    public void Release()
    {
        ObjectDisposedException.ThrowIf(holders == 0, this);
        if (--holders == 0) pool.Return(memory);
    }
}
