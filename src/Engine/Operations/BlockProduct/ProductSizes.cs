using Convolve.Engine.Kernels;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>The sizes of a product [Rows, Depth] · [Depth, Columns], its division into items, and its epilogue.</summary>
internal struct ProductSizes
{
    /// <summary>Rows of the left factor and of the output.</summary>
    public int Rows;

    /// <summary>Columns of the right factor and of the output.</summary>
    public int Columns;

    /// <summary>The length of every sum.</summary>
    public int Depth;

    /// <summary>The part of the depth per work item.</summary>
    public int DepthPerSplit;

    /// <summary>Rows per work item, at most the tile's block.</summary>
    public int RowsPerItem;

    /// <summary>Tiles per work item; CPUs only.</summary>
    public int TilesPerItem;

    /// <summary>The epilogue of a sum.</summary>
    public Epilogue Epilogue;
}

/// <summary>The final step before a sum is stored: <c>y = max(floor, sum + bias[column] (+ y))</c>.</summary>
internal struct Epilogue
{
    /// <summary>1 to add to the output, 0 to overwrite it.</summary>
    public int Accumulate;

    /// <summary>1 if there is a bias per column.</summary>
    public int HasBias;

    /// <summary>0 for ReLU, minus infinity for none.</summary>
    public float Floor;

    /// <summary>An epilogue of the given parts.</summary>
    public static Epilogue Of(bool accumulate = false, bool bias = false, bool relu = false) =>
        new() { Accumulate = accumulate ? 1 : 0, HasBias = bias ? 1 : 0, Floor = relu ? 0 : float.NegativeInfinity };

    /// <summary>Clips at the floor; written so that NaN stays NaN.</summary>
    public readonly float Clip(float value) => Kernels.Clip.Invoke(value, Floor);
}
