namespace Convolve.Engine.Operations.MatrixMultiply;

/// <summary>The definition of the matrix product, in plain loops and double precision.</summary>
public static class MatrixMultiplyReference
{
    /// <summary>C[i,j] = Σₖ op(A)[i,k] · op(B)[k,j].</summary>
    public static double[] Forward(MatrixMultiplyGeometry geometry, double[] left, double[] right)
    {
        var (rows, columns, depth, transposeLeft, transposeRight) = geometry;
        var output = new double[rows * columns];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
            {
                double sum = 0;
                for (var k = 0; k < depth; k++)
                    sum += left[transposeLeft ? k * rows + i : i * depth + k] * right[transposeRight ? j * depth + k : k * columns + j];
                output[i * columns + j] = sum;
            }
        return output;
    }
}
