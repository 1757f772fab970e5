using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Pixels;

/// <summary>
/// Bytes of a batch in device memory, uploaded on their own stream: while kernels of one step run, the images of the next one
/// are copied. With two of them in turn, a device never waits for the copy.
/// </summary>
/// <remarks>
/// <see cref="Upload"/> does not wait for kernels, so no kernel that uses this object's bytes may still be running: fill the
/// other one until a result of the step that read this one is back on the host.
/// </remarks>
public sealed class StagedPixels : IDisposable
{
    private readonly DeviceBuffer buffer;
    private readonly int capacity;
    private bool disposed;

    /// <summary>Takes memory for so many bytes.</summary>
    public StagedPixels(Device device, int capacity)
    {
        Device = device;
        this.capacity = capacity;
        buffer = device.Pool.Rent(Floats);
        // Kernels of its previous user may still read it, and uploads do not queue behind them.
        device.Synchronize();
    }

    /// <summary>The memory of the bytes.</summary>
    public Device Device { get; }

    /// <summary>Bytes uploaded.</summary>
    public int Length { get; private set; }

    internal ArrayView<byte> View => buffer.View(Floats).Cast<byte>().SubView(0, Length);

    private int Floats => Rounding.CeilDiv(capacity, sizeof(float));

    /// <summary>Overwrites the bytes; returns when they are copied, without waiting for kernels.</summary>
    /// <exception cref="ArgumentException">There are more than fit.</exception>
    public void Upload(ReadOnlySpan<byte> pixels)
    {
        if (pixels.Length > capacity)
            throw new ArgumentException($"staged pixels: {pixels.Length} bytes do not fit into {capacity}");
        Length = pixels.Length;
        Device.CopyBeside(pixels, View);
    }

    /// <summary>
    /// The bytes reinterpreted as float32 in this machine's byte order, sharing the memory, for samples that were computed
    /// before. Changing the tensor changes the bytes.
    /// </summary>
    /// <exception cref="ArgumentException">Their number does not match the shape; not checked in a dry run.</exception>
    public Tensor AsTensor(Shape shape)
    {
        if (Length != (long)shape.Length * sizeof(float) && Device.Computes)
            throw new ArgumentException(
                $"staged values: {shape} needs {(long)shape.Length * sizeof(float)} bytes, but {Length} were given");
        buffer.Retain();
        return new Tensor(Device, shape, buffer);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        buffer.Release();
    }
}
