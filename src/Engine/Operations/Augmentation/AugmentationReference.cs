using Convolve.Engine.Operations.Pixels;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>Augmentation in plain loops and double precision: its definition.</summary>
public static class AugmentationReference
{
    /// <summary>pixels [N,H,W,C] → [N,H,W,C].</summary>
    public static double[] Apply(AugmentationGeometry g, ReadOnlySpan<byte> pixels, IReadOnlyList<AffineMap> maps, PixelScaling scaling)
    {
        var output = new double[g.Shape.Length];
        for (var n = 0; n < g.Batch; n++)
        {
            var image = pixels.Slice(n * g.Height * g.Width * g.Channels, g.Height * g.Width * g.Channels);
            var map = maps[n];
            for (var y = 0; y < g.Height; y++)
                for (var x = 0; x < g.Width; x++)
                {
                    var row = (double)map.RowFromRow * y + (double)map.RowFromColumn * x + map.RowOffset;
                    var column = (double)map.ColumnFromRow * y + (double)map.ColumnFromColumn * x + map.ColumnOffset;
                    for (var c = 0; c < g.Channels; c++)
                    {
                        var source = scaling.Reversed != 0 ? g.Channels - 1 - c : c;
                        var (scale, offset) = c switch
                        {
                            0 => (scaling.FirstScale, scaling.FirstOffset),
                            1 => (scaling.SecondScale, scaling.SecondOffset),
                            _ => (scaling.ThirdScale, scaling.ThirdOffset),
                        };
                        var value = Math.Min(255, Sample(g, image, row, column, source) * map.Brightness);
                        output[((n * g.Height + y) * g.Width + x) * g.Channels + c] = value * scale + offset;
                    }
                }
        }
        return output;
    }

    // The mean of the four pixels around a position, weighted by distance.
    private static double Sample(AugmentationGeometry g, ReadOnlySpan<byte> image, double row, double column, int channel)
    {
        double top = Math.Floor(row), left = Math.Floor(column), sum = 0;
        for (var i = 0; i <= 1; i++)
            for (var j = 0; j <= 1; j++)
            {
                var weight = (i == 0 ? 1 - (row - top) : row - top) * (j == 0 ? 1 - (column - left) : column - left);
                sum += weight * Pixel(g, image, (long)top + i, (long)left + j, channel);
            }
        return sum;
    }

    private static double Pixel(AugmentationGeometry g, ReadOnlySpan<byte> image, long row, long column, int channel)
    {
        if (g.Fill == Fill.Constant && (row < 0 || row >= g.Height || column < 0 || column >= g.Width)) return g.FillValue;
        if (g.Fill == Fill.Reflect)
        {
            row = Mirrored(row, g.Height);
            column = Mirrored(column, g.Width);
        }
        var at = (Math.Clamp(row, 0, g.Height - 1) * g.Width + Math.Clamp(column, 0, g.Width - 1)) * g.Channels + channel;
        return image[(int)at];
    }

    // Moves stepwise into 0 … size − 1; the edges are between −1 and 0, and between size − 1 and size.
    private static long Mirrored(long place, long size)
    {
        place = ((place % (2 * size)) + 2 * size) % (2 * size);
        return place < size ? place : 2 * size - 1 - place;
    }
}
