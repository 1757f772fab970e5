using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>
/// Moves every image of a batch by a map of its own while its bytes become floats: a pixel of the result is taken, by bilinear
/// interpolation, from the place that the map gives, in the endless image that the fill rule makes.
/// </summary>
public static class Augmenting
{
    /// <summary>Augments a batch.</summary>
    /// <param name="pixels">The images, [N,H,W,C]; none are needed where nothing is computed.</param>
    /// <param name="maps">[N,7]: an <see cref="AffineMap"/> for each image.</param>
    /// <param name="target">[N,H,W,C]; takes the values.</param>
    /// <param name="geometry">Sizes and fill rule.</param>
    /// <param name="scaling">What becomes of a byte.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Apply(StagedPixels pixels, Tensor maps, Tensor target, AugmentationGeometry geometry, PixelScaling scaling)
    {
        if (target.Shape != geometry.Shape) throw new ArgumentException($"augmentation: {target} does not take images of {geometry.Shape}");
        if (pixels.Length != target.Shape.Length && target.Device.Computes)
            throw new ArgumentException($"augmentation: {geometry.Shape} needs {target.Shape.Length} bytes, but {pixels.Length} were given");
        if (maps.Shape != new Shape(geometry.Batch, AffineMap.Length))
            throw new ArgumentException($"augmentation: maps {maps.Shape} must be [{geometry.Batch},{AffineMap.Length}]");
        target.Device.ForEach(geometry.Pixels, AugmentationKernels.Apply<SpanPerItem>, AugmentationKernels.Apply<GridStride>,
            pixels.View, maps.View, target.View, geometry, scaling);
    }
}

internal static class AugmentationKernels
{
    // pixels [N,H,W,C], maps [N,7], y [N,H,W,C]; one thread makes all channels of a pixel
    public static void Apply<TShape>(
        ArrayView<byte> pixels, ArrayView<float> maps, ArrayView<float> output, AugmentationGeometry g, PixelScaling scaling)
        where TShape : struct, IWorkShape
    {
        for (var pixel = TShape.First; pixel < TShape.End(g.Pixels); pixel += TShape.Step)
        {
            var line = pixel / g.Width;
            var x = pixel - line * g.Width;
            var n = line / g.Height;
            var y = line - n * g.Height;
            var m = n * AffineMap.Length;
            var row = AugmentationGeometry.Bounded(maps[m] * y + maps[m + 1] * x + maps[m + 2]);
            var column = AugmentationGeometry.Bounded(maps[m + 3] * y + maps[m + 4] * x + maps[m + 5]);
            var brightness = maps[m + 6];
            var top = AugmentationGeometry.Floor(row);
            var left = AugmentationGeometry.Floor(column);
            var down = row - top;
            var right = column - left;
            var image = n * g.Height;
            var above = (image + g.Inside(top, g.Height)) * g.Width;
            var below = (image + g.Inside(top + 1, g.Height)) * g.Width;
            var west = g.Inside(left, g.Width);
            var east = g.Inside(left + 1, g.Width);
            // Read from inside the image in any case, then perhaps not used: a read outside would be one even in an untaken branch.
            var northWest = (above + west) * g.Channels;
            var northEast = (above + east) * g.Channels;
            var southWest = (below + west) * g.Channels;
            var southEast = (below + east) * g.Channels;
            for (var c = 0; c < g.Channels; c++)
            {
                var source = scaling.Source(c, g.Channels);
                var nw = g.IsFilled(top, left) ? g.FillValue : pixels[northWest + source];
                var ne = g.IsFilled(top, left + 1) ? g.FillValue : pixels[northEast + source];
                var sw = g.IsFilled(top + 1, left) ? g.FillValue : pixels[southWest + source];
                var se = g.IsFilled(top + 1, left + 1) ? g.FillValue : pixels[southEast + source];
                var upper = nw + (ne - nw) * right;
                var lower = sw + (se - sw) * right;
                var value = (upper + (lower - upper) * down) * brightness;
                output[pixel * g.Channels + c] = scaling.Apply(value > 255f ? 255f : value, c);
            }
        }
    }
}
