using System.Runtime.CompilerServices;
using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.BatchNormalization;

// x, y, dy, dx [rows, C]; coefficients [4, C]; parts [shares, 2, C]

/// <summary>Arguments shared by all these kernels.</summary>
internal struct NormalizationNumbers
{
    public int Rows, Channels;

    /// <summary>Rows per work item; the last may have fewer.</summary>
    public int ShareRows;

    /// <summary>ε, added to the variance before the square root.</summary>
    public float Epsilon;

    /// <summary>The factor that keeps the old running statistics.</summary>
    public float Momentum;

    /// <summary>The lower bound of outputs: 0 for ReLU, the lowest number for no activation.</summary>
    public float Floor;

    /// <summary>1 / rows if the statistics are the batch's, and so depend on the input; 0 if they are the running ones.</summary>
    public float Share;

    /// <summary>1 to add to a gradient, 0 to overwrite it.</summary>
    public int Accumulate;

    /// <summary>Distance between the sums for β and those for γ: a multiple of four, which GPUs load at once.</summary>
    public int SumsApart;

    /// <summary>Number of parts of the sums over all rows.</summary>
    public readonly int Shares => Rounding.CeilDiv(Rows, ShareRows);

    /// <summary>One past the last row of a chunk.</summary>
    public readonly int EndOfShare(int share) => IntrinsicMath.Min(Rows, (share + 1) * ShareRows);
}

/// <summary>Coefficients of each channel, [4, C]: mean, 1/√(variance + ε), γ/√(variance + ε), β.</summary>
internal struct NormalizationCoefficients
{
    public ArrayView<float> Values;
    public NormalizationNumbers Numbers;

    public readonly T Mean<T>(int c) where T : struct, ILanes<T> => T.Load(Values, c);

    public readonly T Inverse<T>(int c) where T : struct, ILanes<T> => T.Load(Values, Numbers.Channels + c);

    public readonly T Factor<T>(int c) where T : struct, ILanes<T> => T.Load(Values, 2 * Numbers.Channels + c);

    public readonly T Shift<T>(int c) where T : struct, ILanes<T> => T.Load(Values, 3 * Numbers.Channels + c);

    /// <summary>Writes the four numbers of a channel.</summary>
    public readonly void Store(int c, float mean, float inverse, float scale, float shift)
    {
        Values[c] = mean;
        Values[Numbers.Channels + c] = inverse;
        Values[2 * Numbers.Channels + c] = scale * inverse;
        Values[3 * Numbers.Channels + c] = shift;
    }

    /// <summary>max(floor, (x − mean) · γ/√(variance + ε) + β).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T Normalized<T>(T x, int c) where T : struct, ILanes<T> =>
        T.Zip<Clip>((x - Mean<T>(c)) * Factor<T>(c) + Shift<T>(c), T.Of(Numbers.Floor));
}

/// <summary>Loops over rows and channels on a CPU.</summary>
internal static class RowBlocks
{
    /// <summary>Channels and rows per block on a CPU: full vectors, and enough rows to load and store the sums rarely.</summary>
    public const int Lanes = 16, Rows = 8;

    /// <summary>Channels whose sums are kept at a time on a CPU.</summary>
    public const int Channels = 256;

    /// <summary>
    /// Copies a block of results to the output, whose rows are <paramref name="stride"/> apart. Results go to the worker's own memory
    /// first, so that the compiler knows that stores do not overlap later loads. Unrolled by hand: a loop over rows would become scattered
    /// stores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ArrayView<float> block, ArrayView<float> output, int at, int stride)
    {
        StoreRow(block, 0, output, at);
        StoreRow(block, 1, output, at + stride);
        StoreRow(block, 2, output, at + 2 * stride);
        StoreRow(block, 3, output, at + 3 * stride);
        StoreRow(block, 4, output, at + 4 * stride);
        StoreRow(block, 5, output, at + 5 * stride);
        StoreRow(block, 6, output, at + 6 * stride);
        StoreRow(block, 7, output, at + 7 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(ArrayView<float> block, int row, ArrayView<float> output, int at)
    {
        var target = output.SubView(at, Lanes);
        for (var j = 0; j < Lanes; j++) target[j] = block[row * Lanes + j];
    }
}

// CPU variant: a work item reads a chunk of the rows twice: first for the means, then, when the chunk is in its core's cache, for
// the sums of squared deviations from them. It sums differences from the chunk's first row, and then from its mean, which
// lose no precision, whatever the mean is.
[Kernel("batch-normalization-moments-cpu", "batch normalization", Target = KernelTarget.Cpu)]
internal struct MomentsOfRows : IGroupKernel
{
    public ArrayView<float> Input, Parts;
    public NormalizationNumbers Numbers;

    public readonly void Run()
    {
        var (input, parts, n) = (Input, Parts, Numbers);
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var target = Grid.IdxX * 2 * n.Channels;
        var from = LocalMemory.Allocate1D<float>(RowBlocks.Channels);
        var sums = LocalMemory.Allocate1D<float>(RowBlocks.Channels);
        for (var channel0 = 0; channel0 < n.Channels; channel0 += RowBlocks.Channels)
        {
            var channels = IntrinsicMath.Min(RowBlocks.Channels, n.Channels - channel0);
            for (var c = 0; c < channels; c++) from[c] = input[begin * n.Channels + channel0 + c];
            SumOfRows<Deviation>(input, channel0, channels, begin, end, from, sums, n);
            for (var c = 0; c < channels; c++)
            {
                from[c] += sums[c] / (end - begin);
                parts[target + channel0 + c] = from[c];
            }
            SumOfRows<SquaredDeviation>(input, channel0, channels, begin, end, from, sums, n);
            for (var c = 0; c < channels; c++) parts[target + n.Channels + channel0 + c] = sums[c];
        }
    }

    // sums [channels] = Σ over rows of f(x, from), from [channels]. A channel's values are added in row order, for any blocking.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumOfRows<TFunction>(
        ArrayView<float> input, int channel0, int channels, int begin, int end, ArrayView<float> from, ArrayView<float> sums,
        NormalizationNumbers n)
        where TFunction : struct, IFunctionOfTwo
    {
        for (var c = 0; c < channels; c++) sums[c] = 0;
        for (var r = begin; r < end; r += RowBlocks.Rows)
        {
            var rows = IntrinsicMath.Min(RowBlocks.Rows, end - r);
            for (var c = 0; c < channels; c += RowBlocks.Lanes)
            {
                var lanes = IntrinsicMath.Min(RowBlocks.Lanes, channels - c);
                var at = r * n.Channels + channel0 + c;
                if (rows == RowBlocks.Rows & lanes == RowBlocks.Lanes)
                    // Outer loop over lanes, inner loop over rows: the compiler unrolls the rows and vectorizes the lanes.
                    for (var j = 0; j < RowBlocks.Lanes; j++)
                    {
                        var sum = sums[c + j];
                        for (var i = 0; i < RowBlocks.Rows; i++) sum += TFunction.Invoke(input[at + i * n.Channels + j], from[c + j]);
                        sums[c + j] = sum;
                    }
                else
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < lanes; j++) sums[c + j] += TFunction.Invoke(input[at + i * n.Channels + j], from[c + j]);
            }
        }
    }

    /// <summary>x − m.</summary>
    private readonly struct Deviation : IFunctionOfTwo
    {
        public static float Invoke(float value, float from) => value - from;
    }

    /// <summary>(x − m)².</summary>
    private readonly struct SquaredDeviation : IFunctionOfTwo
    {
        public static float Invoke(float value, float from) => (value - from) * (value - from);
    }
}

// GPU variant: a thread owns one channel of a chunk; neighbouring threads read neighbouring channels.
[Kernel("batch-normalization-moments-gpu", "batch normalization", Target = KernelTarget.Gpu)]
internal struct MomentsOfColumn : IGroupKernel
{
    public ArrayView<float> Input, Parts;
    public NormalizationNumbers Numbers;

    public readonly void Run()
    {
        var (input, n) = (Input, Numbers);
        var c = Grid.IdxY * Group.DimX + Group.IdxX;
        if (c >= n.Channels) return;
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var first = input[begin * n.Channels + c];
        var sum = 0f;
        for (var r = begin; r < end; r++) sum += input[r * n.Channels + c] - first;
        var mean = first + sum / (end - begin);
        var squares = 0f;
        for (var r = begin; r < end; r++)
        {
            var deviation = input[r * n.Channels + c] - mean;
            squares += deviation * deviation;
        }
        Parts[Grid.IdxX * 2 * n.Channels + c] = mean;
        Parts[(Grid.IdxX * 2 + 1) * n.Channels + c] = squares;
    }
}

// Combines the chunks in order (Chan, Golub and LeVeque, 1979): the total of squared deviations is those within chunks plus
// those of the chunks' means. scale, shift, running mean and variance [C]; an item is a channel
[Kernel("batch-normalization-join-moments", "batch normalization")]
internal struct JoinMoments : IKernel
{
    public ArrayView<float> Parts, Scale, Shift, RunningMean, RunningVariance;
    public NormalizationCoefficients Coefficients;

    public readonly void Run(int c)
    {
        var (n, parts) = (Coefficients.Numbers, Parts);
        var shares = n.Shares;
        var sum = 0f;
        for (var s = 0; s < shares; s++) sum += (n.EndOfShare(s) - s * n.ShareRows) * parts[s * 2 * n.Channels + c];
        var mean = sum / n.Rows;
        var squares = 0f;
        for (var s = 0; s < shares; s++)
        {
            var deviation = parts[s * 2 * n.Channels + c] - mean;
            squares += parts[(s * 2 + 1) * n.Channels + c] + (n.EndOfShare(s) - s * n.ShareRows) * deviation * deviation;
        }
        var inverse = 1f / XMath.Sqrt(squares / n.Rows + n.Epsilon);
        Coefficients.Store(c, mean, inverse, Scale[c], Shift[c]);
        RunningMean[c] = n.Momentum * RunningMean[c] + (1f - n.Momentum) * mean;
        // The unbiased variance, over n − 1.
        RunningVariance[c] = n.Momentum * RunningVariance[c] + (1f - n.Momentum) * (squares / IntrinsicMath.Max(1, n.Rows - 1));
    }
}

// scale, shift, running mean and variance [C]; an item is a channel
[Kernel("batch-normalization-given", "batch normalization")]
internal struct RunningCoefficients : IKernel
{
    public ArrayView<float> Scale, Shift, Mean, Variance;
    public NormalizationCoefficients Coefficients;

    public readonly void Run(int c) =>
        Coefficients.Store(c, Mean[c], 1f / XMath.Sqrt(Variance[c] + Coefficients.Numbers.Epsilon), Scale[c], Shift[c]);
}

// CPU variant: a work item owns a range of rows.
[Kernel("batch-normalization-forward-cpu", "batch normalization", Target = KernelTarget.Cpu)]
internal struct NormalizeRows : IGroupKernel
{
    public ArrayView<float> Input, Output;
    public NormalizationCoefficients Coefficients;

    public readonly void Run()
    {
        var (input, output, k, n) = (Input, Output, Coefficients, Coefficients.Numbers);
        var block = LocalMemory.Allocate1D<float>(RowBlocks.Rows * RowBlocks.Lanes);
        var end = IntrinsicMath.Min(n.Rows, (Grid.IdxX + 1) * PixelSpan.Length);
        for (var r = Grid.IdxX * PixelSpan.Length; r < end; r += RowBlocks.Rows)
        {
            var rows = IntrinsicMath.Min(RowBlocks.Rows, end - r);
            for (var c = 0; c < n.Channels; c += RowBlocks.Lanes)
            {
                var lanes = IntrinsicMath.Min(RowBlocks.Lanes, n.Channels - c);
                var at = r * n.Channels + c;
                if (rows == RowBlocks.Rows & lanes == RowBlocks.Lanes)
                {
                    for (var j = 0; j < RowBlocks.Lanes; j++)
                        for (var i = 0; i < RowBlocks.Rows; i++)
                            block[i * RowBlocks.Lanes + j] = k.Normalized(Float1.Load(input, at + i * n.Channels + j), c + j).X;
                    RowBlocks.Store(block, output, at, n.Channels);
                }
                else
                {
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < lanes; j++)
                            output[at + i * n.Channels + j] = k.Normalized(Float1.Load(input, at + i * n.Channels + j), c + j).X;
                }
            }
        }
    }
}

// GPU variant: a pixel is a row.
[Kernel("batch-normalization-forward-gpu", "batch normalization", Target = KernelTarget.Gpu)]
internal struct NormalizePixels : IPixelKernel
{
    public ArrayView<float> Input, Output;
    public NormalizationCoefficients Coefficients;

    public readonly void Run<T>(int row, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var at = row * channels.End;
        for (var c = channels.First; c < channels.End; c += channels.Step)
            T.Store(Output, at + c, Coefficients.Normalized(T.Load(Input, at + c), c));
    }
}

// CPU variant: the sums of dy, and of dy·x̂, over a chunk of the rows. ReLU's mask is recomputed rather than
// read, so the output need not be kept for the backward pass.
[Kernel("batch-normalization-gradient-sums-cpu", "batch normalization", Target = KernelTarget.Cpu)]
internal struct GradientSumsOfRows : IGroupKernel
{
    public ArrayView<float> Upstream, Input, Parts;
    public NormalizationCoefficients Coefficients;

    public readonly void Run()
    {
        var (upstream, input, parts, k, n) = (Upstream, Input, Parts, Coefficients, Coefficients.Numbers);
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var target = Grid.IdxX * 2 * n.SumsApart;
        var ofShift = LocalMemory.Allocate1D<float>(RowBlocks.Channels);
        var ofScale = LocalMemory.Allocate1D<float>(RowBlocks.Channels);
        for (var c = 0; c < 2 * n.SumsApart; c++) parts[target + c] = 0;
        for (var channel0 = 0; channel0 < n.Channels; channel0 += RowBlocks.Channels)
        {
            var count = IntrinsicMath.Min(RowBlocks.Channels, n.Channels - channel0);
            for (var c = 0; c < count; c++) ofShift[c] = 0;
            for (var c = 0; c < count; c++) ofScale[c] = 0;
            for (var r = begin; r < end; r += RowBlocks.Rows)
            {
                var rows = IntrinsicMath.Min(RowBlocks.Rows, end - r);
                for (var c = 0; c < count; c += RowBlocks.Lanes)
                {
                    var lanes = IntrinsicMath.Min(RowBlocks.Lanes, count - c);
                    var at = r * n.Channels + channel0 + c;
                    if (rows == RowBlocks.Rows & lanes == RowBlocks.Lanes)
                        for (var j = 0; j < RowBlocks.Lanes; j++)
                        {
                            var shiftSum = ofShift[c + j];
                            var scaleSum = ofScale[c + j];
                            for (var i = 0; i < RowBlocks.Rows; i++)
                                Add(upstream, input, at + i * n.Channels + j, channel0 + c + j, k, ref shiftSum, ref scaleSum);
                            ofShift[c + j] = shiftSum;
                            ofScale[c + j] = scaleSum;
                        }
                    else
                        for (var i = 0; i < rows; i++)
                            for (var j = 0; j < lanes; j++)
                                Add(upstream, input, at + i * n.Channels + j, channel0 + c + j, k, ref ofShift[c + j], ref ofScale[c + j]);
                }
            }
            for (var c = 0; c < count; c++) parts[target + channel0 + c] = ofShift[c];
            for (var c = 0; c < count; c++) parts[target + n.SumsApart + channel0 + c] = ofScale[c];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        ArrayView<float> upstream, ArrayView<float> input, int at, int c, NormalizationCoefficients k, ref float ofShift, ref float ofScale)
    {
        var channels = k.Values;
        var n = k.Numbers;
        var deviation = input[at] - channels[c];
        var passes = deviation * channels[2 * n.Channels + c] + channels[3 * n.Channels + c] > n.Floor;
        // Loaded unconditionally: a plain vector load instead of a masked one.
        var value = upstream[at];
        var u = passes ? value : 0f;
        ofShift += u;
        ofScale += u * (deviation * channels[n.Channels + c]);
    }
}

// GPU variant: the same, one thread per channel of a chunk.
[Kernel("batch-normalization-gradient-sums-gpu", "batch normalization", Target = KernelTarget.Gpu)]
internal struct GradientSumsOfColumn : IGroupKernel
{
    public ArrayView<float> Upstream, Input, Parts;
    public NormalizationCoefficients Coefficients;

    public readonly void Run()
    {
        var (upstream, input, channels, n) = (Upstream, Input, Coefficients.Values, Coefficients.Numbers);
        var c = Grid.IdxY * Group.DimX + Group.IdxX;
        if (c >= n.Channels) return;
        var end = n.EndOfShare(Grid.IdxX);
        var mean = channels[c];
        var factor = channels[2 * n.Channels + c];
        var shift = channels[3 * n.Channels + c];
        var ofShift = 0f;
        var ofScale = 0f;
        for (var r = Grid.IdxX * n.ShareRows; r < end; r++)
        {
            var deviation = input[r * n.Channels + c] - mean;
            var u = deviation * factor + shift > n.Floor ? upstream[r * n.Channels + c] : 0f;
            ofShift += u;
            ofScale += u * deviation;
        }
        Parts[Grid.IdxX * 2 * n.SumsApart + c] = ofShift;
        Parts[(Grid.IdxX * 2 + 1) * n.SumsApart + c] = ofScale * channels[n.Channels + c];
    }
}

/// <summary>Arguments of the input gradient.</summary>
internal struct NormalizationGradient
{
    public ArrayView<float> Upstream, Input, Gradient;

    /// <summary>dβ and dγ, [2, C rounded up to fours].</summary>
    public ArrayView<float> Sums;

    public NormalizationCoefficients Coefficients;

    /// <summary>
    /// dx = γ/√(variance + ε) · (dy − (dβ + x̂·dγ) / rows), without the inner parentheses for running statistics; added to the
    /// gradient if requested.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T Of<T>(int at, int c) where T : struct, ILanes<T>
    {
        var n = Coefficients.Numbers;
        var deviation = T.Load(Input, at) - Coefficients.Mean<T>(c);
        // Each coefficient is read at its use, so that few registers are alive at once.
        var normalized = deviation * Coefficients.Factor<T>(c) + Coefficients.Shift<T>(c);
        var u = T.WhereAbove(T.Load(Upstream, at), normalized, n.Floor);
        var normal = deviation * Coefficients.Inverse<T>(c);
        var result = (u - (T.Load(Sums, c) + normal * T.Load(Sums, n.SumsApart + c)) * n.Share) * Coefficients.Factor<T>(c);
        if (n.Accumulate != 0) result = T.Load(Gradient, at) + result;
        return result;
    }
}

// CPU variant: a work item owns a range of rows.
[Kernel("batch-normalization-input-gradient-cpu", "batch normalization", Target = KernelTarget.Cpu)]
internal struct NormalizationGradInputOfRows : IGroupKernel
{
    public NormalizationGradient Of;

    public readonly void Run()
    {
        var (of, gradient, n) = (Of, Of.Gradient, Of.Coefficients.Numbers);
        var block = LocalMemory.Allocate1D<float>(RowBlocks.Rows * RowBlocks.Lanes);
        var end = IntrinsicMath.Min(n.Rows, (Grid.IdxX + 1) * PixelSpan.Length);
        for (var r = Grid.IdxX * PixelSpan.Length; r < end; r += RowBlocks.Rows)
        {
            var rows = IntrinsicMath.Min(RowBlocks.Rows, end - r);
            for (var c = 0; c < n.Channels; c += RowBlocks.Lanes)
            {
                var lanes = IntrinsicMath.Min(RowBlocks.Lanes, n.Channels - c);
                var at = r * n.Channels + c;
                if (rows == RowBlocks.Rows & lanes == RowBlocks.Lanes)
                {
                    for (var j = 0; j < RowBlocks.Lanes; j++)
                        for (var i = 0; i < RowBlocks.Rows; i++)
                            block[i * RowBlocks.Lanes + j] = of.Of<Float1>(at + i * n.Channels + j, c + j).X;
                    RowBlocks.Store(block, gradient, at, n.Channels);
                }
                else
                {
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < lanes; j++) gradient[at + i * n.Channels + j] = of.Of<Float1>(at + i * n.Channels + j, c + j).X;
                }
            }
        }
    }
}

// For GPUs: an item is an element; four at a time would take so many registers that fewer threads find room.
[Kernel("batch-normalization-input-gradient-gpu", "batch normalization", Target = KernelTarget.Gpu)]
internal struct NormalizationGradInputOfElements : IKernel
{
    public NormalizationGradient Of;

    public readonly void Run(int i) => Float1.Store(Of.Gradient, i, Of.Of<Float1>(i, i % Of.Coefficients.Numbers.Channels));
}

// kernel, folded [rows, C]: each output channel of a convolution's kernel times γ/√(variance + ε)
[Kernel("batch-normalization-fold", "batch normalization")]
internal struct FoldKernel : IPixelKernel
{
    public ArrayView<float> Kernel, Folded;
    public NormalizationCoefficients Coefficients;

    public readonly void Run<T>(int row, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var at = row * channels.End;
        for (var c = channels.First; c < channels.End; c += channels.Step)
            T.Store(Folded, at + c, T.Load(Kernel, at + c) * Coefficients.Factor<T>(c));
    }
}
