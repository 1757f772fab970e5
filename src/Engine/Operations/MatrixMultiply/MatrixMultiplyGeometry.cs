using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.MatrixMultiply;

/// <summary>The sizes of C [Rows, Columns] = op(A) [Rows, Depth] · op(B) [Depth, Columns], where op may transpose.</summary>
public readonly record struct MatrixMultiplyGeometry(int Rows, int Columns, int Depth, bool TransposeLeft, bool TransposeRight)
{
    /// <summary>The shape of the product.</summary>
    public Shape Output => new(Rows, Columns);

    /// <summary>Checks two matrices against each other.</summary>
    /// <exception cref="ArgumentException">One is no matrix, or the inner sizes differ.</exception>
    public static MatrixMultiplyGeometry Create(Shape left, Shape right, bool transposeLeft = false, bool transposeRight = false)
    {
        if (left.Rank != 2 || right.Rank != 2)
            throw new ArgumentException($"matrix multiply: {left} and {right} must both have two dimensions");
        var (rows, depth) = transposeLeft ? (left[1], left[0]) : (left[0], left[1]);
        var (rightDepth, columns) = transposeRight ? (right[1], right[0]) : (right[0], right[1]);
        if (depth != rightDepth)
            throw new ArgumentException(
                $"matrix multiply: {left}{(transposeLeft ? "ᵀ" : "")} has inner size {depth}, {right}{(transposeRight ? "ᵀ" : "")} has "
                    + $"{rightDepth}");
        return new(rows, columns, depth, transposeLeft, transposeRight);
    }
}
