using ILGPU;

namespace Convolve.Engine.Tensors;

/// <summary>The numbers of a tensor as a kernel sees them, in row-major order; on the host they cannot be read (see <see cref="Tensor.ToArray"/>).</summary>
public readonly struct Values
{
    private readonly ArrayView<float> view;

    internal Values(ArrayView<float> view) => this.view = view;

    /// <summary>How many there are.</summary>
    public int Length => view.IntLength;

    /// <summary>One of them, to read and to write. The index is not checked: outside lies other tensors' memory.</summary>
    public ref float this[int index] => ref view[index];
}
