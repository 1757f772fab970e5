using Convolve.Engine.Devices;
using ILGPU;

namespace Convolve.Engine.Tensors;

/// <summary>
/// A float32 array on a device, row-major; image batches are [N,H,W,C]. Disposing it returns its memory to the device's pool at
/// once (work already launched on it stays correct, since a device runs its launches in order).
/// </summary>
public sealed class Tensor : IDisposable
{
    private readonly DeviceBuffer buffer;
    private readonly int begin;
    private int holders = 1;
    private bool releasedByOwner;

    internal Tensor(Device device, Shape shape, DeviceBuffer buffer, int begin = 0)
    {
        Device = device;
        Shape = shape;
        this.buffer = buffer;
        this.begin = begin;
    }

    /// <summary>Where the values are.</summary>
    public Device Device { get; }

    /// <summary>The sizes, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>Whether gradients with respect to this tensor are computed.</summary>
    public bool RequiresGradient { get; set; }

    /// <summary>The accumulated gradient; null as long as there is none.</summary>
    public Tensor? Gradient { get; internal set; }

    /// <summary>
    /// Where the gradient is collected, if it has a place of its own, whose owner frees it; null if it gets memory as it comes.
    /// </summary>
    public Tensor? GradientMemory { get; set; }

    /// <summary>Whether an operation on a tape has made the tensor, so that the tape frees it when nothing will read it again.</summary>
    internal bool IsOfTape { get; set; }

    /// <summary>Whether the memory was given back.</summary>
    public bool IsDisposed => holders == 0;

    /// <summary>The values for a kernel of one's own, which runs on the device.</summary>
    /// <exception cref="ObjectDisposedException">The memory was given back.</exception>
    public Values Values
    {
        get
        {
            // The kernel may write them.
            Range = null;
            return new(View);
        }
    }

    internal ArrayView<float> View
    {
        get
        {
            RequireMemory();
            return buffer.View(begin, Shape.Length);
        }
    }

    /// <summary>The least and the largest of the values, as long as they are a row that the host gave and nothing has changed since.</summary>
    internal ValueRange? Range { get; private set; }

    /// <summary>A tensor with unspecified content, to be written whole before it is read.</summary>
    public static Tensor Uninitialized(Device device, Shape shape) => new(device, shape, device.Pool.Rent(shape.Length));

    /// <summary>
    /// A tensor with unspecified content that is to live long, such as a network's parameters: it gets memory of exactly its size, and
    /// leaves what a training step uses again and again alone.
    /// </summary>
    public static Tensor Lasting(Device device, Shape shape) => new(device, shape, device.Pool.Rent(shape.Length, lasting: true));

    /// <summary>A tensor filled with one value.</summary>
    public static Tensor Filled(Device device, Shape shape, float value)
    {
        var tensor = Uninitialized(device, shape);
        tensor.Fill(value);
        return tensor;
    }

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(Device device, Shape shape) => Filled(device, shape, 0);

    /// <summary>A tensor with the given values, in row-major order.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
    public static Tensor FromValues(Device device, Shape shape, ReadOnlySpan<float> values)
    {
        var tensor = Uninitialized(device, shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>Overwrites all values from host memory.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
    public void CopyFrom(ReadOnlySpan<float> values)
    {
        RequireLength(values.Length);
        Device.CopyToDevice(values, View);
        Range = Shape.Rank == 1 && !IsShared ? ValueRange.Of(values) : null;
    }

    /// <summary>Overwrites all values with those of another tensor of this shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void CopyFrom(Tensor other)
    {
        if (other.Shape != Shape) throw new ArgumentException($"copy: {other} does not fit {this}");
        Range = null;
        Operations.Elementwise.Addition.Copy(other, this);
    }

    /// <summary>Copies all values to host memory; waits for the device.</summary>
    /// <exception cref="ArgumentException">The target's length is not the shape's.</exception>
    public void CopyTo(Span<float> target)
    {
        RequireLength(target.Length);
        Device.CopyToHost(View, target);
    }

    /// <summary>All values, in row-major order; waits for the device.</summary>
    public float[] ToArray()
    {
        var values = new float[Shape.Length];
        CopyTo(values);
        return values;
    }

    /// <summary>Sets every element.</summary>
    public void Fill(float value)
    {
        Range = null;
        Device.ForEach(Shape.Length, FillKernels.Fill<SpanPerItem>, FillKernels.Fill<GridStride>, View, value);
    }

    /// <summary>The same values under another shape; shares the memory.</summary>
    /// <exception cref="ArgumentException">The shapes differ in length.</exception>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Length != Shape.Length)
            throw new ArgumentException($"reshape: {Shape} has {Shape.Length} elements, {shape} has {shape.Length}");
        return Share(shape, begin);
    }

    /// <summary>Neighbouring elements under a shape of their own; shares the memory.</summary>
    /// <param name="first">The first element.</param>
    /// <param name="shape">The shape of the part.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie in this tensor.</exception>
    public Tensor Slice(int first, Shape shape)
    {
        if (first < 0 || (long)first + shape.Length > Shape.Length)
            throw new ArgumentOutOfRangeException(nameof(first), $"slice: {shape} from element {first} on does not lie in {Shape}");
        return Share(shape, begin + first);
    }

    /// <summary>Drops the gradient, if there is one.</summary>
    public void ClearGradient()
    {
        if (!ReferenceEquals(Gradient, GradientMemory)) Gradient?.Dispose();
        Gradient = null;
    }

    /// <summary>Ends the owner's hold; the memory returns to the pool once a tape that still has to read it lets go, too.</summary>
    public void Dispose()
    {
        lock (Device.Gate)
        {
            if (releasedByOwner) return;
            releasedByOwner = true;
            ClearGradient();
            Release();
        }
    }

    /// <summary>One more holder: the tape holds what a backward pass will read.</summary>
    internal void Retain()
    {
        lock (Device.Gate)
        {
            RequireMemory();
            holders++;
        }
    }

    /// <summary>One holder less. The gradient stays: it may outlive the values, on its way back through the tape.</summary>
    internal void Release()
    {
        lock (Device.Gate)
            if (--holders == 0) buffer.Release();
    }

    /// <inheritdoc/>
    public override string ToString() => $"tensor {Shape}";

    /// <summary>Another name for the memory, from an element on: whoever holds it may change these values, too.</summary>
    private Tensor Share(Shape shape, int first)
    {
        RequireMemory();
        buffer.Retain();
        Range = null;
        IsShared = true;
        return new Tensor(Device, shape, buffer, first) { IsShared = true };
    }

    private bool IsShared { get; set; }

    private void RequireMemory()
    {
        if (!IsDisposed) return;
        throw new ObjectDisposedException(nameof(Tensor), IsOfTape
            ? $"{this}: its tape has freed it, as nothing on the tape will read it again; read it before Backward, or have it kept with tape.Keep(tensor)"
            : $"{this} was disposed");
    }

    private void RequireLength(int length)
    {
        if (length != Shape.Length) throw new ArgumentException($"tensor {Shape} has {Shape.Length} elements, but {length} were given");
    }
}

internal static class FillKernels
{
    public static void Fill<TShape>(ArrayView<float> target, float value) where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(target.IntLength); i += TShape.Step) target[i] = value;
    }
}
