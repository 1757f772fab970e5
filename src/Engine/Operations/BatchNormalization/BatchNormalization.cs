using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.BatchNormalization;

/// <summary>What batch normalization knows of each channel, [C] each.</summary>
/// <param name="Scale">γ.</param>
/// <param name="Shift">β.</param>
/// <param name="Mean">The running mean.</param>
/// <param name="Variance">The running variance.</param>
/// <param name="Epsilon">ε, which is added to a variance before its root is taken.</param>
public readonly record struct NormalizedChannels(Tensor Scale, Tensor Shift, Tensor Mean, Tensor Variance, float Epsilon)
{
    internal BatchNormalizationGeometry Geometry(Shape input)
    {
        foreach (var tensor in new[] { Shift, Mean, Variance })
            if (tensor.Shape != Scale.Shape)
                throw new ArgumentException($"batch normalization: scale {Scale.Shape} and shift or statistics {tensor.Shape} differ");
        return BatchNormalizationGeometry.Create(input, Scale.Shape);
    }
}

/// <summary>
/// Batch normalization (Ioffe and Szegedy, 2015) and, in the same pass, ReLU: each channel gets the mean β and the deviation γ. While
/// training a channel's mean and variance are those of the batch, in prediction those that ran along with the training.
/// </summary>
public static class BatchNormalizationOperation
{
    /// <summary>Numbers of a share on a processor: 64 KiB, which its core reads from its cache the second time.</summary>
    private const int ShareLength = 16384;

    /// <summary>Rows of a share on a GPU at least.</summary>
    private const int ShortestShare = 64;

    /// <summary>Normalizes by the batch's own mean and variance: [..., C] → the same shape.</summary>
    /// <param name="tape">Records the operation, which keeps its input.</param>
    /// <param name="input">x.</param>
    /// <param name="channels">The running statistics take in those of the batch (the variance divided by one less than the number of values).</param>
    /// <param name="momentum">The share of the running statistics that stays.</param>
    /// <param name="relu">Whether values below zero become zero.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor OfBatch(Tape tape, Tensor input, NormalizedChannels channels, float momentum, bool relu = false)
    {
        var geometry = channels.Geometry(input.Shape);
        var numbers = Numbers(geometry, channels, relu) with { Momentum = momentum, OfBatch = 1 };
        var device = input.Device;
        var coefficients = tape.NewTensor(new Shape(4, geometry.Channels));
        var parts = device.Pool.Rent((long)numbers.Shares * 2 * geometry.Channels);
        var view = parts.View(numbers.Shares * 2 * geometry.Channels);
        if (device.Shape == KernelShape.Cpu) device.Launch(BatchNormalizationKernels.MomentsOfRows, new KernelConfig(numbers.Shares, 1), input.View, view, numbers);
        else device.Launch(BatchNormalizationKernels.MomentsOfColumn, Columns(numbers), input.View, view, numbers);
        device.ForEach(geometry.Channels, BatchNormalizationKernels.JoinMoments<SpanPerItem>, BatchNormalizationKernels.JoinMoments<GridStride>,
            view, channels.Scale.View, channels.Shift.View, channels.Mean.View, channels.Variance.View, coefficients.View, numbers);
        parts.Release();
        return Apply(tape, input, channels, coefficients, geometry, numbers);
    }

    /// <summary>Normalizes by the running mean and variance, which stay as they are: [..., C] → the same shape.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor OfRunning(Tape tape, Tensor input, NormalizedChannels channels, bool relu = false)
    {
        var geometry = channels.Geometry(input.Shape);
        return Apply(tape, input, channels, Given(tape, channels, geometry), geometry, Numbers(geometry, channels, relu));
    }

    /// <summary>
    /// The kernel and the bias of a convolution that gives at once what one with <paramref name="kernel"/> and <paramref name="bias"/> gives
    /// after normalization by the running statistics, to rounding: both are linear. For prediction; nothing is recorded.
    /// </summary>
    /// <param name="tape">Owns the result.</param>
    /// <param name="kernel">[..., C].</param>
    /// <param name="bias">[C], or null for zeros.</param>
    /// <param name="channels">The normalization.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static (Tensor Kernel, Tensor Bias) Fold(Tape tape, Tensor kernel, Tensor? bias, NormalizedChannels channels)
    {
        var geometry = channels.Geometry(kernel.Shape);
        var device = kernel.Device;
        var coefficients = Given(tape, channels, geometry);
        var numbers = Numbers(geometry, channels, relu: false);
        var (folded, offset) = (tape.NewTensor(kernel.Shape), tape.NewTensor(channels.Shift.Shape));
        device.ForEachPixel(geometry.Rows, BatchNormalizationKernels.Fold<PixelSpan>, BatchNormalizationKernels.Fold<PixelThreads>,
            kernel.View, coefficients.View, folded.View, numbers);
        // The bias is a row like any other that the convolution might give.
        if (bias is null) offset.Fill(0);
        var source = bias ?? offset;
        device.ForEachPixel(1, BatchNormalizationKernels.ForwardOfRows, BatchNormalizationKernels.ForwardOfPixels,
            source.View, offset.View, coefficients.View, numbers with { Rows = 1 });
        tape.Release(coefficients);
        return (folded, offset);
    }

    private static Tensor Given(Tape tape, NormalizedChannels channels, BatchNormalizationGeometry geometry)
    {
        var coefficients = tape.NewTensor(new Shape(4, geometry.Channels));
        coefficients.Device.ForEach(geometry.Channels, BatchNormalizationKernels.Given<SpanPerItem>, BatchNormalizationKernels.Given<GridStride>,
            channels.Scale.View, channels.Shift.View, channels.Mean.View, channels.Variance.View, coefficients.View, Numbers(geometry, channels, false));
        return coefficients;
    }

    private static Tensor Apply(
        Tape tape, Tensor input, NormalizedChannels channels, Tensor coefficients, BatchNormalizationGeometry geometry, NormalizationNumbers numbers)
    {
        var output = tape.NewTensor(input.Shape);
        output.Device.ForEachPixel(geometry.Rows, BatchNormalizationKernels.ForwardOfRows, BatchNormalizationKernels.ForwardOfPixels,
            input.View, output.View, coefficients.View, numbers);
        if (tape.Records(input, channels.Scale, channels.Shift))
            tape.Record("batch normalization", output, [input, coefficients],
                upstream => Backward(tape, upstream, input, channels, coefficients, geometry, numbers));
        tape.Release(coefficients);
        return output;
    }

    private static void Backward(
        Tape tape, Tensor upstream, Tensor input, NormalizedChannels channels, Tensor coefficients, BatchNormalizationGeometry geometry,
        NormalizationNumbers numbers)
    {
        var device = upstream.Device;
        var width = 2 * numbers.SumsApart;
        using var sums = Tensor.Uninitialized(device, new Shape(width));
        var parts = device.Pool.Rent((long)numbers.Shares * width);
        var view = parts.View(numbers.Shares * width);
        if (device.Shape == KernelShape.Cpu)
            device.Launch(BatchNormalizationKernels.GradientSumsOfRows, new KernelConfig(numbers.Shares, 1),
                upstream.View, input.View, coefficients.View, view, numbers);
        else
            device.Launch(BatchNormalizationKernels.GradientSumsOfColumn, Columns(numbers), upstream.View, input.View, coefficients.View, view, numbers);
        device.ForEach(width, BiasKernels.AddParts<SpanPerItem>, BiasKernels.AddParts<GridStride>, view, sums.View, width, numbers.Shares, 0);
        parts.Release();
        if (channels.Shift.RequiresGradient) tape.AddGradient(channels.Shift, sums.Slice(0, channels.Shift.Shape));
        if (channels.Scale.RequiresGradient) tape.AddGradient(channels.Scale, sums.Slice(numbers.SumsApart, channels.Scale.Shape));
        if (!input.RequiresGradient) return;
        var gradient = tape.GradientOver(upstream, input, out var accumulate);
        device.ForEachPixel(geometry.Rows, BatchNormalizationKernels.GradInputOfRows, BatchNormalizationKernels.GradInputOfPixels,
            upstream.View, input.View, coefficients.View, sums.View, gradient.View, numbers with { Accumulate = accumulate ? 1 : 0 });
    }

    private static NormalizationNumbers Numbers(BatchNormalizationGeometry g, NormalizedChannels channels, bool relu)
    {
        var device = channels.Scale.Device;
        var shares = device.Shape == KernelShape.Cpu ? g.Rows / Math.Max(1, ShareLength / g.Channels) : Math.Min(g.Rows / ShortestShare, device.SumParts * 2);
        return new()
        {
            Rows = g.Rows,
            Channels = g.Channels,
            ShareRows = (g.Rows + Math.Max(1, shares) - 1) / Math.Max(1, shares),
            Epsilon = channels.Epsilon,
            Floor = relu ? 0 : float.MinValue,
        };
    }

    /// <summary>Groups along the shares, which may be many, then along the channels.</summary>
    private static KernelConfig Columns(NormalizationNumbers n) =>
        new(new Index3D(n.Shares, (n.Channels + 31) / 32, 1), new Index3D(32, 1, 1));
}
