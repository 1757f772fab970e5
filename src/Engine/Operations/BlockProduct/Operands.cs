using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The left factor of a product, [rows, depth], in any storage: a matrix, its transpose, or the patches of an image that a
/// convolution multiplies by its kernel and that never exist as a matrix.
/// </summary>
internal interface ILeftOperand : IStagedOperand
{
    /// <summary>
    /// Which direction is contiguous in memory: neighbouring rows (a transposed matrix) or neighbouring depths (a plain one).
    /// </summary>
    static abstract bool RowsAreContiguous { get; }

    /// <summary>
    /// Whether a row's depths are contiguous in memory, so that a register tile can read them in place: packing them for one tile of
    /// columns would cost more than it saves.
    /// </summary>
    static abstract bool RowsAreInMemory { get; }

    /// <summary>Distance between the starts of neighbouring rows in <see cref="IStagedOperand.Memory"/>.</summary>
    int RowStride { get; }

    /// <summary>
    /// Copies <paramref name="count"/> values along the contiguous direction, from (row, depth) on, to <c>block[at…]</c>.
    /// All of them are inside the operand.
    /// </summary>
    void Copy(int row, int depth, int count, ArrayView<float> block, int at);
}

/// <summary>The right factor of a product, [depth, columns], in any storage.</summary>
internal interface IRightOperand : IStagedOperand
{
    /// <summary>
    /// Copies the rectangle of <paramref name="depths"/> × <paramref name="columns"/> values from (depth, column) on to a block
    /// whose rows are <paramref name="stride"/> apart. All of them are inside the operand.
    /// </summary>
    void Copy(int depth, int depths, int column, int columns, ArrayView<float> block, int stride);
}

/// <summary>A row-major matrix as the left factor: element (row, depth) at <c>row * Stride + depth</c>.</summary>
internal readonly partial struct LeftMatrix(ArrayView<float> values, int stride) : ILeftOperand
{
    private readonly ArrayView<float> values = values;
    private readonly int stride = stride;

    public static bool RowsAreContiguous => false;

    public static bool RowsAreInMemory => true;

    public ArrayView<float> Memory => values;

    public int RowStride => stride;

    public void Copy(int row, int depth, int count, ArrayView<float> block, int at)
    {
        var source = row * stride + depth;
        for (var i = 0; i < count; i++) block[at + i] = values[source + i];
    }
}

/// <summary>A transposed matrix as the left factor: element (row, depth) at <c>depth * Stride + row</c>.</summary>
internal readonly partial struct LeftTransposed(ArrayView<float> values, int stride) : ILeftOperand
{
    private readonly ArrayView<float> values = values;
    private readonly int stride = stride;

    public static bool RowsAreContiguous => true;

    public static bool RowsAreInMemory => false;

    public ArrayView<float> Memory => values;

    public int RowStride => 1;

    public void Copy(int row, int depth, int count, ArrayView<float> block, int at)
    {
        var source = depth * stride + row;
        for (var i = 0; i < count; i++) block[at + i] = values[source + i];
    }
}

/// <summary>A row-major matrix as the right factor: element (depth, column) at <c>depth * Stride + column</c>.</summary>
internal readonly partial struct RightMatrix(ArrayView<float> values, int stride) : IRightOperand
{
    private readonly ArrayView<float> values = values;
    private readonly int stride = stride;

    public void Copy(int depth, int depths, int column, int columns, ArrayView<float> block, int blockStride)
    {
        for (var d = 0; d < depths; d++)
        {
            var source = (depth + d) * stride + column;
            for (var i = 0; i < columns; i++) block[d * blockStride + i] = values[source + i];
        }
    }
}

/// <summary>A transposed matrix as the right factor: element (depth, column) at <c>column * Stride + depth</c>.</summary>
internal readonly partial struct RightTransposed(ArrayView<float> values, int stride) : IRightOperand
{
    private readonly ArrayView<float> values = values;
    private readonly int stride = stride;

    public void Copy(int depth, int depths, int column, int columns, ArrayView<float> block, int blockStride)
    {
        // Reads are contiguous; the scattered writes stay in the block, which is in the first-level cache.
        for (var i = 0; i < columns; i++)
        {
            var source = (column + i) * stride + depth;
            for (var d = 0; d < depths; d++) block[d * blockStride + i] = values[source + d];
        }
    }
}
