using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>Every size of an augmentation, [N,H,W,C] → [N,H,W,C], and the fill rule.</summary>
/// <param name="Batch">N, images.</param>
/// <param name="Height">H, rows.</param>
/// <param name="Width">W, columns.</param>
/// <param name="Channels">C.</param>
/// <param name="Fill">The fill rule.</param>
/// <param name="FillValue">The value there under <see cref="Fill.Constant"/>, 0 … 255.</param>
public readonly record struct AugmentationGeometry(int Batch, int Height, int Width, int Channels, Fill Fill, float FillValue)
{
    /// <summary>Bound on coordinates; integers up to it are exact in float32.</summary>
    private const float Farthest = 8388608f;

    /// <summary>[N,H,W,C].</summary>
    public Shape Shape => new(Batch, Height, Width, Channels);

    /// <summary>Pixels of the whole batch.</summary>
    public int Pixels => Batch * Height * Width;

    /// <summary>Takes the sizes of a batch.</summary>
    /// <exception cref="ArgumentException">The shape is not [N,H,W,C], or its sides are too long to mirror.</exception>
    public static AugmentationGeometry Create(Shape batch, Fill fill = Fill.Nearest, float fillValue = 0)
    {
        if (batch.Rank != 4) throw new ArgumentException($"augmentation: batch {batch} must be [N,H,W,C]");
        if (batch[1] > Farthest / 2 || batch[2] > Farthest / 2)
            throw new ArgumentException($"augmentation: images of {batch} are too large");
        return new(batch[0], batch[1], batch[2], batch[3], fill, fillValue);
    }

    /// <summary>A coordinate clamped to the range of an int; handles NaN.</summary>
    internal static float Bounded(float coordinate) =>
        coordinate > -Farthest ? (coordinate < Farthest ? coordinate : Farthest) : -Farthest;

    /// <summary>The floor of a bounded coordinate.</summary>
    internal static int Floor(float coordinate)
    {
        var truncated = (int)coordinate;
        return coordinate < truncated ? truncated - 1 : truncated;
    }

    /// <summary>Index of the pixel, of <paramref name="size"/>, at a position of the infinite row that the fill rule defines.</summary>
    internal int Inside(int place, int size)
    {
        if (Fill == Fill.Reflect)
        {
            // The row repeats after the image and its mirror image.
            var period = 2 * size;
            var remainder = place % period;
            var folded = remainder < 0 ? remainder + period : remainder;
            return folded < size ? folded : period - 1 - folded;
        }
        return IntrinsicMath.Max(0, IntrinsicMath.Min(place, size - 1));
    }

    /// <summary>Whether a position has the fill value instead of a pixel.</summary>
    internal bool IsFilled(int row, int column) =>
        Fill == Fill.Constant & (row < 0 | row >= Height | column < 0 | column >= Width);
}
