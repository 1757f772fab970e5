using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.BatchNormalization;

/// <summary>The per-channel data of batch normalization, [C] each.</summary>
/// <param name="Scale">γ.</param>
/// <param name="Shift">β.</param>
/// <param name="Mean">The running mean.</param>
/// <param name="Variance">The running variance.</param>
/// <param name="Epsilon">ε, added to the variance before the square root.</param>
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
/// Batch normalization (Ioffe and Szegedy, 2015) with fused ReLU: each channel gets the mean β and the standard deviation γ. In
/// training, a channel's mean and variance are those of the batch; in prediction, the running statistics of the training.
/// </summary>
public static class BatchNormalizationOperation
{
    /// <summary>Numbers per chunk on a CPU: 64 KiB, which its core reads from its cache the second time.</summary>
    private const int ShareLength = 16384;

    /// <summary>Fewest rows per chunk on a GPU.</summary>
    private const int ShortestShare = 64;

    /// <summary>Normalizes by the batch's own mean and variance: [..., C] → the same shape.</summary>
    /// <param name="tape">Records the operation, which keeps its input.</param>
    /// <param name="input">x.</param>
    /// <param name="channels">The running statistics are updated with those of the batch (with the unbiased variance).</param>
    /// <param name="momentum">The factor that keeps the old running statistics.</param>
    /// <param name="relu">Whether values below zero become zero.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static Tensor OfBatch(Tape tape, Tensor input, NormalizedChannels channels, float momentum, bool relu = false)
    {
        var geometry = channels.Geometry(input.Shape);
        var numbers = Numbers(geometry, channels, relu) with { Momentum = momentum, Share = 1f / geometry.Rows };
        var device = input.Device;
        var coefficients = tape.NewTensor(new Shape(4, geometry.Channels));
        var parts = device.Pool.Rent((long)numbers.Shares * 2 * geometry.Channels);
        var view = parts.View(numbers.Shares * 2 * geometry.Channels);
        if (device.Shape == KernelShape.Cpu)
            device.Kernels.ForEachGroup(new(numbers.Shares), new MomentsOfRows { Input = input.View, Parts = view, Numbers = numbers });
        else device.Kernels.ForEachGroup(Columns(numbers), new MomentsOfColumn { Input = input.View, Parts = view, Numbers = numbers });
        device.Kernels.ForEach(geometry.Channels, new JoinMoments
        {
            Parts = view,
            Scale = channels.Scale.View,
            Shift = channels.Shift.View,
            RunningMean = channels.Mean.View,
            RunningVariance = channels.Variance.View,
            Coefficients = new() { Values = coefficients.View, Numbers = numbers },
        });
        parts.Release();
        return Apply(tape, input, channels, coefficients, geometry, numbers);
    }

    /// <summary>Normalizes by the running mean and variance, which do not change: [..., C] → the same shape.</summary>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static Tensor OfRunning(Tape tape, Tensor input, NormalizedChannels channels, bool relu = false)
    {
        var geometry = channels.Geometry(input.Shape);
        return Apply(tape, input, channels, Coefficients(tape, channels, geometry), geometry, Numbers(geometry, channels, relu));
    }

    /// <summary>
    /// Folds normalization by the running statistics into a convolution: the kernel and bias that give what <paramref name="kernel"/> and
    /// <paramref name="bias"/> give followed by the normalization, up to rounding. For prediction; nothing is recorded.
    /// </summary>
    /// <param name="tape">Owns the result.</param>
    /// <param name="kernel">[..., C].</param>
    /// <param name="bias">[C], or null for zeros.</param>
    /// <param name="channels">The normalization.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static (Tensor Kernel, Tensor Bias) Fold(Tape tape, Tensor kernel, Tensor? bias, NormalizedChannels channels)
    {
        var geometry = channels.Geometry(kernel.Shape);
        var device = kernel.Device;
        var coefficients = Coefficients(tape, channels, geometry);
        var numbers = Numbers(geometry, channels, relu: false);
        var (folded, offset) = (tape.NewTensor(kernel.Shape), tape.NewTensor(channels.Shift.Shape));
        device.Kernels.ForEachPixel(geometry.Rows, geometry.Channels, new FoldKernel
        {
            Kernel = kernel.View,
            Folded = folded.View,
            Coefficients = new() { Values = coefficients.View, Numbers = numbers },
        });
        // The bias is normalized like any output row of the convolution.
        if (bias is null) offset.Fill(0);
        Normalize(bias ?? offset, offset, coefficients, numbers with { Rows = 1 });
        tape.Release(coefficients);
        return (folded, offset);
    }

    /// <summary>The coefficients [4, C] of the running statistics.</summary>
    private static Tensor Coefficients(Tape tape, NormalizedChannels channels, BatchNormalizationGeometry geometry)
    {
        var coefficients = tape.NewTensor(new Shape(4, geometry.Channels));
        coefficients.Device.Kernels.ForEach(geometry.Channels, new RunningCoefficients
        {
            Scale = channels.Scale.View,
            Shift = channels.Shift.View,
            Mean = channels.Mean.View,
            Variance = channels.Variance.View,
            Coefficients = new() { Values = coefficients.View, Numbers = Numbers(geometry, channels, relu: false) },
        });
        return coefficients;
    }

    private static void Normalize(Tensor input, Tensor output, Tensor coefficients, NormalizationNumbers numbers)
    {
        var (device, by) = (output.Device, new NormalizationCoefficients { Values = coefficients.View, Numbers = numbers });
        if (device.Shape == KernelShape.Cpu)
            device.Kernels.ForEachGroup(Rows(numbers), new NormalizeRows { Input = input.View, Output = output.View, Coefficients = by });
        else
            device.Kernels.ForEachPixel(numbers.Rows, numbers.Channels,
                new NormalizePixels { Input = input.View, Output = output.View, Coefficients = by });
    }

    private static Tensor Apply(
        Tape tape, Tensor input, NormalizedChannels channels, Tensor coefficients, BatchNormalizationGeometry geometry,
        NormalizationNumbers numbers)
    {
        var output = tape.NewTensor(input.Shape);
        Normalize(input, output, coefficients, numbers);
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
        var by = new NormalizationCoefficients { Values = coefficients.View, Numbers = numbers };
        if (device.Shape == KernelShape.Cpu)
            device.Kernels.ForEachGroup(new(numbers.Shares),
                new GradientSumsOfRows { Upstream = upstream.View, Input = input.View, Parts = view, Coefficients = by });
        else
            device.Kernels.ForEachGroup(Columns(numbers),
                new GradientSumsOfColumn { Upstream = upstream.View, Input = input.View, Parts = view, Coefficients = by });
        BiasGradientOperation.SumOfParts(device, view, sums, width, numbers.Shares, accumulate: false);
        parts.Release();
        if (channels.Shift.RequiresGradient) tape.AddGradient(channels.Shift, sums.Slice(0, channels.Shift.Shape));
        if (channels.Scale.RequiresGradient) tape.AddGradient(channels.Scale, sums.Slice(numbers.SumsApart, channels.Scale.Shape));
        if (!input.RequiresGradient) return;
        var gradient = tape.GradientOver(upstream, input, out var accumulate);
        by.Numbers.Accumulate = accumulate ? 1 : 0;
        var of = new NormalizationGradient
        {
            Upstream = upstream.View,
            Input = input.View,
            Gradient = gradient.View,
            Sums = sums.View,
            Coefficients = by
        };
        if (device.Shape == KernelShape.Cpu) device.Kernels.ForEachGroup(Rows(numbers), new NormalizationGradInputOfRows { Of = of });
        else device.Kernels.ForEach(geometry.Rows * geometry.Channels, new NormalizationGradInputOfElements { Of = of });
    }

    private static NormalizationNumbers Numbers(BatchNormalizationGeometry g, NormalizedChannels channels, bool relu)
    {
        var device = channels.Scale.Device;
        var shares = device.Shape == KernelShape.Cpu ? g.Rows / Math.Max(1, ShareLength / g.Channels)
            : Math.Min(g.Rows / ShortestShare, device.SumParts * 2);
        return new()
        {
            Rows = g.Rows,
            Channels = g.Channels,
            SumsApart = (g.Channels + 3) / 4 * 4,
            ShareRows = Rounding.CeilDiv(g.Rows, Math.Max(1, shares)),
            Epsilon = channels.Epsilon,
            Floor = relu ? 0 : float.MinValue,
        };
    }

    /// <summary>Groups along the chunks, which may be many, then along the channels.</summary>
    private static GroupGrid Columns(NormalizationNumbers n) => new(n.Shares, (n.Channels + 31) / 32, Threads: 32);

    /// <summary>Work items on a CPU, each with a range of rows.</summary>
    private static GroupGrid Rows(NormalizationNumbers n) => new(Rounding.CeilDiv(n.Rows, PixelSpan.Length));
}
