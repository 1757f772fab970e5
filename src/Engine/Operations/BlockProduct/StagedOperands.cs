using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// An operand for staging on a GPU: every thread follows one line of positions (rows of a left factor, columns of a right one) or
/// depths through the product, four neighbours at a time, without divisions.
/// </summary>
internal interface IStagedOperand
{
    /// <summary>Which direction is contiguous in memory: neighbouring depths, or neighbouring positions.</summary>
    static abstract bool DepthsAreContiguous { get; }

    /// <summary>Memory of the elements; the launcher ensures that it begins at a multiple of 16 bytes.</summary>
    ArrayView<float> Memory { get; }

    /// <summary>Whether four neighbours, from a multiple of four on, are always one run of memory that begins at a multiple of 16
    /// bytes.</summary>
    bool FoursAreAligned { get; }

    /// <summary>The position of an element; may be outside the operand.</summary>
    StagingCursor Seek(int position, int depth);

    /// <summary>The cursor moved by <paramref name="depths"/> depths.</summary>
    StagingCursor Advance(StagingCursor cursor, int depths);

    /// <summary>The next cursor in the contiguous direction.</summary>
    StagingCursor Next(StagingCursor cursor);

    /// <summary>The element there, which is inside the operand.</summary>
    float Load(StagingCursor cursor);

    /// <summary>The element there and its three neighbours, where <see cref="FoursAreAligned"/>; all are inside the operand.</summary>
    Float4 LoadFour(StagingCursor cursor);
}

/// <summary>
/// A cursor in an operand. A matrix needs only <see cref="Offset"/>; a convolution keeps an image pixel and a kernel tap, so that advancing
/// takes additions and comparisons instead of divisions. Unused fields cost no register.
/// </summary>
internal struct StagingCursor
{
    /// <summary>Index into the matrix.</summary>
    public int Offset;

    /// <summary>The image.</summary>
    public int Image;

    /// <summary>The row and column of the image below the kernel's first tap.</summary>
    public int Top, Left;

    /// <summary>The tap.</summary>
    public int TapRow, TapColumn;

    /// <summary>The channel under the tap.</summary>
    public int Channel;
}

internal readonly partial struct LeftMatrix
{
    public static bool DepthsAreContiguous => true;

    public bool FoursAreAligned => (stride & 3) == 0;

    public StagingCursor Seek(int position, int depth) => new() { Offset = position * stride + depth };

    public StagingCursor Advance(StagingCursor cursor, int depths) => new() { Offset = cursor.Offset + depths };

    public StagingCursor Next(StagingCursor cursor) => new() { Offset = cursor.Offset + 1 };

    public float Load(StagingCursor cursor) => values[cursor.Offset];

    public Float4 LoadFour(StagingCursor cursor) => values.Cast<Float4>()[cursor.Offset / 4];
}

internal readonly partial struct LeftTransposed
{
    public static bool DepthsAreContiguous => false;

    public bool FoursAreAligned => (stride & 3) == 0;

    public StagingCursor Seek(int position, int depth) => new() { Offset = depth * stride + position };

    public StagingCursor Advance(StagingCursor cursor, int depths) => new() { Offset = cursor.Offset + depths * stride };

    public StagingCursor Next(StagingCursor cursor) => new() { Offset = cursor.Offset + 1 };

    public float Load(StagingCursor cursor) => values[cursor.Offset];

    public Float4 LoadFour(StagingCursor cursor) => values.Cast<Float4>()[cursor.Offset / 4];
}

internal readonly partial struct RightMatrix
{
    public static bool DepthsAreContiguous => false;

    public ArrayView<float> Memory => values;

    public bool FoursAreAligned => (stride & 3) == 0;

    public StagingCursor Seek(int position, int depth) => new() { Offset = depth * stride + position };

    public StagingCursor Advance(StagingCursor cursor, int depths) => new() { Offset = cursor.Offset + depths * stride };

    public StagingCursor Next(StagingCursor cursor) => new() { Offset = cursor.Offset + 1 };

    public float Load(StagingCursor cursor) => values[cursor.Offset];

    public Float4 LoadFour(StagingCursor cursor) => values.Cast<Float4>()[cursor.Offset / 4];
}

internal readonly partial struct RightTransposed
{
    public static bool DepthsAreContiguous => true;

    public ArrayView<float> Memory => values;

    public bool FoursAreAligned => (stride & 3) == 0;

    public StagingCursor Seek(int position, int depth) => new() { Offset = position * stride + depth };

    public StagingCursor Advance(StagingCursor cursor, int depths) => new() { Offset = cursor.Offset + depths };

    public StagingCursor Next(StagingCursor cursor) => new() { Offset = cursor.Offset + 1 };

    public float Load(StagingCursor cursor) => values[cursor.Offset];

    public Float4 LoadFour(StagingCursor cursor) => values.Cast<Float4>()[cursor.Offset / 4];
}
