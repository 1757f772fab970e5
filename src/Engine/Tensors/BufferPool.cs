using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tracing;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Tensors;

/// <summary>
/// The memory of a device. Freed buffers are kept for reuse, so a training step that has run once allocates nothing when it runs again.
/// Work known from a dry run (see <see cref="BeginWork"/>) takes its buffers from one block of memory instead, at the addresses that a
/// <see cref="MemoryLayout"/> has planned.
/// </summary>
/// <remarks>Thread-safe under the device's lock. Planned work belongs to the thread that began it.</remarks>
public sealed class BufferPool : IDisposable
{
    /// <summary>Sizes are rounded up to this many floats (1 KiB), so that nearly equal requests share buffers.</summary>
    private const int Granularity = 256;

    /// <summary>A free buffer serves a request if it is at most this many times larger.</summary>
    private const double LargestWaste = 1.25;

    private readonly Lock gate;
    private readonly Accelerator? accelerator;
    private readonly DeviceDescription description;
    private readonly SortedDictionary<long, Stack<MemoryBlock>> free = [];
    private readonly HashSet<MemoryBlock> all = [];
    private readonly Dictionary<(string Work, int Size), MemoryLayout> layouts = [];
    private readonly List<MemoryBlock> slabs = [];
    private MemoryLayout? layout;
    private (string Work, int Size) work;
    private int position, placedBlocks, follower;
    private long arena, followed;
    private ExecutionTrace? trace;
    private bool disposed;

    /// <param name="gate">The device's lock.</param>
    /// <param name="accelerator">Allocates the memory; null for a pool that only counts.</param>
    /// <param name="description">The device's limits.</param>
    /// <param name="standIn">For a pool that only counts: any memory for the views of its buffers, which nobody reads.</param>
    internal BufferPool(Lock gate, Accelerator? accelerator, DeviceDescription description, MemoryBuffer? standIn = null)
    {
        this.gate = gate;
        this.accelerator = accelerator;
        this.description = description;
        StandIn = standIn;
    }

    /// <summary>The memory of views if the pool only counts; else null.</summary>
    internal MemoryBuffer? StandIn { get; }

    /// <summary>Buffers allocated by the driver so far; constant once a training loop is in its steady state.</summary>
    public long Allocations { get; private set; }

    /// <summary>Bytes allocated by the driver and not freed.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Bytes in use.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>The most bytes ever in use at once.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>The most bytes in use at once since <see cref="MarkPeak"/>.</summary>
    internal long PeakSinceMark { get; private set; }

    /// <summary>How often planned work rented other buffers than in its dry run, and continued without its layout.</summary>
    public long Deviations { get; private set; }

    /// <summary>Bytes of the block of memory that all planned work known so far shares.</summary>
    public long PlannedBytes
    {
        get
        {
            lock (gate) return layouts.Values.Select(l => l.Length).DefaultIfEmpty().Max() * sizeof(float);
        }
    }

    /// <summary>
    /// Runs work of a kind and size that this pool does not know yet on a device without memory, and returns that device's pool. Null if no
    /// work is planned.
    /// </summary>
    public Func<string, int, BufferPool>? DryRun { get; set; }

    private long LargestFloats => description.LargestAllocationBytes / sizeof(float) / Granularity * Granularity;

    /// <summary>
    /// Begins work that rents the same buffers whenever it is repeated; disposing the result ends it. A device without memory records what
    /// the work rents; a device with a <see cref="DryRun"/> uses that record. Meanwhile other threads rent as if there were none.
    /// </summary>
    /// <param name="kind">The kind of work, e.g. <c>training step</c>.</param>
    /// <param name="size">Samples in it, which determine its buffers.</param>
    public RepeatedWork BeginWork(string kind, int size)
    {
        lock (gate)
        {
            if (layout is not null && follower != Environment.CurrentManagedThreadId) return default;
            if (layout is not null) throw new InvalidOperationException($"memory: {kind} begins within {work.Work}");
            RequireOpen();
            work = (kind, size);
            position = 0;
            follower = Environment.CurrentManagedThreadId;
            if (accelerator is null) layout = new MemoryLayout();
            // Blocks of earlier work that are still in use must not be overwritten.
            else if (placedBlocks == 0) layout = PlannedLayout(kind, size);
            return new RepeatedWork(this, ++followed);
        }
    }

    /// <summary>Allocates the memory of planned work before it begins for the first time.</summary>
    /// <exception cref="DeviceException">The device has no room for it.</exception>
    public void Reserve(string kind, int size)
    {
        lock (gate)
        {
            RequireOpen();
            PlannedLayout(kind, size);
        }
    }

    /// <summary>Ends the work, unless other work has replaced it.</summary>
    internal void EndOfWork(long number)
    {
        lock (gate)
            if (number == followed) EndOfWork();
    }

    private void EndOfWork()
    {
        if (layout is not null && accelerator is null)
        {
            layout.Place(LargestFloats);
            layouts[work] = layout;
        }
        else if (layout is not null && !layout.EndsAt(position))
        {
            Deviations++;
        }
        layout = null;
    }

    /// <summary>Records from now on how much memory is in use and held; null for no longer.</summary>
    internal void RecordTo(ExecutionTrace? next)
    {
        trace = next;
        trace?.Memory(UsedBytes, AllocatedBytes);
    }

    /// <summary>Resets <see cref="PeakSinceMark"/> to the bytes in use.</summary>
    internal void MarkPeak() => PeakSinceMark = UsedBytes;

    /// <summary>Rents a buffer of at least <paramref name="length"/> floats, with unspecified content.</summary>
    /// <param name="length">Floats.</param>
    /// <param name="lasting">Whether it is kept for many steps: then no larger buffer, which a step may need, is used for it.</param>
    /// <exception cref="DeviceException">The device has no room for it.</exception>
    internal DeviceBuffer Rent(long length, bool lasting = false)
    {
        var size = Math.Max(1, Rounding.CeilDiv(length, Granularity)) * Granularity;
        lock (gate)
        {
            RequireOpen();
            var block = (lasting ? null : Placed(size)) ?? Reuse(size, lasting ? 1 : LargestWaste) ?? Allocate(size);
            UsedBytes += block.Bytes;
            PeakBytes = Math.Max(PeakBytes, UsedBytes);
            PeakSinceMark = Math.Max(PeakSinceMark, UsedBytes);
            trace?.Memory(UsedBytes, AllocatedBytes);
            return new DeviceBuffer(this, block);
        }
    }

    /// <summary>Adds a holder of a buffer.</summary>
    /// <exception cref="ObjectDisposedException">It was returned already.</exception>
    internal void Retain(DeviceBuffer buffer, ref int holders)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(holders == 0, buffer);
            holders++;
        }
    }

    /// <summary>Removes a holder of a buffer; the last one returns its block.</summary>
    /// <exception cref="ObjectDisposedException">It was returned already.</exception>
    internal void Release(DeviceBuffer buffer, ref int holders, MemoryBlock block)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(holders == 0, buffer);
            if (--holders == 0) Return(block);
        }
    }

    private void Return(MemoryBlock block)
    {
        UsedBytes -= block.Bytes;
        trace?.Memory(UsedBytes, AllocatedBytes);
        if (block.Layout is { } placedBy)
        {
            placedBlocks--;
            if (layout != placedBy) return;
            if (accelerator is null) layout.Return(block.Number);
            else if (layout.IsReturnedAt(position, block.Number)) position++;
            else Deviate();
            return;
        }
        if (!free.TryGetValue(block.Length, out var stack)) free.Add(block.Length, stack = new());
        stack.Push(block);
    }

    /// <summary>Frees all buffers that are not in use.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    public void Trim()
    {
        lock (gate)
        {
            RequireOpen();
            GiveBackFree();
            if (placedBlocks > 0 || layout is not null) return;
            FreeArena();
            layouts.Clear();
        }
    }

    /// <summary>Frees all memory, in use or not; the device calls it when it is disposed.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            foreach (var block in all) block.Memory?.Dispose();
            all.Clear();
            free.Clear();
            slabs.Clear();
        }
    }

    private void RequireOpen()
    {
        if (disposed) throw new ObjectDisposedException(nameof(BufferPool), $"device {description} was disposed; open it again");
        accelerator?.Bind();
    }

    /// <summary>The block that the current work's layout has for this request; null if it has none.</summary>
    private MemoryBlock? Placed(long size)
    {
        if (layout is null || follower != Environment.CurrentManagedThreadId) return null;
        if (accelerator is null)
        {
            RequireOneAllocation(size);
            placedBlocks++;
            return new MemoryBlock(null, 0, size) { Layout = layout, Number = layout.Rent(size) };
        }
        var number = layout.RentedAt(position, size);
        if (number < 0)
        {
            Deviate();
            return null;
        }
        position++;
        if (!layout.HasPlace(number)) return null;
        placedBlocks++;
        var begin = layout.Begin(number);
        return new MemoryBlock(slabs[(int)(begin / LargestFloats)].Memory, begin % LargestFloats, size)
        {
            Layout = layout,
            Number = number
        };
    }

    private void Deviate()
    {
        Deviations++;
        layout = null;
    }

    private MemoryLayout? PlannedLayout(string kind, int size)
    {
        if (!layouts.TryGetValue((kind, size), out var known))
        {
            if (DryRun is null || !DryRun(kind, size).layouts.TryGetValue((kind, size), out known)) return null;
            layouts.Add((kind, size), known);
        }
        if (known.Length <= arena) return known;
        if (placedBlocks > 0) return null;
        FreeArena();
        for (long begin = 0; begin < known.Length; begin += LargestFloats)
            slabs.Add(Allocate(Math.Min(LargestFloats, known.Length - begin)));
        arena = known.Length;
        return known;
    }

    private void GiveBackFree()
    {
        accelerator?.Synchronize();
        foreach (var stack in free.Values)
            while (stack.TryPop(out var block)) Free(block);
        free.Clear();
    }

    private void FreeArena()
    {
        accelerator?.Synchronize();
        foreach (var slab in slabs) Free(slab);
        slabs.Clear();
        arena = 0;
    }

    private MemoryBlock? Reuse(long size, double largestWaste)
    {
        if (free.TryGetValue(size, out var exact) && exact.TryPop(out var same)) return same;
        foreach (var (length, stack) in free)
        {
            if (length > size * largestWaste) break;
            if (length >= size && stack.TryPop(out var block)) return block;
        }
        return null;
    }

    private MemoryBlock Allocate(long size)
    {
        RequireOneAllocation(size);
        MemoryBuffer1D<float, Stride1D.Dense>? memory = null;
        if (accelerator is not null)
            try
            {
                memory = accelerator.Allocate1D<float>(size);
            }
            catch (Exception first) when (first is not DeviceException)
            {
                GiveBackFree();
                try
                {
                    memory = accelerator.Allocate1D<float>(size);
                }
                catch (Exception second)
                {
                    throw new DeviceException(
                        $"out of device memory: {Mebibytes(size * sizeof(float))} more do not fit beside the {Mebibytes(UsedBytes)} in use "
                            + $"on {description}; "
                        + $"use a smaller batch or smaller images ({DeviceException.Reason(second)})", second);
                }
            }
        var block = new MemoryBlock(memory, 0, size);
        Allocations++;
        AllocatedBytes += block.Bytes;
        all.Add(block);
        return block;
    }

    private void Free(MemoryBlock block)
    {
        AllocatedBytes -= block.Bytes;
        all.Remove(block);
        block.Memory?.Dispose();
    }

    private void RequireOneAllocation(long size)
    {
        if (size * sizeof(float) > description.LargestAllocationBytes)
            throw new DeviceException(
                $"out of device memory: one buffer of {Mebibytes(size * sizeof(float))} is more than {description} offers at once "
                + $"({Mebibytes(description.LargestAllocationBytes)}); use a smaller batch or smaller images");
    }

    private static string Mebibytes(long bytes) => $"{bytes / 1048576.0:F0} MiB";
}

/// <summary>Work that rents the same buffers whenever it is repeated, from <see cref="BufferPool.BeginWork"/> until it is
/// disposed.</summary>
public readonly struct RepeatedWork : IDisposable
{
    private readonly BufferPool? pool;
    private readonly long number;

    internal RepeatedWork(BufferPool pool, long number)
    {
        this.pool = pool;
        this.number = number;
    }

    /// <inheritdoc/>
    public void Dispose() => pool?.EndOfWork(number);
}

/// <summary>Contiguous floats: an allocation of the driver, or a part of one.</summary>
/// <param name="memory">The allocation; null on a device without memory.</param>
/// <param name="begin">The block's first float in it.</param>
/// <param name="length">Its floats.</param>
internal sealed class MemoryBlock(MemoryBuffer1D<float, Stride1D.Dense>? memory, long begin, long length)
{
    public MemoryBuffer1D<float, Stride1D.Dense>? Memory => memory;

    public long Length => length;

    public long Bytes => length * sizeof(float);

    /// <summary>The layout that placed the block, if one did.</summary>
    public MemoryLayout? Layout { get; init; }

    /// <summary>The block's number there.</summary>
    public int Number { get; init; }

    public ArrayView<float> View(MemoryBuffer? standIn, int first, int count) =>
        memory is null ? new ArrayView<float>(standIn!, 0, count) : memory.AsArrayView<float>(begin + first, count);
}

/// <summary>A rented buffer, shared by the tensors that hold it; the last release returns it to the pool.</summary>
internal sealed class DeviceBuffer(BufferPool pool, MemoryBlock block)
{
    private int holders = 1;

    public ArrayView<float> View(int length) => View(0, length);

    /// <exception cref="ObjectDisposedException">The buffer was returned already.</exception>
    public ArrayView<float> View(int begin, int length)
    {
        ObjectDisposedException.ThrowIf(holders == 0, this);
        return block.View(pool.StandIn, begin, length);
    }

    public MemoryBuffer? Memory => block.Memory;

    public void Retain() => pool.Retain(this, ref holders);

    public void Release() => pool.Release(this, ref holders, block);
}
