using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Convolution;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>
/// The product kernel on the tensor cores of NVIDIA GPUs from sm_80 on: staged like <see cref="GpuBlockProduct{TLeft,TRight}"/>, with both
/// factors rounded to TF32 when written to shared memory, and float32 accumulators. Products of TF32 numbers are exact; only the low 13
/// bits of every factor are lost.
/// </summary>
/// <remarks>
/// The instruction returns four values, and ILGPU passes outputs of inline PTX through local memory. So the accumulators are registers that
/// the inline PTX declares itself and that ILGPU never sees; <c>out</c> with an element of shared memory stores them.
/// </remarks>
// left [Rows, Depth], right [Depth, Columns], output [splits, Rows, Columns] or [Rows, Columns], bias [Columns]
[Kernel("matrix-multiply-tf32", "matrix multiply", typeof(LeftMatrix), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("matrix-multiply-nt-tf32", "matrix multiply", typeof(LeftMatrix), typeof(RightTransposed), Target = KernelTarget.Gpu)]
[Kernel("matrix-multiply-tn-tf32", "matrix multiply", typeof(LeftTransposed), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("matrix-multiply-tt-tf32", "matrix multiply", typeof(LeftTransposed), typeof(RightTransposed), Target = KernelTarget.Gpu)]
[Kernel("convolution-forward-tf32", "convolution", typeof(InputPatches), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("convolution-input-gradient-tf32", "convolution", typeof(UpstreamPatches), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[Kernel("convolution-kernel-gradient-tf32", "convolution", typeof(InputPatchesTransposed), typeof(RightMatrix), Target = KernelTarget.Gpu)]
[KernelTraits(IsHot = true, HasVectorLoads = true, MinimalArchitecture = 80, IsCudaOnly = true)]
[LaunchBounds(GpuStaging.GroupSize, GpuStaging.GroupsPerMultiprocessor)]
internal struct Tf32BlockProduct<TLeft, TRight> : IGroupKernel
    where TLeft : struct, ILeftOperand
    where TRight : struct, IRightOperand
{
    private const string Multiply = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 ", Factors = ", {%0, %1, %2, %3}, {%4, %5}, ";

    public TLeft Left;
    public TRight Right;
    public ArrayView<float> Output, Bias;
    public ProductSizes Sizes;

    public readonly void Run()
    {
        var (left, right, output, bias, sizes) = (Left, Right, Output, Bias, Sizes);
        // shared: two left blocks, then two right blocks [BlockDepth][BlockStride]; in the end the sums of a pass
        var shared = SharedMemory.Allocate<Float4>(4 * Tf32WarpTile.BlockLength / 4);
        var bits = shared.Cast<uint>();
        var floats = shared.Cast<float>();

        var row0 = Grid.IdxX * GpuStaging.BlockPositions;
        var column0 = Grid.IdxY * GpuStaging.BlockPositions;
        var depth0 = Grid.IdxZ * sizes.DepthPerSplit;
        var depths = IntrinsicMath.Min(sizes.Depth - depth0, sizes.DepthPerSplit);
        var thread = Group.IdxX;
        var rowsLeft = sizes.Rows - row0 - GpuStaging.Position<TLeft>(thread);
        var columnsLeft = sizes.Columns - column0 - GpuStaging.Position<TRight>(thread);
        var leftDepths = depths - GpuStaging.Depth<TLeft>(thread);
        var rightDepths = depths - GpuStaging.Depth<TRight>(thread);
        var leftCursor = left.Seek(row0 + GpuStaging.Position<TLeft>(thread), depth0 + GpuStaging.Depth<TLeft>(thread));
        var rightCursor = right.Seek(column0 + GpuStaging.Position<TRight>(thread), depth0 + GpuStaging.Depth<TRight>(thread));
        var warp = thread >> 5;
        var lane = thread & 31;

        CudaAsm.Emit(".reg .f32 sum<64>;");
        CudaAsm.Emit("mov.f32 sum0, 0f00000000; mov.f32 sum1, 0f00000000; mov.f32 sum2, 0f00000000; mov.f32 sum3, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum4, 0f00000000; mov.f32 sum5, 0f00000000; mov.f32 sum6, 0f00000000; mov.f32 sum7, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum8, 0f00000000; mov.f32 sum9, 0f00000000; mov.f32 sum10, 0f00000000; mov.f32 sum11, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum12, 0f00000000; mov.f32 sum13, 0f00000000; mov.f32 sum14, 0f00000000; mov.f32 sum15, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum16, 0f00000000; mov.f32 sum17, 0f00000000; mov.f32 sum18, 0f00000000; mov.f32 sum19, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum20, 0f00000000; mov.f32 sum21, 0f00000000; mov.f32 sum22, 0f00000000; mov.f32 sum23, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum24, 0f00000000; mov.f32 sum25, 0f00000000; mov.f32 sum26, 0f00000000; mov.f32 sum27, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum28, 0f00000000; mov.f32 sum29, 0f00000000; mov.f32 sum30, 0f00000000; mov.f32 sum31, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum32, 0f00000000; mov.f32 sum33, 0f00000000; mov.f32 sum34, 0f00000000; mov.f32 sum35, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum36, 0f00000000; mov.f32 sum37, 0f00000000; mov.f32 sum38, 0f00000000; mov.f32 sum39, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum40, 0f00000000; mov.f32 sum41, 0f00000000; mov.f32 sum42, 0f00000000; mov.f32 sum43, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum44, 0f00000000; mov.f32 sum45, 0f00000000; mov.f32 sum46, 0f00000000; mov.f32 sum47, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum48, 0f00000000; mov.f32 sum49, 0f00000000; mov.f32 sum50, 0f00000000; mov.f32 sum51, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum52, 0f00000000; mov.f32 sum53, 0f00000000; mov.f32 sum54, 0f00000000; mov.f32 sum55, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum56, 0f00000000; mov.f32 sum57, 0f00000000; mov.f32 sum58, 0f00000000; mov.f32 sum59, 0f00000000;");
        CudaAsm.Emit("mov.f32 sum60, 0f00000000; mov.f32 sum61, 0f00000000; mov.f32 sum62, 0f00000000; mov.f32 sum63, 0f00000000;");

        Stage<TLeft>(GpuStaging.Load(left, leftCursor, rowsLeft, leftDepths), shared, 0, thread);
        Stage<TRight>(GpuStaging.Load(right, rightCursor, columnsLeft, rightDepths), shared, 2 * Tf32WarpTile.BlockLength, thread);
        Group.Barrier();

        var block = 0;
        for (var done = 0; done < depths; done += GpuStaging.BlockDepth)
        {
            // Past the last block this loads zeros, without touching memory.
            leftCursor = left.Advance(leftCursor, GpuStaging.BlockDepth);
            rightCursor = right.Advance(rightCursor, GpuStaging.BlockDepth);
            leftDepths -= GpuStaging.BlockDepth;
            rightDepths -= GpuStaging.BlockDepth;
            var leftFour = GpuStaging.Load(left, leftCursor, rowsLeft, leftDepths);
            var rightFour = GpuStaging.Load(right, rightCursor, columnsLeft, rightDepths);

            var upper = LeftFragment(bits, block, warp, lane, 0);
            var lower = LeftFragment(bits, block, warp, lane, 1);
            var right0 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 0);
            var right1 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 1);
            var right2 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 2);
            var right3 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 3);
            var right4 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 4);
            var right5 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 5);
            var right6 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 6);
            var right7 = RightFragment(bits, block + 2 * Tf32WarpTile.BlockLength, warp, lane, 7);
            CudaAsm.Emit(Multiply + "{sum0, sum1, sum2, sum3}" + Factors + "{sum0, sum1, sum2, sum3};", upper.A, upper.B, upper.C, upper.D,
                right0.A, right0.B);
            CudaAsm.Emit(Multiply + "{sum4, sum5, sum6, sum7}" + Factors + "{sum4, sum5, sum6, sum7};", upper.A, upper.B, upper.C, upper.D,
                right1.A, right1.B);
            CudaAsm.Emit(Multiply + "{sum8, sum9, sum10, sum11}" + Factors + "{sum8, sum9, sum10, sum11};", upper.A, upper.B, upper.C,
                upper.D, right2.A, right2.B);
            CudaAsm.Emit(Multiply + "{sum12, sum13, sum14, sum15}" + Factors + "{sum12, sum13, sum14, sum15};", upper.A, upper.B, upper.C,
                upper.D, right3.A, right3.B);
            CudaAsm.Emit(Multiply + "{sum16, sum17, sum18, sum19}" + Factors + "{sum16, sum17, sum18, sum19};", upper.A, upper.B, upper.C,
                upper.D, right4.A, right4.B);
            CudaAsm.Emit(Multiply + "{sum20, sum21, sum22, sum23}" + Factors + "{sum20, sum21, sum22, sum23};", upper.A, upper.B, upper.C,
                upper.D, right5.A, right5.B);
            CudaAsm.Emit(Multiply + "{sum24, sum25, sum26, sum27}" + Factors + "{sum24, sum25, sum26, sum27};", upper.A, upper.B, upper.C,
                upper.D, right6.A, right6.B);
            CudaAsm.Emit(Multiply + "{sum28, sum29, sum30, sum31}" + Factors + "{sum28, sum29, sum30, sum31};", upper.A, upper.B, upper.C,
                upper.D, right7.A, right7.B);
            CudaAsm.Emit(Multiply + "{sum32, sum33, sum34, sum35}" + Factors + "{sum32, sum33, sum34, sum35};", lower.A, lower.B, lower.C,
                lower.D, right0.A, right0.B);
            CudaAsm.Emit(Multiply + "{sum36, sum37, sum38, sum39}" + Factors + "{sum36, sum37, sum38, sum39};", lower.A, lower.B, lower.C,
                lower.D, right1.A, right1.B);
            CudaAsm.Emit(Multiply + "{sum40, sum41, sum42, sum43}" + Factors + "{sum40, sum41, sum42, sum43};", lower.A, lower.B, lower.C,
                lower.D, right2.A, right2.B);
            CudaAsm.Emit(Multiply + "{sum44, sum45, sum46, sum47}" + Factors + "{sum44, sum45, sum46, sum47};", lower.A, lower.B, lower.C,
                lower.D, right3.A, right3.B);
            CudaAsm.Emit(Multiply + "{sum48, sum49, sum50, sum51}" + Factors + "{sum48, sum49, sum50, sum51};", lower.A, lower.B, lower.C,
                lower.D, right4.A, right4.B);
            CudaAsm.Emit(Multiply + "{sum52, sum53, sum54, sum55}" + Factors + "{sum52, sum53, sum54, sum55};", lower.A, lower.B, lower.C,
                lower.D, right5.A, right5.B);
            CudaAsm.Emit(Multiply + "{sum56, sum57, sum58, sum59}" + Factors + "{sum56, sum57, sum58, sum59};", lower.A, lower.B, lower.C,
                lower.D, right6.A, right6.B);
            CudaAsm.Emit(Multiply + "{sum60, sum61, sum62, sum63}" + Factors + "{sum60, sum61, sum62, sum63};", lower.A, lower.B, lower.C,
                lower.D, right7.A, right7.B);

            block = Tf32WarpTile.BlockLength - block;
            Stage<TLeft>(leftFour, shared, block, thread);
            Stage<TRight>(rightFour, shared, block + 2 * Tf32WarpTile.BlockLength, thread);
            Group.Barrier();
        }

        CudaAsm.Emit("mov.f32 %0, sum0;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum1;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum4;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum5;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum8;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum9;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum12;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum13;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum16;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum17;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum20;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum21;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum24;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum25;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum28;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum29;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 1)]);
        Group.Barrier();
        StorePass(0, shared, thread, row0, column0, output, bias, sizes);
        Group.Barrier();
        CudaAsm.Emit("mov.f32 %0, sum2;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum3;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum6;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum7;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum10;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum11;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum14;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum15;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum18;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum19;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum22;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum23;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum26;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum27;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum30;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum31;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 1)]);
        Group.Barrier();
        StorePass(1, shared, thread, row0, column0, output, bias, sizes);
        Group.Barrier();
        CudaAsm.Emit("mov.f32 %0, sum32;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum33;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum36;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum37;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum40;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum41;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum44;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum45;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum48;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum49;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum52;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum53;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum56;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum57;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum60;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum61;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 1)]);
        Group.Barrier();
        StorePass(2, shared, thread, row0, column0, output, bias, sizes);
        Group.Barrier();
        CudaAsm.Emit("mov.f32 %0, sum34;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum35;", out floats[Tf32WarpTile.PassAt(warp, lane, 0, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum38;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum39;", out floats[Tf32WarpTile.PassAt(warp, lane, 1, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum42;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum43;", out floats[Tf32WarpTile.PassAt(warp, lane, 2, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum46;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum47;", out floats[Tf32WarpTile.PassAt(warp, lane, 3, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum50;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum51;", out floats[Tf32WarpTile.PassAt(warp, lane, 4, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum54;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum55;", out floats[Tf32WarpTile.PassAt(warp, lane, 5, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum58;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum59;", out floats[Tf32WarpTile.PassAt(warp, lane, 6, 1)]);
        CudaAsm.Emit("mov.f32 %0, sum62;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 0)]);
        CudaAsm.Emit("mov.f32 %0, sum63;", out floats[Tf32WarpTile.PassAt(warp, lane, 7, 1)]);
        Group.Barrier();
        StorePass(3, shared, thread, row0, column0, output, bias, sizes);

    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Stage<TOperand>(Float4 four, ArrayView<Float4> shared, int start, int thread)
        where TOperand : struct, IStagedOperand
    {
        four.X = Tf32Fragment.Round(four.X);
        four.Y = Tf32Fragment.Round(four.Y);
        four.Z = Tf32Fragment.Round(four.Z);
        four.W = Tf32Fragment.Round(four.W);
        GpuStaging.Store<TOperand>(four, shared, start, thread, Tf32WarpTile.BlockStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Fragment LeftFragment(ArrayView<uint> bits, int block, int warp, int lane, int tileDown) => new()
    {
        A = bits[block + Tf32WarpTile.LeftAt(warp, lane, tileDown, 0)],
        B = bits[block + Tf32WarpTile.LeftAt(warp, lane, tileDown, 1)],
        C = bits[block + Tf32WarpTile.LeftAt(warp, lane, tileDown, 2)],
        D = bits[block + Tf32WarpTile.LeftAt(warp, lane, tileDown, 3)],
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Fragment RightFragment(ArrayView<uint> bits, int block, int warp, int lane, int tileAcross) => new()
    {
        A = bits[block + Tf32WarpTile.RightAt(warp, lane, tileAcross, 0)],
        B = bits[block + Tf32WarpTile.RightAt(warp, lane, tileAcross, 1)],
    };

    /// <summary>The 32 rows of a pass from shared memory to the output, four columns per thread and step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePass(
        int pass, ArrayView<Float4> shared, int thread, int row0, int column0, ArrayView<float> output, ArrayView<float> bias,
        ProductSizes sizes)
    {
        for (var i = thread; i < 32 * GpuStaging.BlockPositions / 4; i += GpuStaging.GroupSize)
        {
            var passRow = i >> 5;
            var row = row0 + Tf32WarpTile.PassRow(pass, passRow);
            if (row < sizes.Rows)
                GpuEpilogue.Store(shared[passRow * (Tf32WarpTile.BlockStride / 4) + (i & 31)], row, column0 + (i & 31) * 4, output,
                    bias, sizes);
        }
    }

    /// <summary>The values of a factor that a lane passes to the instruction: four of A, two of B.</summary>
    private struct Fragment
    {
        public uint A, B, C, D;
    }
}
