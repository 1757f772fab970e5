using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Every size of a convolution, computed and validated once and shared by the forward pass and both gradients:
/// input [N,H,W,C], kernel [KH,KW,C,K], output [N,OH,OW,K].
/// </summary>
/// <param name="Batch">N, images.</param>
/// <param name="Height">H, input rows.</param>
/// <param name="Width">W, input columns.</param>
/// <param name="InputChannels">C.</param>
/// <param name="KernelHeight">KH.</param>
/// <param name="KernelWidth">KW.</param>
/// <param name="OutputChannels">K.</param>
/// <param name="Stride">The step of the kernel in both directions.</param>
/// <param name="PaddingTop">Rows of zeros above the image.</param>
/// <param name="PaddingLeft">Columns of zeros left of the image.</param>
/// <param name="OutputHeight">OH.</param>
/// <param name="OutputWidth">OW.</param>
public readonly record struct ConvolutionGeometry(
    int Batch, int Height, int Width, int InputChannels, int KernelHeight, int KernelWidth, int OutputChannels,
    int Stride, int PaddingTop, int PaddingLeft, int OutputHeight, int OutputWidth)
{
    /// <summary>[N,H,W,C].</summary>
    public Shape Input => new(Batch, Height, Width, InputChannels);

    /// <summary>[KH,KW,C,K].</summary>
    public Shape Kernel => new(KernelHeight, KernelWidth, InputChannels, OutputChannels);

    /// <summary>[N,OH,OW,K].</summary>
    public Shape Output => new(Batch, OutputHeight, OutputWidth, OutputChannels);

    /// <summary>Output pixels of the whole batch.</summary>
    public int OutputPixels => Batch * OutputHeight * OutputWidth;

    /// <summary>Input values under the kernel at one position: KH·KW·C.</summary>
    public int PatchLength => KernelHeight * KernelWidth * InputChannels;

    /// <summary>Multiplications and additions of the forward pass, two per term.</summary>
    public double Flops => 2.0 * OutputPixels * PatchLength * OutputChannels;

    /// <summary>Computes the sizes for an input and a kernel.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit; the message names both.</exception>
    public static ConvolutionGeometry Create(Shape input, Shape kernel, Padding padding, int stride = 1)
    {
        if (input.Rank != 4) throw new ArgumentException($"convolution: input {input} must be [N,H,W,C]");
        if (kernel.Rank != 4) throw new ArgumentException($"convolution: kernel {kernel} must be [KH,KW,C,K]");
        if (stride < 1) throw new ArgumentException($"convolution: stride {stride} must be at least 1");
        if (input[3] != kernel[2])
            throw new ArgumentException($"convolution: input {input} has {input[3]} channels, kernel {kernel} expects {kernel[2]}");
        var (top, bottom) = padding.Amounts(input[1], kernel[0], stride);
        var (left, right) = padding.Amounts(input[2], kernel[1], stride);
        var outputHeight = (input[1] + top + bottom - kernel[0]) / stride + 1;
        var outputWidth = (input[2] + left + right - kernel[1]) / stride + 1;
        if (input[1] + top + bottom < kernel[0] || input[2] + left + right < kernel[1])
            throw new ArgumentException($"convolution: kernel {kernel} is larger than the input {input} with its padding ({padding})");
        return new(input[0], input[1], input[2], input[3], kernel[0], kernel[1], kernel[3], stride, top, left, outputHeight, outputWidth);
    }
}

/// <summary>The padding: rows and columns of zeros around an image.</summary>
public readonly record struct Padding
{
    private readonly int amount;

    private Padding(int amount) => this.amount = amount;

    /// <summary>None: the kernel stays inside the image.</summary>
    public static Padding Valid => new(0);

    /// <summary>Enough for an output of ⌈size / stride⌉; an odd row or column goes below or to the right, as in Keras.</summary>
    public static Padding Same => new(-1);

    /// <summary>The same number on all four sides.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative.</exception>
    public static Padding Of(int amount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        return new(amount);
    }

    /// <summary>Rows before and after for an image of the given size.</summary>
    internal (int Before, int After) Amounts(int size, int kernel, int stride)
    {
        if (amount >= 0) return (amount, amount);
        var total = Math.Max(0, (Rounding.CeilDiv(size, stride) - 1) * stride + kernel - size);
        return (total / 2, total - total / 2);
    }

    /// <inheritdoc/>
    public override string ToString() => amount switch { 0 => "valid", -1 => "same", _ => amount.ToString() };
}
