using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>The accumulators of a thread, [8, 8], and the blocks of factors in shared memory.</summary>
internal struct Tile8x8
{
    /// <summary>
    /// Floats from one depth of a block to the next. Four more than it has positions: where a factor is contiguous in depth, the two
    /// threads of a position write depths four apart, which would be the same bank of shared memory without them.
    /// </summary>
    public const int BlockStride = GpuStaging.BlockPositions + 4;

    /// <summary>Floats of a block.</summary>
    public const int BlockLength = GpuStaging.BlockDepth * BlockStride;

    public Row8 R0, R1, R2, R3, R4, R5, R6, R7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddOuterProduct(Float4 leftLow, Float4 leftHigh, Float4 rightLow, Float4 rightHigh)
    {
        R0.Add(leftLow.X, rightLow, rightHigh);
        R1.Add(leftLow.Y, rightLow, rightHigh);
        R2.Add(leftLow.Z, rightLow, rightHigh);
        R3.Add(leftLow.W, rightLow, rightHigh);
        R4.Add(leftHigh.X, rightLow, rightHigh);
        R5.Add(leftHigh.Y, rightLow, rightHigh);
        R6.Add(leftHigh.Z, rightLow, rightHigh);
        R7.Add(leftHigh.W, rightLow, rightHigh);
    }
}

/// <summary>One row of a thread's sums.</summary>
internal struct Row8
{
    public Float4 Low, High;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float left, Float4 rightLow, Float4 rightHigh)
    {
        Low.X += left * rightLow.X;
        Low.Y += left * rightLow.Y;
        Low.Z += left * rightLow.Z;
        Low.W += left * rightLow.W;
        High.X += left * rightHigh.X;
        High.Y += left * rightHigh.Y;
        High.Z += left * rightHigh.Z;
        High.W += left * rightHigh.W;
    }
}
