using System.Numerics;

namespace Convolve.Layers;

/// <summary>
/// Which branch a layer took wherever its function has a kink: on which side of zero each input of a ReLU lay, which element of each window
/// of a max pooling was the largest. Between two points with the same pattern the function is smooth. A pattern is kept as a 64-bit digest
/// of its branches in order, since a network has millions.
/// </summary>
public struct BranchPattern : IEquatable<BranchPattern>
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    private ulong digest;

    /// <summary>Adds the next branch.</summary>
    /// <param name="branch">Its number.</param>
    public void Take(int branch) => digest = (BitOperations.RotateLeft(digest, 23) ^ (ulong)(branch + 1)) * Multiplier;

    /// <summary>max(0, x) of every value, in place, adding the branches taken.</summary>
    public void Rectify(double[] values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var isPositive = values[i] > 0;
            Take(isPositive ? 1 : 0);
            if (!isPositive) values[i] = Math.Max(0, values[i]);
        }
    }

    /// <inheritdoc/>
    public readonly bool Equals(BranchPattern other) => digest == other.digest;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is BranchPattern other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => digest.GetHashCode();

    /// <summary>Whether all branches are the same.</summary>
    public static bool operator ==(BranchPattern left, BranchPattern right) => left.Equals(right);

    /// <summary>Whether a branch differs.</summary>
    public static bool operator !=(BranchPattern left, BranchPattern right) => !left.Equals(right);
}

/// <summary>A layer's output in double precision.</summary>
/// <param name="Values">[N, …output], row-major.</param>
/// <param name="Branches">The branches taken; none for a function without kinks.</param>
public readonly record struct ReferenceValues(double[] Values, BranchPattern Branches = default)
{
    /// <summary>Sums, after a ReLU in place if the layer applies one.</summary>
    internal static ReferenceValues Of(double[] sums, bool relu)
    {
        var branches = default(BranchPattern);
        if (relu) branches.Rectify(sums);
        return new ReferenceValues(sums, branches);
    }
}
