using ILGPU;

namespace Convolve.Engine.Tensors;

/// <summary>A tensor's values for kernels, in row-major order; the host reads them with <see cref="Tensor.ToArray"/>.</summary>
public readonly struct Values
{
    private readonly ArrayView<float> view;

    internal Values(ArrayView<float> view) => this.view = view;

    /// <summary>Their number.</summary>
    public int Length => view.IntLength;

    /// <summary>One of them, to read and to write. The index is not checked: out of bounds is other tensors' memory.</summary>
    public ref float this[int index] => ref view[index];
}
