using System.Collections.Immutable;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;

namespace Convolve.Engine.Tensors;

/// <summary>The sizes of a tensor, outermost first: an image batch is [N,H,W,C].</summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>
    /// The most elements of a tensor: kernels index with 32 bits, and a grid's last stride must not wrap around.
    /// </summary>
    private const int LargestLength = int.MaxValue - GridStride.GroupSize * GridStride.MaximalGroups;

    private readonly ImmutableArray<int> sizes;

    /// <summary>A shape of the given sizes, each at least one.</summary>
    /// <exception cref="ArgumentException">A size is below one, or the tensor would have 2³¹ elements or more.</exception>
    public Shape(params ReadOnlySpan<int> sizes)
    {
        this.sizes = [.. sizes];
        long length = 1;
        foreach (var size in sizes)
        {
            if (size < 1) throw new ArgumentException($"shape [{string.Join(',', this.sizes)}]: every size must be at least 1");
            length = checked(length * size);
            if (length > LargestLength)
                throw new ArgumentException($"shape [{string.Join(',', this.sizes)}] has more than {LargestLength} elements; kernels index "
                    + "with 32 bits: use a smaller batch");
        }
        Length = (int)length;
    }

    /// <summary>The number of dimensions.</summary>
    public int Rank => sizes.Length;

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>The size of one dimension; negative indices count from the end.</summary>
    public int this[Index dimension] => sizes[dimension.GetOffset(sizes.Length)];

    /// <summary>All sizes.</summary>
    public ImmutableArray<int> Sizes => sizes;

    /// <inheritdoc/>
    public bool Equals(Shape other) => sizes.AsSpan().SequenceEqual(other.sizes.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var size in sizes) hash.Add(size);
        return hash.ToHashCode();
    }

    /// <summary>Whether all sizes are equal.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether a size differs.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>E.g. <c>[8,150,150,3]</c>.</summary>
    public override string ToString() => $"[{string.Join(',', sizes)}]";
}
