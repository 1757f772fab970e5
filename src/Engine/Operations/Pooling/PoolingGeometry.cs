using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Pooling;

/// <summary>Every size of a pooling without padding: input [N,H,W,C], output [N,OH,OW,C].</summary>
/// <param name="Batch">N, images.</param>
/// <param name="Height">H, input rows.</param>
/// <param name="Width">W, input columns.</param>
/// <param name="Channels">C.</param>
/// <param name="WindowHeight">Rows of a window.</param>
/// <param name="WindowWidth">Columns of a window.</param>
/// <param name="Stride">The step of the window in both directions.</param>
/// <param name="OutputHeight">OH.</param>
/// <param name="OutputWidth">OW.</param>
public readonly record struct PoolingGeometry(
    int Batch, int Height, int Width, int Channels, int WindowHeight, int WindowWidth, int Stride, int OutputHeight, int OutputWidth)
{
    /// <summary>[N,H,W,C].</summary>
    public Shape Input => new(Batch, Height, Width, Channels);

    /// <summary>[N,OH,OW,C].</summary>
    public Shape Output => new(Batch, OutputHeight, OutputWidth, Channels);

    /// <summary>Output pixels of the whole batch.</summary>
    public int OutputPixels => Batch * OutputHeight * OutputWidth;

    /// <summary>Input pixels of the whole batch.</summary>
    public int InputPixels => Batch * Height * Width;

    /// <summary>Cells of Stride rows that the input's height is divided into, the last one perhaps smaller.</summary>
    internal int CellsDown => Rounding.CeilDiv(Height, Stride);

    /// <summary>Cells of Stride columns that the input's width is divided into.</summary>
    internal int CellsAcross => Rounding.CeilDiv(Width, Stride);

    /// <summary>Cells of the whole batch; each has at most one window.</summary>
    internal int Cells => Batch * CellsDown * CellsAcross;

    /// <summary>Index in the input of the first channel of an output pixel's window.</summary>
    internal int WindowStart(int outputPixel)
    {
        var line = outputPixel / OutputWidth;
        var ow = outputPixel - line * OutputWidth;
        var n = line / OutputHeight;
        var oh = line - n * OutputHeight;
        return ((n * Height + oh * Stride) * Width + ow * Stride) * Channels;
    }

    /// <summary>The first window, along one direction, that contains an input position.</summary>
    internal int FirstWindow(int position, int window) => position < window ? 0 : (position - window) / Stride + 1;

    /// <summary>One past the last window, along one direction, that contains an input position.</summary>
    internal int EndWindow(int position, int windows) => IntrinsicMath.Min(position / Stride + 1, windows);

    /// <summary>Computes the sizes; rows and columns that no complete window covers are dropped.</summary>
    /// <exception cref="ArgumentException">The window is larger than the input.</exception>
    public static PoolingGeometry Create(Shape input, int windowHeight, int windowWidth, int stride)
    {
        if (input.Rank != 4) throw new ArgumentException($"pooling: input {input} must be [N,H,W,C]");
        if (stride < 1) throw new ArgumentException($"pooling: stride {stride} must be at least 1");
        if (windowHeight < 1 || windowWidth < 1)
            throw new ArgumentException($"pooling: window {windowHeight}x{windowWidth} must be at least 1x1");
        if (windowHeight > input[1] || windowWidth > input[2])
            throw new ArgumentException($"pooling: window {windowHeight}x{windowWidth} is larger than the input {input}");
        return new(input[0], input[1], input[2], input[3], windowHeight, windowWidth, stride,
            (input[1] - windowHeight) / stride + 1, (input[2] - windowWidth) / stride + 1);
    }
}
