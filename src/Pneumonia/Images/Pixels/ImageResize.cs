namespace Convolve.Pneumonia.Images;

/// <summary>How an image is brought to its size.</summary>
public enum ResizeMethod
{
    /// <summary>
    /// The source pixel under the centre of the new one: <c>y[i] = x[⌊(i + ½)·s⌋]</c>, s = old size / new size. Keras's default.
    /// </summary>
    Nearest,

    /// <summary>
    /// Linear between the four source pixels around the centre of the new one, <c>u = (i + ½)·s − ½</c>, clamped at the edges. Four pixels
    /// are too few where s is 2 or more, as it is for X-rays as machines write them: whatever is finer than the new pixels would come out
    /// as a coarse pattern that is not in the chest (aliasing). So k = ⌊s⌋ columns or rows are first averaged to one, as by
    /// <see cref="Area"/>.
    /// </summary>
    Bilinear,

    /// <summary>
    /// Mean of the source over the square that the new pixel covers, <c>[i·s, (i+1)·s)</c>, pixels cut by its edge counting by
    /// the share inside.
    /// </summary>
    Area,
}

/// <summary>
/// Resizes to a square of N × N bytes a channel; the aspect ratio is not kept, as in the reference experiments. Values are rounded
/// to the nearest byte, halves upward. Resizing to the same size changes nothing, whatever the method.
/// </summary>
public static class ImageResize
{
    /// <param name="image">Source pixels.</param>
    /// <param name="size">N, the new width and height in pixels.</param>
    /// <param name="channels">1 or 3: gray is repeated for 3; colour becomes gray as the mean of 299 R + 587 G + 114 B thousandths (ITU-R
    /// BT.601).</param>
    /// <param name="method">See <see cref="ResizeMethod"/>.</param>
    /// <param name="target">Receives [N, N, channels].</param>
    public static void Resize(DecodedImage image, int size, int channels, ResizeMethod method, Span<byte> target)
    {
        if (channels is not (1 or 3)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "resize: 1 or 3 channels");
        if (target.Length != size * size * channels)
            throw new ArgumentException(
                $"resize: target holds {target.Length} bytes, [{size},{size},{channels}] needs {size * size * channels}");
        if (image.Channels == channels)
        {
            ResizeChannels(image, size, method, target);
            return;
        }
        var resized = new byte[size * size * image.Channels];
        ResizeChannels(image, size, method, resized);
        if (channels == 3)
        {
            for (int i = 0, at = 0; i < resized.Length; i++, at += 3) target[at] = target[at + 1] = target[at + 2] = resized[i];
        }
        else
        {
            for (int i = 0, at = 0; i < target.Length; i++, at += 3)
                target[i] = (byte)((299 * resized[at] + 587 * resized[at + 1] + 114 * resized[at + 2] + 500) / 1000);
        }
    }

    private static void ResizeChannels(DecodedImage image, int size, ResizeMethod method, Span<byte> target)
    {
        if (image.Width == size && image.Height == size)
        {
            image.Pixels.CopyTo(target);
            return;
        }
        switch (method)
        {
            case ResizeMethod.Nearest: Nearest(image, size, target); break;
            case ResizeMethod.Bilinear: Bilinear(Averaged(image, size), size, target); break;
            case ResizeMethod.Area: Area(image, size, size, target); break;
            default: throw new ArgumentOutOfRangeException(nameof(method), method, "resize: unknown method");
        }
    }

    private static void Nearest(DecodedImage image, int size, Span<byte> target)
    {
        int channels = image.Channels, rowLength = image.Width * channels, at = 0;
        // (i + ½)·old / new in whole numbers, so that no rounding moves a centre to the neighbour.
        int Source(int i, int old) => (int)((2L * i + 1) * old / (2L * size));
        for (var y = 0; y < size; y++)
        {
            ReadOnlySpan<byte> row = image.Pixels.AsSpan(Source(y, image.Height) * rowLength, rowLength);
            for (var x = 0; x < size; x++)
            {
                var from = Source(x, image.Width) * channels;
                for (var c = 0; c < channels; c++) target[at++] = row[from + c];
            }
        }
    }

    // Less than twice as wide and high as the new image.
    private static DecodedImage Averaged(DecodedImage image, int size)
    {
        int across = Math.Max(1, image.Width / size), down = Math.Max(1, image.Height / size);
        if (across == 1 && down == 1) return image;
        int width = image.Width / across, height = image.Height / down;
        var pixels = new byte[width * height * image.Channels];
        Area(image, width, height, pixels);
        return new DecodedImage(width, height, image.Channels, pixels);
    }

    private static void Bilinear(DecodedImage image, int size, Span<byte> target)
    {
        int channels = image.Channels, rowLength = image.Width * channels, at = 0;
        var columns = Neighbours(image.Width, size);
        var rows = Neighbours(image.Height, size);
        for (var y = 0; y < size; y++)
        {
            (var low, var high, var down) = rows[y];
            ReadOnlySpan<byte> above = image.Pixels.AsSpan(low * rowLength, rowLength);
            ReadOnlySpan<byte> below = image.Pixels.AsSpan(high * rowLength, rowLength);
            foreach ((var left, var right, var across) in columns)
            {
                for (var c = 0; c < channels; c++)
                {
                    int l = left * channels + c, r = right * channels + c;
                    var top = above[l] + (above[r] - above[l]) * across;
                    var bottom = below[l] + (below[r] - below[l]) * across;
                    target[at++] = (byte)(top + (bottom - top) * down + 0.5f);
                }
            }
        }
    }

    private static (int Low, int High, float Share)[] Neighbours(int old, int size)
    {
        var neighbours = new (int, int, float)[size];
        var scale = (double)old / size;
        for (var i = 0; i < size; i++)
        {
            var centre = Math.Clamp((i + 0.5) * scale - 0.5, 0, old - 1);
            var low = (int)centre;
            neighbours[i] = (low, Math.Min(low + 1, old - 1), (float)(centre - low));
        }
        return neighbours;
    }

    // Separable: every source row is first averaged across into `row`, then added to the new rows that it overlaps.
    private static void Area(DecodedImage image, int width, int height, Span<byte> target)
    {
        int channels = image.Channels, values = width * channels;
        var columns = Overlaps(image.Width, width);
        var rows = Overlaps(image.Height, height);
        var row = new float[values];
        var sum = new float[values];
        var averaged = -1;
        for (var y = 0; y < height; y++)
        {
            Array.Clear(sum);
            (var first, var weights) = rows[y];
            for (var k = 0; k < weights.Length; k++)
            {
                if (averaged != first + k)
                {
                    averaged = first + k;
                    AverageRow(image.Pixels.AsSpan(averaged * image.Width * channels, image.Width * channels), columns, channels, row);
                }
                var weight = weights[k];
                for (var x = 0; x < values; x++) sum[x] += weight * row[x];
            }
            var line = target.Slice(y * values, values);
            for (var x = 0; x < values; x++) line[x] = (byte)Math.Min(sum[x] + 0.5f, 255f);
        }
    }

    private static void AverageRow(ReadOnlySpan<byte> source, (int First, float[] Weights)[] columns, int channels, Span<float> row)
    {
        var at = 0;
        foreach ((var first, var weights) in columns)
        {
            for (var c = 0; c < channels; c++)
            {
                float sum = 0;
                var from = first * channels + c;
                foreach (var weight in weights)
                {
                    sum += weight * source[from];
                    from += channels;
                }
                row[at++] = sum;
            }
        }
    }

    // Shares of the old pixels in each new one; they sum to 1.
    private static (int First, float[] Weights)[] Overlaps(int old, int size)
    {
        var overlaps = new (int, float[])[size];
        for (var i = 0; i < size; i++)
        {
            // Edges in units of 1/size of an old pixel, as whole numbers: pixel p covers [p·size, (p+1)·size).
            long start = (long)i * old, end = start + old;
            int first = (int)(start / size), last = (int)((end - 1) / size);
            var weights = new float[last - first + 1];
            for (var p = first; p <= last; p++)
                weights[p - first] = (float)((double)(Math.Min(end, (p + 1L) * size) - Math.Max(start, (long)p * size)) / old);
            overlaps[i] = (first, weights);
        }
        return overlaps;
    }
}
