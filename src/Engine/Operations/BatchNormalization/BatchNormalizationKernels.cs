using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.BatchNormalization;

/// <summary>What the kernels are told besides tensors.</summary>
internal struct NormalizationNumbers
{
    public int Rows, Channels;

    /// <summary>Rows that one work-item sums up, the last one perhaps fewer.</summary>
    public int ShareRows;

    /// <summary>ε, which is added to a variance before its root is taken.</summary>
    public float Epsilon;

    /// <summary>The share of a running statistic that a step keeps.</summary>
    public float Momentum;

    /// <summary>What lies below becomes this: 0 for ReLU, the lowest number there is for no activation.</summary>
    public float Floor;

    /// <summary>1 if the statistics are the batch's, and so depend on the input; 0 if they are given.</summary>
    public int OfBatch;

    /// <summary>1 to add to a gradient, 0 to overwrite it.</summary>
    public int Accumulate;

    /// <summary>The distance between the sums of the shift's gradient and those of the scale's: whole fours, which GPUs load at once.</summary>
    public readonly int SumsApart => (Channels + 3) / 4 * 4;

    /// <summary>Parts that the sums over all rows are made of.</summary>
    public readonly int Shares => (Rows + ShareRows - 1) / ShareRows;

    /// <summary>One past the last row of a share.</summary>
    public readonly int EndOfShare(int share) => IntrinsicMath.Min(Rows, (share + 1) * ShareRows);
}

// x, y, dy, dx [rows, C]; channels [4, C]: mean, 1/√(variance + ε), γ/√(variance + ε), β; parts [shares, 2, C]
internal static class BatchNormalizationKernels
{
    /// <summary>Channels and rows that a processor takes at a time: whole vectors, and enough rows to load and store the sums rarely.</summary>
    private const int Lanes = 16, RowBlock = 8;

    /// <summary>Channels whose sums a processor keeps at a time.</summary>
    private const int ChannelBlock = 256;

    // For processors: a work-item walks twice through a share of the rows: first for the means, then, when the share is in its core's cache, for
    // the sums of squared deviations from them. What is summed are differences, from the share's first row and then from its mean: they
    // lose no digits, whatever the mean is.
    public static void MomentsOfRows(ArrayView<float> input, ArrayView<float> parts, NormalizationNumbers n)
    {
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var target = Grid.IdxX * 2 * n.Channels;
        var from = LocalMemory.Allocate1D<float>(ChannelBlock);
        var sums = LocalMemory.Allocate1D<float>(ChannelBlock);
        for (var channel0 = 0; channel0 < n.Channels; channel0 += ChannelBlock)
        {
            var channels = IntrinsicMath.Min(ChannelBlock, n.Channels - channel0);
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

    // sums [channels] = Σ over rows of f(x, from), from [channels]. A channel's values are added in the order of their rows, however they are blocked.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumOfRows<TFunction>(
        ArrayView<float> input, int channel0, int channels, int begin, int end, ArrayView<float> from, ArrayView<float> sums, NormalizationNumbers n)
        where TFunction : struct, IFunctionOfTwo
    {
        for (var c = 0; c < channels; c++) sums[c] = 0;
        for (var r = begin; r < end; r += RowBlock)
        {
            var rows = IntrinsicMath.Min(RowBlock, end - r);
            for (var c = 0; c < channels; c += Lanes)
            {
                var lanes = IntrinsicMath.Min(Lanes, channels - c);
                var at = r * n.Channels + channel0 + c;
                if (rows == RowBlock & lanes == Lanes)
                    // Lanes outside, rows inside: the compiler unrolls the rows and makes a vector of the lanes.
                    for (var j = 0; j < Lanes; j++)
                    {
                        var sum = sums[c + j];
                        for (var i = 0; i < RowBlock; i++) sum += TFunction.Invoke(input[at + i * n.Channels + j], from[c + j]);
                        sums[c + j] = sum;
                    }
                else
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < lanes; j++) sums[c + j] += TFunction.Invoke(input[at + i * n.Channels + j], from[c + j]);
            }
        }
    }

    // For GPUs: a thread owns one channel of a share; neighbouring threads read neighbouring channels.
    public static void MomentsOfColumn(ArrayView<float> input, ArrayView<float> parts, NormalizationNumbers n)
    {
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
        parts[Grid.IdxX * 2 * n.Channels + c] = mean;
        parts[(Grid.IdxX * 2 + 1) * n.Channels + c] = squares;
    }

    // Joins the shares in their order (Chan, Golub and LeVeque, 1979): the whole's squared deviations are those inside the shares and
    // those of the shares' means. scale, shift, runningMean, runningVariance [C]
    public static void JoinMoments<TShape>(
        ArrayView<float> parts, ArrayView<float> scale, ArrayView<float> shift, ArrayView<float> runningMean, ArrayView<float> runningVariance,
        ArrayView<float> channels, NormalizationNumbers n)
        where TShape : struct, IWorkShape
    {
        var shares = n.Shares;
        for (var c = TShape.First; c < TShape.End(n.Channels); c += TShape.Step)
        {
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
            channels[c] = mean;
            channels[n.Channels + c] = inverse;
            channels[2 * n.Channels + c] = scale[c] * inverse;
            channels[3 * n.Channels + c] = shift[c];
            // What runs is the estimate of the variance that images in general have, hence one less.
            runningMean[c] = n.Momentum * runningMean[c] + (1f - n.Momentum) * mean;
            runningVariance[c] = n.Momentum * runningVariance[c] + (1f - n.Momentum) * (squares / IntrinsicMath.Max(1, n.Rows - 1));
        }
    }

    // scale, shift, mean, variance [C]
    public static void Given<TShape>(
        ArrayView<float> scale, ArrayView<float> shift, ArrayView<float> mean, ArrayView<float> variance, ArrayView<float> channels, NormalizationNumbers n)
        where TShape : struct, IWorkShape
    {
        for (var c = TShape.First; c < TShape.End(n.Channels); c += TShape.Step)
        {
            var inverse = 1f / XMath.Sqrt(variance[c] + n.Epsilon);
            channels[c] = mean[c];
            channels[n.Channels + c] = inverse;
            channels[2 * n.Channels + c] = scale[c] * inverse;
            channels[3 * n.Channels + c] = shift[c];
        }
    }

    // For processors: a work-item owns a span of rows.
    public static void ForwardOfRows(ArrayView<float> input, ArrayView<float> output, ArrayView<float> channels, NormalizationNumbers n)
    {
        var block = LocalMemory.Allocate1D<float>(RowBlock * Lanes);
        var end = IntrinsicMath.Min(n.Rows, (Grid.IdxX + 1) * PixelSpan.Length);
        for (var r = Grid.IdxX * PixelSpan.Length; r < end; r += RowBlock)
        {
            var rows = IntrinsicMath.Min(RowBlock, end - r);
            for (var c = 0; c < n.Channels; c += Lanes)
            {
                var lanes = IntrinsicMath.Min(Lanes, n.Channels - c);
                var at = r * n.Channels + c;
                if (rows == RowBlock & lanes == Lanes)
                {
                    for (var j = 0; j < Lanes; j++)
                        for (var i = 0; i < RowBlock; i++) block[i * Lanes + j] = Normalized(input[at + i * n.Channels + j], c + j, channels, n);
                    StoreBlock(block, output, at, n.Channels);
                }
                else
                {
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < lanes; j++) output[at + i * n.Channels + j] = Normalized(input[at + i * n.Channels + j], c + j, channels, n);
                }
            }
        }
    }

    // For GPUs: the same, a thread to a channel of a pixel.
    public static void ForwardOfPixels(ArrayView<float> input, ArrayView<float> output, ArrayView<float> channels, NormalizationNumbers n)
    {
        for (var row = PixelThreads.FirstPixel; row < PixelThreads.EndPixel(n.Rows); row++)
            for (var c = PixelThreads.FirstChannel; c < n.Channels; c += PixelThreads.ChannelStep)
                output[row * n.Channels + c] = Normalized(input[row * n.Channels + c], c, channels, n);
    }

    /// <summary>max(floor, (x − mean) · γ/√(variance + ε) + β).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Normalized(float value, int c, ArrayView<float> channels, NormalizationNumbers n)
    {
        var y = (value - channels[c]) * channels[2 * n.Channels + c] + channels[3 * n.Channels + c];
        return y < n.Floor ? n.Floor : y;
    }

    /// <summary>
    /// A block of results to the output, whose rows are <paramref name="stride"/> apart. They stand in memory of the worker's own first, where the
    /// compiler knows that what is stored is nothing that is still to be read. Written out: of a loop over the rows it would make scattered stores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBlock(ArrayView<float> block, ArrayView<float> output, int at, int stride)
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

    // For processors: the sums of dy, and of dy·x̂, over a share of the rows. Whether ReLU let a value pass is computed again rather than
    // read: the output need not be kept for the backward pass.
    public static void GradientSumsOfRows(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> channels, ArrayView<float> parts, NormalizationNumbers n)
    {
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var target = Grid.IdxX * 2 * n.SumsApart;
        var ofShift = LocalMemory.Allocate1D<float>(ChannelBlock);
        var ofScale = LocalMemory.Allocate1D<float>(ChannelBlock);
        for (var c = 0; c < 2 * n.SumsApart; c++) parts[target + c] = 0;
        for (var channel0 = 0; channel0 < n.Channels; channel0 += ChannelBlock)
        {
            var count = IntrinsicMath.Min(ChannelBlock, n.Channels - channel0);
            for (var c = 0; c < count; c++) ofShift[c] = 0;
            for (var c = 0; c < count; c++) ofScale[c] = 0;
            for (var r = begin; r < end; r += RowBlock)
            {
                var rows = IntrinsicMath.Min(RowBlock, end - r);
                for (var c = 0; c < count; c += Lanes)
                {
                    var lanes = IntrinsicMath.Min(Lanes, count - c);
                    var at = r * n.Channels + channel0 + c;
                    if (rows == RowBlock & lanes == Lanes)
                        for (var j = 0; j < Lanes; j++)
                        {
                            var shiftSum = ofShift[c + j];
                            var scaleSum = ofScale[c + j];
                            for (var i = 0; i < RowBlock; i++)
                                AddGradients(upstream, input, at + i * n.Channels + j, channel0 + c + j, channels, n, ref shiftSum, ref scaleSum);
                            ofShift[c + j] = shiftSum;
                            ofScale[c + j] = scaleSum;
                        }
                    else
                        for (var i = 0; i < rows; i++)
                            for (var j = 0; j < lanes; j++)
                                AddGradients(upstream, input, at + i * n.Channels + j, channel0 + c + j, channels, n, ref ofShift[c + j], ref ofScale[c + j]);
                }
            }
            for (var c = 0; c < count; c++) parts[target + channel0 + c] = ofShift[c];
            for (var c = 0; c < count; c++) parts[target + n.SumsApart + channel0 + c] = ofScale[c];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGradients(
        ArrayView<float> upstream, ArrayView<float> input, int at, int c, ArrayView<float> channels, NormalizationNumbers n, ref float ofShift, ref float ofScale)
    {
        var deviation = input[at] - channels[c];
        var passes = deviation * channels[2 * n.Channels + c] + channels[3 * n.Channels + c] > n.Floor;
        // Read before it is known to be needed: a load of all lanes, where one under a condition would be masked.
        var value = upstream[at];
        var u = passes ? value : 0f;
        ofShift += u;
        ofScale += u * (deviation * channels[n.Channels + c]);
    }

    // For GPUs: the same, a thread to a channel of a share.
    public static void GradientSumsOfColumn(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> channels, ArrayView<float> parts, NormalizationNumbers n)
    {
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
        parts[Grid.IdxX * 2 * n.SumsApart + c] = ofShift;
        parts[(Grid.IdxX * 2 + 1) * n.SumsApart + c] = ofScale * channels[n.Channels + c];
    }

    // For processors: a work-item owns a span of rows. sums [2, C rounded up to fours]: dβ and dγ
    public static void GradInputOfRows(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> channels, ArrayView<float> sums, ArrayView<float> gradient, NormalizationNumbers n)
    {
        var block = LocalMemory.Allocate1D<float>(RowBlock * Lanes);
        var end = IntrinsicMath.Min(n.Rows, (Grid.IdxX + 1) * PixelSpan.Length);
        for (var r = Grid.IdxX * PixelSpan.Length; r < end; r += RowBlock)
        {
            var rows = IntrinsicMath.Min(RowBlock, end - r);
            for (var c = 0; c < n.Channels; c += Lanes)
            {
                var lanes = IntrinsicMath.Min(Lanes, n.Channels - c);
                var at = r * n.Channels + c;
                if (rows == RowBlock & lanes == Lanes)
                {
                    for (var j = 0; j < Lanes; j++)
                        for (var i = 0; i < RowBlock; i++)
                            block[i * Lanes + j] = InputGradient(upstream, input, at + i * n.Channels + j, c + j, channels, sums, gradient, n);
                    StoreBlock(block, gradient, at, n.Channels);
                }
                else
                {
                    for (var i = 0; i < rows; i++)
                        for (var j = 0; j < lanes; j++)
                        {
                            var index = at + i * n.Channels + j;
                            gradient[index] = InputGradient(upstream, input, index, c + j, channels, sums, gradient, n);
                        }
                }
            }
        }
    }

    // For GPUs: the same, a thread to a channel of a pixel.
    public static void GradInputOfPixels(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> channels, ArrayView<float> sums, ArrayView<float> gradient, NormalizationNumbers n)
    {
        for (var row = PixelThreads.FirstPixel; row < PixelThreads.EndPixel(n.Rows); row++)
            for (var c = PixelThreads.FirstChannel; c < n.Channels; c += PixelThreads.ChannelStep)
            {
                var index = row * n.Channels + c;
                gradient[index] = InputGradient(upstream, input, index, c, channels, sums, gradient, n);
            }
    }

    /// <summary>
    /// dx = γ/√(variance + ε) · (dy − (dβ + x̂·dγ) / rows), without what is in parentheses for given statistics; added to what the gradient holds,
    /// where that is asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float InputGradient(
        ArrayView<float> upstream, ArrayView<float> input, int at, int c, ArrayView<float> channels, ArrayView<float> sums, ArrayView<float> gradient,
        NormalizationNumbers n)
    {
        var share = n.OfBatch != 0 ? 1f / n.Rows : 0f;
        var deviation = input[at] - channels[c];
        var value = upstream[at];
        var u = deviation * channels[2 * n.Channels + c] + channels[3 * n.Channels + c] > n.Floor ? value : 0f;
        var normal = deviation * channels[n.Channels + c];
        var result = channels[2 * n.Channels + c] * (u - (sums[c] + normal * sums[n.SumsApart + c]) * share);
        return n.Accumulate != 0 ? gradient[at] + result : result;
    }

    // kernel, folded [rows, C]: each output channel of a convolution's kernel times γ/√(variance + ε)
    public static void Fold<TShape>(ArrayView<float> kernel, ArrayView<float> channels, ArrayView<float> folded, NormalizationNumbers n)
        where TShape : struct, IPixelShape
    {
        for (var row = TShape.FirstPixel; row < TShape.EndPixel(n.Rows); row++)
            for (var c = TShape.FirstChannel; c < n.Channels; c += TShape.ChannelStep)
                folded[row * n.Channels + c] = kernel[row * n.Channels + c] * channels[2 * n.Channels + c];
    }
}
