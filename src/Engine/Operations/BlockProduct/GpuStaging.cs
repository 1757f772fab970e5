using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// How the 256 threads of a group copy blocks [8 depths, 128 positions] of a factor from global to shared memory: every thread
/// loads four neighbours in the contiguous direction, with one 16-byte load if the factor is aligned, and holds them in registers
/// while the group multiplies the previous block.
/// </summary>
internal static class GpuStaging
{
    /// <summary>Rows of the left block, and columns of the right one.</summary>
    public const int BlockPositions = 128;

    /// <summary>Depths staged at a time: with 256 threads, four floats of each factor per thread.</summary>
    public const int BlockDepth = 8;

    /// <summary>Threads per group.</summary>
    public const int GroupSize = 256;

    /// <summary>Groups that share a multiprocessor: one multiplies while the other waits. This leaves 128 registers per thread.</summary>
    public const int GroupsPerMultiprocessor = 2;

    /// <summary>The position, from the start of the block, of the first of a thread's four neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Position<TOperand>(int thread) where TOperand : struct, IStagedOperand =>
        TOperand.DepthsAreContiguous ? thread >> 1 : (thread & 31) * 4;

    /// <summary>The depth, from the start of the block, of the first of a thread's four neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Depth<TOperand>(int thread) where TOperand : struct, IStagedOperand =>
        TOperand.DepthsAreContiguous ? (thread & 1) * 4 : thread >> 5;

    /// <summary>A thread's four neighbours, zeros past the ends.</summary>
    /// <param name="operand">The factor.</param>
    /// <param name="cursor">The position of the first.</param>
    /// <param name="positionsLeft">Positions from there to the end; may be negative.</param>
    /// <param name="depthsLeft">Depths from there to the end; may be negative.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load<TOperand>(TOperand operand, StagingCursor cursor, int positionsLeft, int depthsLeft)
        where TOperand : struct, IStagedOperand
    {
        var along = TOperand.DepthsAreContiguous ? depthsLeft : positionsLeft;
        var across = TOperand.DepthsAreContiguous ? positionsLeft : depthsLeft;
        var count = across > 0 ? along : 0;
        if (count >= 4 & operand.FoursAreAligned) return operand.LoadFour(cursor);
        var four = default(Float4);
        if (count > 0) four.X = operand.Load(cursor);
        cursor = operand.Next(cursor);
        if (count > 1) four.Y = operand.Load(cursor);
        cursor = operand.Next(cursor);
        if (count > 2) four.Z = operand.Load(cursor);
        cursor = operand.Next(cursor);
        if (count > 3) four.W = operand.Load(cursor);
        return four;
    }

    /// <summary>Writes a thread's four neighbours to a block [BlockDepth][stride].</summary>
    /// <param name="four">The values.</param>
    /// <param name="block">The shared memory.</param>
    /// <param name="start">Start of the block in it, in floats.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="stride">Between the block's depths, in floats; a multiple of 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TOperand>(Float4 four, ArrayView<Float4> block, int start, int thread, int stride)
        where TOperand : struct, IStagedOperand
    {
        var at = start + Depth<TOperand>(thread) * stride + Position<TOperand>(thread);
        if (TOperand.DepthsAreContiguous)
        {
            var floats = block.Cast<float>();
            floats[at] = four.X;
            floats[at + stride] = four.Y;
            floats[at + 2 * stride] = four.Z;
            floats[at + 3 * stride] = four.W;
        }
        else
        {
            block[at / 4] = four;
        }
    }
}
