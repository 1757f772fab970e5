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
    // For processors: a work-item walks twice through a share of the rows, with all channels in its vectors: first for the means, then,
    // when the share is in its core's cache, for the sums of squared deviations from them. What is summed are differences, from the share's
    // first row and then from its mean: they lose no digits, whatever the mean is.
    public static void MomentsOfRows(ArrayView<float> input, ArrayView<float> parts, NormalizationNumbers n)
    {
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var mean = Grid.IdxX * 2 * n.Channels;
        var squares = mean + n.Channels;
        for (var c = 0; c < 2 * n.Channels; c++) parts[mean + c] = 0;
        for (var r = begin; r < end; r++)
            for (var c = 0; c < n.Channels; c++) parts[mean + c] += input[r * n.Channels + c] - input[begin * n.Channels + c];
        for (var c = 0; c < n.Channels; c++) parts[mean + c] = input[begin * n.Channels + c] + parts[mean + c] / (end - begin);
        for (var r = begin; r < end; r++)
            for (var c = 0; c < n.Channels; c++)
            {
                var deviation = input[r * n.Channels + c] - parts[mean + c];
                parts[squares + c] += deviation * deviation;
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

    public static void Forward<TShape>(ArrayView<float> input, ArrayView<float> output, ArrayView<float> channels, NormalizationNumbers n)
        where TShape : struct, IPixelShape
    {
        for (var row = TShape.FirstPixel; row < TShape.EndPixel(n.Rows); row++)
            for (var c = TShape.FirstChannel; c < n.Channels; c += TShape.ChannelStep)
            {
                var y = (input[row * n.Channels + c] - channels[c]) * channels[2 * n.Channels + c] + channels[3 * n.Channels + c];
                output[row * n.Channels + c] = y < n.Floor ? n.Floor : y;
            }
    }

    // For processors: the sums of dy, and of dy·x̂, over a share of the rows. Whether ReLU let a value pass is computed again rather than
    // read: the output need not be kept for the backward pass.
    public static void GradientSumsOfRows(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> channels, ArrayView<float> parts, NormalizationNumbers n)
    {
        var begin = Grid.IdxX * n.ShareRows;
        var end = n.EndOfShare(Grid.IdxX);
        var shift = Grid.IdxX * 2 * n.SumsApart;
        var scale = shift + n.SumsApart;
        for (var c = 0; c < 2 * n.SumsApart; c++) parts[shift + c] = 0;
        for (var r = begin; r < end; r++)
            for (var c = 0; c < n.Channels; c++)
            {
                var deviation = input[r * n.Channels + c] - channels[c];
                var passes = deviation * channels[2 * n.Channels + c] + channels[3 * n.Channels + c] > n.Floor;
                var u = passes ? upstream[r * n.Channels + c] : 0f;
                parts[shift + c] += u;
                parts[scale + c] += u * (deviation * channels[n.Channels + c]);
            }
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

    // sums [2, C rounded up to fours]: dβ and dγ. dx = γ/√(variance + ε) · (dy − (dβ + x̂·dγ) / rows), without what is in parentheses for given statistics
    public static void GradInput<TShape>(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> channels, ArrayView<float> sums, ArrayView<float> gradient, NormalizationNumbers n)
        where TShape : struct, IPixelShape
    {
        var share = n.OfBatch != 0 ? 1f / n.Rows : 0f;
        for (var row = TShape.FirstPixel; row < TShape.EndPixel(n.Rows); row++)
            for (var c = TShape.FirstChannel; c < n.Channels; c += TShape.ChannelStep)
            {
                var i = row * n.Channels + c;
                var deviation = input[i] - channels[c];
                var u = deviation * channels[2 * n.Channels + c] + channels[3 * n.Channels + c] > n.Floor ? upstream[i] : 0f;
                var normal = deviation * channels[n.Channels + c];
                var value = channels[2 * n.Channels + c] * (u - (sums[c] + normal * sums[n.SumsApart + c]) * share);
                gradient[i] = n.Accumulate != 0 ? gradient[i] + value : value;
            }
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
