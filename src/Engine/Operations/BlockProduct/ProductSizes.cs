using Convolve.Engine.Kernels;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>The sizes of a product [Rows, Depth] · [Depth, Columns], how it is shared out, and what happens to its sums.</summary>
internal struct ProductSizes
{
    /// <summary>Rows of the left factor and of the output.</summary>
    public int Rows;

    /// <summary>Columns of the right factor and of the output.</summary>
    public int Columns;

    /// <summary>The length of every sum.</summary>
    public int Depth;

    /// <summary>The part of the depth that one work-item sums up.</summary>
    public int DepthPerSplit;

    /// <summary>Rows of one work-item, at most the tile's block.</summary>
    public int RowsPerItem;

    /// <summary>Tiles side by side of one work-item; for processors only.</summary>
    public int TilesPerItem;

    /// <summary>What becomes of a sum.</summary>
    public Epilogue Epilogue;
}

/// <summary>What is done to a finished sum before it is stored: <c>y = max(floor, sum + bias[column] (+ y))</c>.</summary>
internal struct Epilogue
{
    /// <summary>1 to add to what the output holds, 0 to overwrite it.</summary>
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
