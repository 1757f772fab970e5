using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
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

    /// <summary>The device of the values.</summary>
    public Device Device { get; }

    /// <summary>The sizes, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>Whether gradients with respect to this tensor are computed.</summary>
    public bool RequiresGradient { get; set; }

    /// <summary>The accumulated gradient; null if there is none.</summary>
    public Tensor? Gradient { get; internal set; }

    /// <summary>
    /// Memory for the gradient that somebody else owns and frees; null if the gradient gets memory of its own when it is computed.
    /// </summary>
    public Tensor? GradientMemory { get; set; }

    /// <summary>Whether a tape owns the tensor and frees it when nothing will read it again.</summary>
    internal bool IsOfTape { get; set; }

    /// <summary>Whether the tensor was disposed.</summary>
    public bool IsDisposed => holders == 0;

    /// <summary>The values for a user's kernel, which runs on the device.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
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

    /// <summary>The range of the values if they are a row that the host uploaded and that has not changed since; else null.</summary>
    internal ValueRange? Range { get; private set; }

    /// <summary>A tensor with unspecified content, to be overwritten before it is read.</summary>
    public static Tensor Uninitialized(Device device, Shape shape) => new(device, shape, device.Pool.Rent(shape.Length));

    /// <summary>
    /// A tensor with unspecified content that is kept for long, such as a network's parameters: it gets memory of exactly its size and
    /// takes no buffer that training steps reuse.
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
    /// <exception cref="ArgumentException">The number of values differs from the shape's.</exception>
    public static Tensor FromValues(Device device, Shape shape, ReadOnlySpan<float> values)
    {
        var tensor = Uninitialized(device, shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>Overwrites all values from host memory.</summary>
    /// <exception cref="ArgumentException">The number of values differs from the shape's.</exception>
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
        Device.Kernels.ForEachElement(Shape.Length, new CopyTensor { Source = other.View, Target = View });
    }

    /// <summary>A new tensor with the same shape and values.</summary>
    internal Tensor Copy()
    {
        var copy = Uninitialized(Device, Shape);
        copy.CopyFrom(this);
        return copy;
    }

    /// <summary>Adds the values of another tensor of this length to this one's.</summary>
    internal void Accumulate(Tensor term)
    {
        Range = null;
        Device.Kernels.ForEachElement(Shape.Length, new AddTensors { Left = View, Right = term.View, Sum = View });
    }

    /// <summary>Copies all values to host memory; waits for the device.</summary>
    /// <exception cref="ArgumentException">The target's length differs from the shape's.</exception>
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
        Device.Kernels.ForEach(Shape.Length, new FillTensor { Target = View, Value = value });
    }

    /// <summary>The same values under another shape; shares the memory.</summary>
    /// <exception cref="ArgumentException">The shapes differ in length.</exception>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Length != Shape.Length)
            throw new ArgumentException($"reshape: {Shape} has {Shape.Length} elements, {shape} has {shape.Length}");
        return Share(shape, begin);
    }

    /// <summary>Contiguous elements under a shape of their own; shares the memory.</summary>
    /// <param name="first">The first element.</param>
    /// <param name="shape">The shape of the part.</param>
    /// <exception cref="ArgumentOutOfRangeException">The slice is not within this tensor.</exception>
    public Tensor Slice(int first, Shape shape)
    {
        if (first < 0 || (long)first + shape.Length > Shape.Length)
            throw new ArgumentOutOfRangeException(nameof(first), $"slice: {shape} from element {first} on does not lie in {Shape}");
        return Share(shape, begin + first);
    }

    /// <summary>Frees the gradient, if there is one.</summary>
    public void ClearGradient()
    {
        if (!ReferenceEquals(Gradient, GradientMemory)) Gradient?.Dispose();
        Gradient = null;
    }

    /// <summary>Releases the owner's hold; the memory returns to the pool once a tape that still has to read it releases it, too.</summary>
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

    /// <summary>Adds a holder: a tape holds what a backward pass will read.</summary>
    internal void Retain()
    {
        lock (Device.Gate)
        {
            RequireMemory();
            holders++;
        }
    }

    /// <summary>Removes a holder. The gradient stays: in the backward pass it may outlive the values.</summary>
    internal void Release()
    {
        lock (Device.Gate)
            if (--holders == 0) buffer.Release();
    }

    /// <inheritdoc/>
    public override string ToString() => $"tensor {Shape}";

    /// <summary>A view of the memory, from an element on. Its holder may change these values, too.</summary>
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
            ? $"{this}: its tape has freed it, as nothing on the tape will read it again; read it before Backward, or have it kept with "
                + "tape.Keep(tensor)"
            : $"{this} was disposed");
    }

    private void RequireLength(int length)
    {
        if (length != Shape.Length) throw new ArgumentException($"tensor {Shape} has {Shape.Length} elements, but {length} were given");
    }
}
