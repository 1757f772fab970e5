using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// An operand as a GPU stages it: every thread follows one line of positions (rows of a left factor, columns of a right one) or
/// depths through the product, four neighbours at a time, and never divides to find its place again.
/// </summary>
internal interface IStagedOperand
{
    /// <summary>Which direction is contiguous in memory: neighbouring depths, or neighbouring positions.</summary>
    static abstract bool DepthsAreContiguous { get; }

    /// <summary>Where the elements lie; the launcher makes sure that it begins at a multiple of 16 bytes.</summary>
    ArrayView<float> Memory { get; }

    /// <summary>Whether four neighbours, from a multiple of four on, are always one run of memory that begins at a multiple of 16 bytes.</summary>
    bool FoursAreAligned { get; }

    /// <summary>The place of an element; need not be inside the operand.</summary>
    StagingCursor Seek(int position, int depth);

    /// <summary>The place <paramref name="depths"/> depths further, at the same position.</summary>
    StagingCursor Advance(StagingCursor cursor, int depths);

    /// <summary>The next place in the contiguous direction.</summary>
    StagingCursor Next(StagingCursor cursor);

    /// <summary>The element there, which is inside the operand.</summary>
    float Load(StagingCursor cursor);

    /// <summary>The element there and its three neighbours, where <see cref="FoursAreAligned"/>; all are inside the operand.</summary>
    Float4 LoadFour(StagingCursor cursor);
}

/// <summary>
/// A place in an operand. A matrix needs only <see cref="Offset"/>; a convolution keeps an image pixel and a kernel tap, so that going
/// on takes additions and comparisons instead of divisions. What an operand does not use costs no register.
/// </summary>
internal struct StagingCursor
{
    /// <summary>Index into the matrix.</summary>
    public int Offset;

    /// <summary>The image.</summary>
    public int Image;

    /// <summary>The row and column at which the kernel's first tap stands over the image.</summary>
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
